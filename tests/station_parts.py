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
import numpy as np
from conftest import conv_onnx, fit, part
from starlette.testclient import TestClient

from goldensample import PatchCore, Preparation, save
from goldensample.images.codec import encode_png
from goldensample.inspection.inspector import Inspector
from goldensample.records import Picture
from goldensample.station.settings import Settings
from goldensample.station.station import Station
from goldensample.station.web.app import create_app

TIMEOUT_S = 120
"""Timeout of waits in tests, long enough for a busy machine."""
PRELOADED = ["alembic.command", "alembic.config", "array_api_compat.numpy", "httpx", "openvino"]
PRELOADED += ["goldensample.cli.serve", "goldensample.library.fit", "goldensample.station.serving"]
PRELOADED += ["goldensample.station.connections", "goldensample.station.demo", "psycopg", "pytest"]
PRELOADED += ["scipy.ndimage", "sqlite3", "starlette.testclient", "uvicorn"]
Value = TypeVar("Value")


def small_product(tiny, folder: Path, name: str = "part") -> Path:
    """Write a product fitted on rendered parts, with limits and a small picture of each part."""
    from goldensample.artifact.thumbnails import add_thumbnails

    good = [Picture(f"good{seed}.png", part(seed)) for seed in range(40)]
    inspector: Inspector = fit(
        good,
        backbone=tiny,
        method=PatchCore(coreset=0.05, composition="off"),
        preparation=Preparation((48, 48)),
        review=0.2,
        calibration="split",
    )
    path = folder / f"{name}.golden"
    save(add_thumbnails(inspector, good), path)
    return path


def coarse_onnx() -> bytes:
    """A network of two levels, of stride 16 and 32, so that fits are over at once."""
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.1, shape) for shape in ((12, 3, 16, 16), (16, 12, 2, 2))]
    return conv_onnx(weights, stride=16, padding=0)


def picture(seed: int, defect: bool = False) -> bytes:
    """A rendered part as a PNG file."""
    return encode_png(part(seed, defect=defect))


def wait(poll: Callable[[], Value]) -> Value:
    """Poll until the value is true, and return it."""
    end = time.monotonic() + TIMEOUT_S
    while not (value := poll()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)
    return value


@contextmanager
def free_port() -> Iterator[int]:
    """Reserve a port for a server that a test starts."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        number = listener.getsockname()[1]
        if os.name == "nt":  # where a bound port cannot be listened at
            listener.close()
        yield number


@contextmanager
def open_station(folder: Path, file: Path, **settings) -> Iterator[TestClient]:
    """Open a station in this process, with a client that calls it localhost."""
    with (
        closing(Station(Settings(folder=folder, **settings), [file])) as station,
        TestClient(create_app(station), "http://localhost:8080", follow_redirects=False) as client,
    ):
        yield client


@dataclass(frozen=True)
class StationProcess:
    """A station in a process of its own, and a client with a long timeout."""

    process: BaseProcess
    port: int
    client: httpx.Client

    @property
    def url(self) -> str:
        """Base URL."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """Kill it with SIGKILL, as a loss of power would."""
        self.process.kill()
        self.process.join()


@contextmanager
def run_station(
    folder: Path, files: Sequence[Path], *options: str, fresh_process: bool = False
) -> Iterator[StationProcess]:
    """Run `golden serve`; at the end it must stop as it should, unless it was killed.

    Args:
        folder: of the station; its log is beside it.
        files: `.golden` files of products.
        options: of the command.
        fresh_process: start a new Python, as a user does.
    """
    log = folder.parent / f"{folder.name}.log"
    context = multiprocessing.get_context("forkserver" if hasattr(os, "fork") else "spawn")
    if hasattr(os, "fork"):
        context.set_forkserver_preload(PRELOADED)
    with free_port() as port:
        arguments = [
            "serve",
            *map(str, files),
            "--folder",
            str(folder),
            "--port",
            str(port),
            *options,
        ]
        process = context.Process(target=exec_golden, args=(arguments, log, fresh_process))
        process.start()
        url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=url, timeout=TIMEOUT_S) as client:
                station = StationProcess(process, port, client)
                wait(lambda: is_up(station, log))
                yield station
            if process.exitcode != -signal.SIGKILL:
                stop(process, log)
        finally:
            process.kill()
            process.join()


def is_up(station: StationProcess, log: Path) -> bool:
    """Tell whether a station responds; its process must be alive."""
    assert station.process.is_alive(), log.read_text()
    try:
        return station.client.get("/static/station.css").is_success
    except httpx.TransportError:
        return False


def stop(process: BaseProcess, log: Path) -> None:
    """Terminate a station; it must exit with 0."""
    process.terminate()
    process.join(TIMEOUT_S)
    assert process.exitcode == 0 or os.name == "nt", log.read_text()


def exec_golden(arguments: list[str], log: Path, fresh_process: bool) -> None:
    """Run the command `golden` in this process."""
    with log.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    if fresh_process:
        command = [sys.executable, "-W", "error", "-m", "goldensample.cli", *arguments]
        os.execv(sys.executable, command)
    from goldensample.cli.app import main

    warnings.simplefilter("error")
    sys.argv = ["golden", *arguments]
    main()
