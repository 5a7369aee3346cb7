"""The server: runs until a signal stops it, and then finishes accepted requests."""

import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from goldensample.errors import ArtifactError
from goldensample.station.connections import Connections, connect
from goldensample.station.demo import inspect_demo
from goldensample.station.health.health import disk_trouble
from goldensample.station.outputs.connect import OutputOptions
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import create_app
from goldensample.wording.numbers import count

BACKLOG = 2048
"""Connections that may wait to be accepted."""
STOP_S = 300
"""Timeout of a graceful shutdown."""


def serve(
    settings: Settings,
    files: list[Path],
    port: int,
    inputs: dict[str, Any],
    outputs: dict[str, Any],
) -> None:
    """Run a station until Ctrl-C or SIGTERM.

    Args:
        settings: of the station.
        files: the products' `.golden` files.
        port: to listen on.
        inputs: fields of `Connections`.
        outputs: fields of `OutputOptions`.

    Raises:
        ArtifactError: the port is in use, or a file or the folder cannot be used.
        ValueError: an option is invalid.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(closing(one)) for one in listen(settings.host, port)]
        station = stack.enter_context(closing(Station(settings, files)))
        connect(station, Connections(**inputs, outputs=OutputOptions(**outputs)))
        inspect_demo(station)
        if words := disk_trouble(settings):
            print(f"note: {words}", file=sys.stderr, flush=True)
            station.log_change("", "", "trouble", None, words)
        config = uvicorn.Config(
            create_app(station),
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_S,
        )
        shown_host = "localhost" if settings.host in ("127.0.0.1", "::1") else settings.host
        products = count(len(station.products), "product")
        print(
            f"the station is at http://{shown_host}:{port}, {products}",
            file=sys.stderr,
            flush=True,
        )
        run(uvicorn.Server(config), station.events.close, sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen at all addresses of a host.

    Raises:
        ArtifactError: one of them cannot be listened at, as when another program does.
    """
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in dict.fromkeys(found):
            sockets.append(_listen_at(family, address))
    except OSError as error:
        for one in sockets:
            one.close()
        raise ArtifactError(
            f"the station must listen at {host}, port {port}; it cannot ({error.strerror}); stop "
            "the program that does, or choose another --port"
        ) from error
    return sockets


def _listen_at(family: int, address: Any) -> socket.socket:
    """Return a socket that listens, of its own family alone."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # where it would share the port with another program
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def run(server: uvicorn.Server, on_stop: Callable[[], None], sockets: list[socket.socket]) -> None:
    """Run a server until Ctrl-C or SIGTERM; return when all accepted requests are answered.

    Args:
        server: not yet started.
        on_stop: called at the signal, to end streams that never end by themselves.
        sockets: that listen.
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
        server.run(sockets)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _ignore(number: int, frame: FrameType | None) -> None:
    """Ignore a signal: the server, once it has ended, raises the one that ended it again."""
