"""The files within a multipart form, as browsers and many programs send one."""

from collections import deque
from collections.abc import AsyncIterator

from fastapi import HTTPException, Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

FORM = b"multipart/form-data"


def is_form(request: Request) -> bool:
    """Return whether the body of a request is a multipart form."""
    return parse_options_header(request.headers.get("content-type", ""))[0] == FORM


async def file_of_form(request: Request, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of the first file in a multipart form, as they arrive.

    Raises:
        HTTPException: it is no such form, or has no file.
    """
    begun = False
    async for _, data in files_of_form(request, chunks):
        async for chunk in data:
            if not begun:
                yield chunk
        begun = True
    if not begun:
        raise HTTPException(
            422, "a form must have a file in it; it has none; send one, or the picture as the body"
        )


async def files_of_form(
    request: Request, chunks: AsyncIterator[bytes]
) -> AsyncIterator[tuple[str, AsyncIterator[bytes]]]:
    """Yield the field's name of each file in a multipart form, and its bytes as they arrive.

    The bytes of a file must be read before the next file is asked for.

    Raises:
        HTTPException: it is no such form.
    """
    _, options = parse_options_header(request.headers["content-type"])
    try:
        form = _Form(options.get(b"boundary", b""))
        async for event in form.events(chunks):
            if isinstance(event, str):
                yield event, form.data(chunks)
    except MultipartParseError as error:
        raise HTTPException(422, f"a form must be whole multipart/form-data; {error}") from error


class _Form:
    """Parses a form into events: the name of a file's field, its pieces, and None at its end."""

    def __init__(self, boundary: bytes) -> None:
        self._events: deque[str | bytes | None] = deque()
        self._inside = False
        self._name, self._value, self._disposition = b"", b"", b""
        self._parser = MultipartParser(
            boundary,
            {
                "on_header_begin": self._begin_header,
                "on_header_field": self._add_name,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_part,
                "on_part_data": self._add,
                "on_part_end": self._end_part,
            },
        )

    async def events(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[str | bytes | None]:
        """Yield events as the body arrives, to its end."""
        while True:
            while self._events:
                yield self._events.popleft()
            try:
                self._parser.write(await anext(chunks))
            except StopAsyncIteration:
                self._parser.finalize()
                return

    async def data(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the pieces of the file whose name came last."""
        async for event in self.events(chunks):
            if not isinstance(event, bytes):
                return
            yield event

    def _begin_header(self) -> None:
        self._name = self._value = b""

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value

    def _begin_part(self) -> None:
        options = parse_options_header(self._disposition)[1]
        self._inside = b"filename" in options
        if self._inside:
            self._events.append(options.get(b"name", b"").decode("utf-8", "replace"))
        self._disposition = b""

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._events.append(data[start:end])

    def _end_part(self) -> None:
        if self._inside:
            self._events.append(None)
        self._inside = False
