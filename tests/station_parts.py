"""What tests of the station share: a small product; a station here, or in a process of its own.

To import the libraries takes longer than to start a station. So, where the system can fork, one
server imports them once, and each station is a fork of it; test_station_api.py starts one anew.
"""

import multiprocessing
import os
import signal
import socket
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

import httpx
from conftest import part
from starlette.testclient import TestClient

from goldensample import PatchCore, Preparation, fit, save
from goldensample.images.codec import encode_png
from goldensample.inspection.inspector import Inspector
from goldensample.records import Picture
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import make

PATIENCE_S = 120
"""Seconds that a test waits for what must come: a busy machine takes its time."""
PRELOADED = ["alembic.command", "alembic.config", "array_api_compat.numpy", "httpx", "openvino"]
PRELOADED += ["goldensample.cli.serve", "goldensample.library", "goldensample.station.serving"]
PRELOADED += ["goldensample.station.connections", "goldensample.station.demo", "psycopg", "pytest"]
PRELOADED += ["scipy.ndimage", "sqlite3", "starlette.testclient", "uvicorn"]
Given = TypeVar("Given")


def small_product(tiny, folder: Path, name: str = "part") -> Path:
    """Write a product fitted on rendered parts, with limits and a small picture of each part."""
    from goldensample.artifact.thumbnails import with_thumbnails

    good = [Picture(f"good{seed}.png", part(seed)) for seed in range(40)]
    inspector: Inspector = fit(
        good,
        backbone=tiny,
        method=PatchCore(coreset=0.05),
        preparation=Preparation((48, 48)),
        review=0.2,
        calibration="split",
    )
    path = folder / f"{name}.golden"
    save(with_thumbnails(inspector, good), path)
    return path


def picture(seed: int, defect: bool = False) -> bytes:
    """A rendered part as a PNG file."""
    return encode_png(part(seed, defect=defect))


def wait(ready: Callable[[], Given]) -> Given:
    """Wait until something is so, and return what it is."""
    end = time.monotonic() + PATIENCE_S
    while not (found := ready()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return found


@contextmanager
def free_port() -> Iterator[int]:
    """Hold a port for a server that a test starts: nobody else is given it meanwhile."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        number = held.getsockname()[1]
        if os.name == "nt":  # where a port that is held cannot be listened at
            held.close()
        yield number


@contextmanager
def opened(folder: Path, file: Path, **settings) -> Iterator[TestClient]:
    """Open a station in this process, asked as localhost."""
    with (
        closing(Station(Settings(folder=folder, **settings), [file])) as station,
        TestClient(make(station), "http://localhost:8080", follow_redirects=False) as client,
    ):
        yield client


@dataclass(frozen=True)
class Running:
    """A station in a process of its own, and a client of it that is patient."""

    process: BaseProcess
    port: int
    client: httpx.Client

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Kill it at once, as a loss of power would."""
        self.process.kill()
        self.process.join()


@contextmanager
def running(
    folder: Path, files: Sequence[Path], *options: str, anew: bool = False
) -> Iterator[Running]:
    """Run `golden serve`; at the end it must stop as it should, unless it was killed.

    Args:
        folder: of the station; its log is beside it.
        files: of products.
        options: of the command.
        anew: start Python anew, as a user does.
    """
    log = folder.parent / f"{folder.name}.log"
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        context.set_forkserver_preload(PRELOADED)
    with free_port() as port:
        words = ["serve", *map(str, files), "--folder", str(folder), "--port", str(port), *options]
        process = context.Process(target=be_golden, args=(words, log, anew))
        process.start()
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
                station = Running(process, port, client)
                wait(lambda: answers(station, log))
                yield station
            if process.exitcode != -signal.SIGKILL:
                stop(process, log)
        finally:
            process.kill()
            process.join()


def answers(station: Running, log: Path) -> bool:
    """Tell whether a station answers; it must not have ended."""
    assert station.process.is_alive(), log.read_text()
    try:
        return station.client.get("/static/station.css").is_success
    except httpx.TransportError:
        return False


def stop(process: BaseProcess, log: Path) -> None:
    """Stop a station; it must end in peace."""
    process.terminate()
    process.join(PATIENCE_S)
    assert process.exitcode == 0 or os.name == "nt", log.read_text()


def be_golden(words: list[str], log: Path, anew: bool) -> None:
    """Be the command `golden` in this process."""
    with log.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    if anew:
        start = [sys.executable, "-W", "error", "-m", "goldensample.cli", *words]
        os.execv(sys.executable, start)
    from goldensample.cli.app import main

    warnings.simplefilter("error")
    sys.argv = ["golden", *words]
    main()
