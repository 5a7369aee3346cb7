"""Uploads: written to disk, and checked before they enter the queue."""

import asyncio
import struct
from collections.abc import AsyncIterator

import anyio
from fastapi import HTTPException, Request

from goldensample.errors import ImageError
from goldensample.images.codec import read_shape
from goldensample.station.line.intake import Intake
from goldensample.station.records.archive import IncomingFile, TooLargeError

STALL_S = 20.0
"""Seconds without a byte until an upload is aborted."""
UPLOAD_S = 120.0
"""Seconds that one upload may take."""
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
decode_limiter = anyio.CapacityLimiter(2)
"""Limits concurrent decoding for requests: each picture may need much memory."""


async def receive(intake: Intake, request: Request) -> IncomingFile:
    """Write the body of a request to disk, up to the limits of size and time.

    Raises:
        TooLargeError: it is too large.
        HTTPException: it is too slow.
    """
    length = request.headers.get("content-length", "0")
    limit = intake.settings.limit_bytes
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
            return await intake.archive.receive(chunks(), limit)
    except TimeoutError as error:
        message = f"a file must arrive without a pause of {STALL_S:g} s, and in {UPLOAD_S:g} s"
        raise HTTPException(408, message) from error


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
