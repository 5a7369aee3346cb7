"""What tests of the station share: a small product, and a station in a process of its own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from conftest import part

from goldensample import PatchCore, Preparation, fit, save
from goldensample.images import encode_png
from goldensample.inspector import Inspector
from goldensample.records import Picture

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def small_product(tiny, folder: Path, name: str = "part") -> Path:
    """Write a product fitted on rendered parts, with limits and a small picture of each part."""
    from goldensample.thumbnails import with_thumbnails

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


@dataclass(frozen=True)
class Running:
    """A station in a process of its own."""

    process: subprocess.Popen
    url: str

    def kill(self) -> None:
        """Kill it at once, as a loss of power would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def running(
    folder: Path, files: Sequence[Path], *options: str, host: str = "127.0.0.1"
) -> Iterator[Running]:
    """Start `golden serve` and wait until it answers; stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-W", "error", "-m", "goldensample.cli", "serve", *map(str, files)]
    words += ["--folder", str(folder), "--port", str(port), "--host", host, *options]
    log = (folder.parent / f"{folder.name}.log").open("ab")
    process = subprocess.Popen(
        words, stdout=log, stderr=log, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    station = Running(process, f"http://127.0.0.1:{port}")
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise AssertionError(Path(log.name).read_text())
            try:
                httpx.get(f"{station.url}/static/station.css")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield station
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        log.close()
