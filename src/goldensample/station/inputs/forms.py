"""The file within a multipart form, as browsers and many programs send one."""

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
    _, options = parse_options_header(request.headers["content-type"])
    try:
        form = _FirstFile(options.get(b"boundary", b""))
        async for chunk in chunks:
            form.parser.write(chunk)
            while form.received:
                yield form.received.pop(0)
        form.parser.finalize()
    except MultipartParseError as error:
        raise HTTPException(422, f"a form must be whole multipart/form-data; {error}") from error
    if not form.begun:
        raise HTTPException(
            422, "a form must have a file in it; it has none; send one, or the picture as the body"
        )


class _FirstFile:
    """Collects the bytes of the first part that has a file's name."""

    def __init__(self, boundary: bytes) -> None:
        self.received: list[bytes] = []
        self.begun = self._inside = False
        self._name, self._value, self._disposition = b"", b"", b""
        self.parser = MultipartParser(
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
        named = b"filename" in parse_options_header(self._disposition)[1]
        self._inside = named and not self.begun
        self.begun = self.begun or named
        self._disposition = b""

    def _add(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self.received.append(data[start:end])

    def _end_part(self) -> None:
        self._inside = False
