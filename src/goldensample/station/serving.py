"""The server: runs until a signal stops it, and then finishes accepted requests."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from goldensample.station.connections import Connections, connect
from goldensample.station.demo import inspect_demo
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import create_app

STOP_S = 300
"""Timeout of a graceful shutdown."""


def serve(settings: Settings, files: list[Path], port: int, connections: dict[str, Any]) -> None:
    """Run a station until Ctrl-C or SIGTERM."""
    station = Station(settings, files)
    try:
        connect(station, Connections(**connections))
        inspect_demo(station)
        server = uvicorn.Server(
            uvicorn.Config(
                create_app(station),
                host=settings.host,
                port=port,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_S,
            )
        )
        shown_host = "localhost" if settings.host in ("127.0.0.1", "::1") else settings.host
        print(
            f"the station is at http://{shown_host}:{port}, {len(station.products)} products",
            file=sys.stderr,
            flush=True,
        )
        run(server, station.events.close)
    finally:
        station.close()


def run(server: uvicorn.Server, on_stop: Callable[[], None]) -> None:
    """Run a server until Ctrl-C or SIGTERM; return when all accepted requests are answered.

    Args:
        server: not yet started.
        on_stop: called at the signal, to end streams that never end by themselves.
    """
    handle_exit = server.handle_exit

    def stop(number: int, frame: FrameType | None) -> None:
        on_stop()
        handle_exit(number, frame)

    server.handle_exit = stop  # type: ignore[method-assign, assignment]
    handlers = {
        number: signal.signal(number, _ignore) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        server.run()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Ignore a signal: the server, once it has ended, raises the one that ended it again."""
