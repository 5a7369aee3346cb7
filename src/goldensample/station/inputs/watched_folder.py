"""Watched folders: new pictures are inspected once, when they are complete."""

import os
import threading
import time
from concurrent.futures import Future
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from goldensample.errors import GoldenError, ImageError
from goldensample.images.codec import read_shape
from goldensample.images.listing import list_pictures
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Record
from goldensample.station.station import Station

POLL_S = 0.5
STABLE_POLLS = 2
"""Polls in a row that must find a file unchanged before it is read."""
MAX_POLLS = 20
"""Polls in a row of an unchanged file that is no picture before it is refused."""


class FolderWatch:
    """Polls a folder and all below it; never writes there.

    A file is submitted when its size and time are stable and it is a complete picture. The database
    identifies it by path, size and time: it is inspected once, even after a crash. A file that is
    written anew under the same name is a new one.

    Args:
        station: inspects the pictures.
        product: which product they show.
        folder: to poll.

    Raises:
        ImageError: there is no such folder.
    """

    def __init__(self, station: Station, product: Product, folder: Path) -> None:
        if not folder.is_dir():
            raise ImageError(f"a folder to watch must be there; {folder} is not; make it first")
        self._station, self._product, self._folder = station, product, folder
        self._polls: dict[Path, tuple[str, int]] = {}
        self._finished: set[tuple[Path, str]] = set()
        self._message, self._since = "", time.time()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-folder", daemon=True)
        self._thread.start()

    def state(self) -> ConnectionState:
        """Return how the folder is watched now."""
        state, words = ("trouble", self._message) if self._message else ("working", "watched")
        return ConnectionState(
            str(self._folder), "folder", state, self._since, None, 0, 0, 0, words
        )

    def close(self) -> None:
        """Stop polling."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        last_message = ""
        while not self._stop.is_set():
            message = ""
            try:
                self._scan()
            except StoppingError:
                return
            except (GoldenError, OSError) as error:  # the network share is gone, say
                message = f"cannot watch {self._folder.name}: {error}"
            except SQLAlchemyError:
                message = f"cannot watch {self._folder.name}: the station's database is away"
            if message and message != last_message:
                self._station.log_change(self._product.key, "", "trouble", None, message)
            if message != self._message:
                self._message, self._since = message, time.time()
            last_message = message
            self._stop.wait(POLL_S)

    def _scan(self) -> None:
        """Poll once: submit stable files, count the polls of others."""
        polls: dict[Path, tuple[str, int]] = {}
        present: set[tuple[Path, str]] = set()
        for path in list_pictures(self._folder):
            try:
                status = path.stat()
            except OSError:
                continue  # it was removed meanwhile
            stamp = f"{status.st_size}:{status.st_mtime_ns}"
            present.add((path, stamp))
            if (path, stamp) in self._finished:
                continue
            last_stamp, count = self._polls.get(path, ("", 0))
            polls[path] = stamp, count + 1 if last_stamp == stamp else 1
            if polls[path][1] >= STABLE_POLLS and status.st_size:
                self._submit(path, stamp, polls[path][1])
            if self._stop.is_set():
                return
        self._polls = polls
        for key in [key for key in list(self._finished) if key not in present]:
            self._finished.discard(key)  # the database has it: memory must not grow

    def _submit(self, path: Path, stamp: str, poll_count: int) -> None:
        """Submit a complete picture; refuse a file that is none after so many polls."""
        if self._station.ledger.has_file(str(path), stamp):
            self._finished.add((path, stamp))
            return
        try:
            self._check(path)
        except ImageError as error:
            if poll_count >= MAX_POLLS:
                self._refuse(path, stamp, error)
            return
        data = path.read_bytes()
        status = path.stat()
        if f"{status.st_size}:{status.st_mtime_ns}" != stamp:
            return  # it was written to meanwhile
        incoming = self._station.archive.receive_bytes(data)
        name = path.relative_to(self._folder).as_posix()
        job = Job(self._product, incoming, name, "folder", "", (str(path), stamp))
        while True:
            try:
                future = self._station.line.submit(job)
                break
            except BusyError as busy:
                if self._stop.wait(min(busy.retry_s, 1)):
                    self._station.archive.discard(incoming)
                    return
            except StoppingError:
                self._station.archive.discard(incoming)
                raise
        self._finished.add((path, stamp))
        future.add_done_callback(lambda future: self._on_answer(path, stamp, future))

    def _check(self, path: Path) -> None:
        """Check that a file is a picture within the station's limits."""
        limits = self._station.settings
        if (size := path.stat().st_size) > limits.limit_bytes:
            raise ImageError(
                f"a file must have {limits.limit_bytes:,} bytes at most; it has {size:,}"
            )
        height, width = read_shape(path)
        if height * width > limits.limit_px:
            raise ImageError(
                f"a picture must have {limits.limit_px:,} pixels at most; it has "
                f"{height:,}x{width:,}"
            )

    def _on_answer(self, path: Path, stamp: str, future: "Future[Record]") -> None:
        """Refuse a file that could not be inspected; retry it if the station failed."""
        error = future.exception()
        if isinstance(error, ImageError):
            self._refuse(path, stamp, error)
        elif error is not None:
            self._finished.discard((path, stamp))

    def _refuse(self, path: Path, stamp: str, error: Exception) -> None:
        self._finished.add((path, stamp))
        name = os.path.relpath(path, self._folder)
        message = str(error).replace(str(path), name)
        self._station.ledger.refuse_file(str(path), stamp, message)
        self._station.log_change(self._product.key, "", "refused", None, message)
