"""Pictures as they arrive: written to disk, and looked at before they wait."""

import asyncio
import struct
from collections.abc import AsyncIterator

import anyio
from fastapi import HTTPException, Request

from goldensample.errors import ImageError
from goldensample.images.codec import read_shape
from goldensample.station.line.intake import Intake
from goldensample.station.records.archive import Coming, TooLargeError

PAUSE_S = 20.0
"""Seconds without a byte until an upload is given up."""
UPLOAD_S = 120.0
"""Seconds for all of one upload."""
SIGNATURE = b"\x89PNG\r\n\x1a\n"
decoding = anyio.CapacityLimiter(2)
"""Pictures decoded for requests at the same time, at most: each may need much memory."""


async def receive(intake: Intake, request: Request) -> Coming:
    """Write the body of a request to disk, as far as it may go.

    Raises:
        TooLargeError: it is larger than the station takes.
        HTTPException: it comes too slowly.
    """
    length = request.headers.get("content-length", "0")
    limit = intake.settings.limit_bytes
    if not length.isdecimal() or len(length) > 18 or int(length) > limit:
        raise TooLargeError(f"a file must have {limit:,} bytes at most; it has more")

    async def chunks() -> AsyncIterator[bytes]:
        stream = aiter(request.stream())
        while True:
            try:
                async with asyncio.timeout(PAUSE_S):
                    chunk = await anext(stream)
            except StopAsyncIteration:
                return
            yield chunk

    try:
        async with asyncio.timeout(UPLOAD_S):
            return await intake.archive.receive(chunks(), limit)
    except TimeoutError as error:
        words = f"a file must arrive without a pause of {PAUSE_S:g} s, and in {UPLOAD_S:g} s"
        raise HTTPException(408, words) from error


async def check(intake: Intake, coming: Coming, name: str) -> None:
    """Refuse, before it waits, what is no picture or too large a one.

    Raises:
        ImageError: it is no picture.
        TooLargeError: it has more pixels than the station takes.
    """
    await anyio.to_thread.run_sync(_check, intake, coming, name, limiter=decoding)


def _check(intake: Intake, coming: Coming, name: str) -> None:
    limit = intake.settings.limit_px
    with open(coming.path, "rb") as file:
        start = file.read(24)
    if start.startswith(SIGNATURE) and len(start) == 24:  # never decode a bomb to learn its size
        width, height = struct.unpack(">II", start[16:])
        _check_size(height, width, limit)
    try:
        height, width = read_shape(coming.path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(coming.path), name or "the picture")) from None
    _check_size(height, width, limit)


def _check_size(height: int, width: int, limit: int) -> None:
    if height * width > limit:
        raise TooLargeError(
            f"a picture must have {limit:,} pixels at most; it has {height:,}x{width:,}"
        )
