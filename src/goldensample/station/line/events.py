"""Publisher of server-sent events to open pages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from goldensample.station.records.rows import Record

MAX_QUEUED = 100
"""Events queued for a slow reader; older ones are dropped, and the page reloads."""
HEARTBEAT_S = 15.0


class Events:
    """Broadcasts events from any thread to all readers."""

    def __init__(self) -> None:
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: set[asyncio.Queue[str]] = set()

    def open(self) -> None:
        """Bind to the running event loop, in which readers will run."""
        self._loop = asyncio.get_running_loop()

    def send(self, kind: str, values: dict[str, Any]) -> None:
        """Send an event to all readers; from any thread, without blocking."""
        message = f"event: {kind}\ndata: {json.dumps(values, allow_nan=False)}\n\n"
        self._publish(message)

    def _publish(self, message: str) -> None:
        with suppress(RuntimeError):  # the loop was closed
            if self._loop:
                self._loop.call_soon_threadsafe(self._broadcast, message)

    def _broadcast(self, message: str) -> None:
        for reader in self._readers:
            if reader.full():
                reader.get_nowait()
            reader.put_nowait(message)

    async def listen(self) -> AsyncIterator[str]:
        """Give events as they come, and comments as a heartbeat that keeps the connection open."""
        reader: asyncio.Queue[str] = asyncio.Queue(MAX_QUEUED)
        self._readers.add(reader)
        try:
            yield ": open\n\n"
            while not self._closed:
                try:
                    message = await asyncio.wait_for(reader.get(), HEARTBEAT_S)
                except TimeoutError:
                    message = ": still here\n\n"
                if message:
                    yield message
        finally:
            self._readers.discard(reader)

    def close(self) -> None:
        """End all streams, so that a shutdown need not wait for them; from any thread."""
        self._closed = True
        self._publish("")


def record_event(record: Record, part_verdict: str | None = None) -> dict[str, Any]:
    """Return the event that announces a new record to pages.

    Args:
        record: new.
        part_verdict: of the part whose view it is; None of a picture alone.
    """
    return {
        "id": record.id,
        "product": record.product,
        "name": record.name,
        "verdict": record.verdict,
        "part_verdict": part_verdict,
        "score": record.score,
        "p_value": record.p_value,
    }
