"""News for open pages: server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

HELD = 100
"""Events kept for a reader that is slow; older ones are dropped, and the page asks anew."""
BEAT_S = 15.0


class Events:
    """Passes events from any thread to all who listen."""

    def __init__(self) -> None:
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Queue[str]] = set()

    def open(self) -> None:
        """Bind to the running loop, which readers will run in."""
        self._loop = asyncio.get_running_loop()

    def send(self, kind: str, values: dict[str, Any]) -> None:
        """Tell all readers; from any thread, never waiting."""
        words = f"event: {kind}\ndata: {json.dumps(values, allow_nan=False)}\n\n"
        self._call(words)

    def _call(self, words: str) -> None:
        with suppress(RuntimeError):  # the loop was closed
            if self._loop:
                self._loop.call_soon_threadsafe(self._spread, words)

    def _spread(self, words: str) -> None:
        for reader in self._readers:
            if reader.full():
                reader.get_nowait()
            reader.put_nowait(words)

    async def listen(self) -> AsyncIterator[str]:
        """Give events as they come, and a comment now and then so that the line stays open."""
        reader: asyncio.Queue[str] = asyncio.Queue(HELD)
        self._readers.add(reader)
        try:
            yield ": open\n\n"
            while not self._closed:
                try:
                    words = await asyncio.wait_for(reader.get(), BEAT_S)
                except TimeoutError:
                    words = ": still here\n\n"
                if words:
                    yield words
        finally:
            self._readers.discard(reader)

    def close(self) -> None:
        """End all streams, so that who stops the server need not wait for them; from any thread."""
        self._closed = True
        self._call("")
