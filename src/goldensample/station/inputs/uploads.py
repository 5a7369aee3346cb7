"""Uploads: written to disk, and checked before they enter the queue."""

import asyncio
import struct
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
from fastapi import HTTPException, Request
from starlette.requests import ClientDisconnect

from goldensample.errors import ImageError
from goldensample.images.codec import read_shape
from goldensample.station.inputs.forms import file_of_form, files_of_form, is_form
from goldensample.station.line.intake import Intake
from goldensample.station.records.archive import IncomingFile, TooLargeError

STALL_S = 20.0
"""Seconds without a byte until an upload is aborted."""
UPLOAD_S = 120.0
"""Seconds that one upload may take."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
decode_limiter = anyio.CapacityLimiter(2)
"""Limits concurrent decoding for requests: each picture may need much memory."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload that was received, or what there is of one that cannot be read.

    Args:
        file: its file, empty where it did not arrive whole.
        error: why it cannot be read, or "".
        status: of the response where it cannot be read.
    """

    file: IncomingFile
    error: str = ""
    status: int = 422


async def receive(intake: Intake, request: Request) -> IncomingFile:
    """Write the body of a request, or the file in its form, to disk, within size and time.

    Raises:
        TooLargeError: it is too large.
        HTTPException: it is too slow.
        ClientDisconnect: it did not arrive whole.
    """
    limit = intake.settings.limit_bytes
    async with _in_time(request, limit) as chunks:
        body = file_of_form(request, chunks) if is_form(request) else chunks
        return await intake.archive.receive(body, limit)


@asynccontextmanager
async def _in_time(request: Request, limit: int) -> AsyncIterator[AsyncIterator[bytes]]:
    """Give the body of a request, which must not be announced as too large, nor come too slowly."""
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 18 or int(length) > limit:
        raise TooLargeError(f"a file must have {limit:,} bytes at most; it has more")

    async def chunks() -> AsyncIterator[bytes]:
        stream = aiter(request.stream())
        while True:
            try:
                async with asyncio.timeout(STALL_S):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            yield chunk

    try:
        async with asyncio.timeout(UPLOAD_S):
            yield chunks()
    except TimeoutError as error:
        message = f"a file must arrive without a pause of {STALL_S:g} s, and in {UPLOAD_S:g} s"
        raise HTTPException(408, message) from error


async def receive_views(
    intake: Intake, request: Request, names: Collection[str]
) -> dict[str, Upload]:
    """Receive the pictures of a part's views, the files of a form by the names of their fields.

    One that cannot be read is returned with the reason.

    Raises:
        HTTPException: it is no form, too slow, or a field is no view's, or one is there twice.
        TooLargeError: the form is larger than that many pictures can be.
        ClientDisconnect: it did not arrive whole.
    """
    uploads: dict[str, Upload] = {}
    limit, listed = intake.settings.limit_bytes, ", ".join(names)
    if not is_form(request):
        message = f"a part must be multipart/form-data with a file for each view, {listed}"
        raise HTTPException(422, f"{message}; it is not; send one file a view: -F VIEW=@FILE")
    try:
        async with _in_time(request, len(names) * limit) as chunks:
            async for name, data in files_of_form(request, chunks):
                if name not in names or name in uploads:
                    raise HTTPException(
                        422, f"a file must be named as a view, {listed}, each once; got {name[:64]}"
                    )
                uploads[name] = await _receive_view(intake, data, name)
    except BaseException:
        for upload in uploads.values():
            intake.archive.discard(upload.file)
        raise
    return uploads


async def _receive_view(intake: Intake, data: AsyncIterator[bytes], name: str) -> Upload:
    """Receive one file of a form, and check that it is a picture."""
    try:
        incoming = await intake.archive.receive(data, intake.settings.limit_bytes)
    except TooLargeError as error:
        return Upload(intake.archive.receive_bytes(b""), *_reason(error))
    return await _checked(intake, incoming, name)


async def receive_picture(intake: Intake, request: Request, name: str) -> Upload:
    """Receive a picture and check it; what cannot be read is returned with the reason.

    Args:
        name: of the picture, for messages; may be empty.
    """
    try:
        incoming = await receive(intake, request)
    except (TooLargeError, HTTPException, ClientDisconnect) as error:
        return Upload(intake.archive.receive_bytes(b""), *_reason(error))
    return await _checked(intake, incoming, name)


async def _checked(intake: Intake, incoming: IncomingFile, name: str) -> Upload:
    """Check that a file is a picture; what cannot be read is returned with the reason."""
    try:
        await check_picture(intake, incoming, name)
    except ImageError as error:
        return Upload(incoming, *_reason(error))
    except BaseException:
        intake.archive.discard(incoming)
        raise
    return Upload(incoming)


def _reason(error: Exception) -> tuple[str, int]:
    """Return why an upload cannot be read, and the status of the response."""
    if isinstance(error, HTTPException):
        return str(error.detail), error.status_code
    if isinstance(error, ClientDisconnect):
        return "a picture must arrive whole; its sender broke off", 400
    return str(error), 413 if isinstance(error, TooLargeError) else 422


async def check_picture(intake: Intake, incoming: IncomingFile, name: str) -> None:
    """Check that a file is a picture within the limits, before it enters the queue.

    Raises:
        ImageError: it is no picture.
        TooLargeError: it has too many pixels.
    """
    await anyio.to_thread.run_sync(_check_picture, intake, incoming, name, limiter=decode_limiter)


def _check_picture(intake: Intake, incoming: IncomingFile, name: str) -> None:
    limit = intake.settings.limit_px
    with open(incoming.path, "rb") as file:
        start = file.read(24)
    if (
        start.startswith(PNG_SIGNATURE) and len(start) == 24
    ):  # a decompression bomb is not decoded for its size
        width, height = struct.unpack(">II", start[16:])
        _check_size(height, width, limit)
    try:
        height, width = read_shape(incoming.path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(incoming.path), name or "the picture")) from None
    _check_size(height, width, limit)


def _check_size(height: int, width: int, limit: int) -> None:
    if height * width > limit:
        raise TooLargeError(
            f"a picture must have {limit:,} pixels at most; it has {height:,}x{width:,}"
        )
