"""The server: it runs until it is told to stop, and then finishes what it accepted."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from goldensample.station.connections import Connections, connect
from goldensample.station.demo import inspect_some
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import make

STOP_S = 300
"""Seconds for what was accepted to be answered when the station is stopped."""


def serve(settings: Settings, files: list[Path], port: int, connections: dict[str, Any]) -> None:
    """Run a station until it is told to stop (Ctrl-C or SIGTERM)."""
    station = Station(settings, files)
    try:
        connect(station, Connections(**connections))
        inspect_some(station)
        server = uvicorn.Server(
            uvicorn.Config(
                make(station),
                host=settings.host,
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        shown = "localhost" if settings.host in ("127.0.0.1", "::1") else settings.host
        print(
            f"the station is at http://{shown}:{port}, {len(station.products)} products",
            file=sys.stderr,
            flush=True,
        )
        run(server, station.events.close)
    finally:
        station.close()


def run(server: uvicorn.Server, stopping: Callable[[], None]) -> None:
    """Run a server until Ctrl-C or SIGTERM, and return when all that it accepted is answered.

    Args:
        server: not yet started.
        stopping: called at the signal, so that streams that never end do.
    """
    leave = server.handle_exit

    def stop(number: int, frame: FrameType | None) -> None:
        stopping()
        leave(number, frame)

    server.handle_exit = stop  # type: ignore[method-assign, assignment]
    known = {one: signal.signal(one, _done) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run()
    finally:
        for one, before in known.items():
            signal.signal(one, before)


def _done(number: int, frame: FrameType | None) -> None:
    """Do nothing: the server, when it is done, raises again the signal that ended it."""
