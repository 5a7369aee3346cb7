"""Watched folders: pictures that appear are inspected once, when they are whole."""

import os
import threading
from concurrent.futures import Future
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from goldensample.errors import GoldenError, ImageError
from goldensample.images.codec import read_shape
from goldensample.images.listing import find_below
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Record
from goldensample.station.station import Station

POLL_S = 0.5
STEADY = 2
"""Looks in a row that must find a file unchanged before it is read."""
PATIENCE = 20
"""Looks in a row at an unchanged file that is no picture before it is given up."""


class FolderWatch:
    """Looks into a folder and all below it, over and over; it only ever reads there.

    A file is judged when its size and time stay the same and it is a whole picture. It is known by
    path, size and time, in the records: it is judged once, whatever happens to the station. A file
    written anew under the same name is a new one.

    Args:
        station: takes the pictures.
        product: what judges them.
        folder: where they appear.

    Raises:
        ImageError: it is no folder.
    """

    def __init__(self, station: Station, product: Product, folder: Path) -> None:
        if not folder.is_dir():
            raise ImageError(f"a folder to watch must be there; {folder} is not; make it first")
        self._station, self._product, self._folder = station, product, folder
        self._looks: dict[Path, tuple[str, int]] = {}
        self._done: set[tuple[Path, str]] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-folder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        told = ""
        while not self._stop.is_set():
            words = ""
            try:
                self._look()
            except StoppingError:
                return
            except (GoldenError, OSError) as error:  # the share is away, say
                words = f"cannot watch {self._folder.name}: {error}"
            except SQLAlchemyError:
                words = f"cannot watch {self._folder.name}: the station's database is away"
            if words and words != told:
                self._station.note(self._product.key, "", "trouble", None, words)
            told = words
            self._stop.wait(POLL_S)

    def _look(self) -> None:
        """Look once: hand on what is whole, remember what is not yet."""
        looks: dict[Path, tuple[str, int]] = {}
        there: set[tuple[Path, str]] = set()
        for path in find_below(self._folder):
            try:
                about = path.stat()
            except OSError:
                continue  # it went again
            stamp = f"{about.st_size}:{about.st_mtime_ns}"
            there.add((path, stamp))
            if (path, stamp) in self._done:
                continue
            before, times = self._looks.get(path, ("", 0))
            looks[path] = stamp, times + 1 if before == stamp else 1
            if looks[path][1] >= STEADY and about.st_size:
                self._try(path, stamp, looks[path][1])
            if self._stop.is_set():
                return
        self._looks = looks
        for gone in [one for one in list(self._done) if one not in there]:
            self._done.discard(gone)  # the records know it: memory must not grow with them

    def _try(self, path: Path, stamp: str, looks: int) -> None:
        """Submit a file that is a whole picture; give one up that stays none."""
        if self._station.ledger.known_file(str(path), stamp):
            self._done.add((path, stamp))
            return
        try:
            self._check(path)
        except ImageError as error:
            if looks >= PATIENCE:
                self._refuse(path, stamp, error)
            return
        data = path.read_bytes()
        about = path.stat()
        if f"{about.st_size}:{about.st_mtime_ns}" != stamp:
            return  # it was written to meanwhile
        coming = self._station.archive.take(data)
        name = path.relative_to(self._folder).as_posix()
        job = Job(self._product, coming, name, "folder", "", (str(path), stamp))
        while True:
            try:
                answer = self._station.line.submit(job)
                break
            except BusyError as busy:
                if self._stop.wait(min(busy.retry_s, 1)):
                    self._station.archive.discard(coming)
                    return
            except StoppingError:
                self._station.archive.discard(coming)
                raise
        self._done.add((path, stamp))
        answer.add_done_callback(lambda done: self._answered(path, stamp, done))

    def _check(self, path: Path) -> None:
        """Make sure that a file is a picture the station takes."""
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

    def _answered(self, path: Path, stamp: str, done: "Future[Record]") -> None:
        """Keep why a file could not be judged; try it anew where the station was at fault."""
        error = done.exception()
        if isinstance(error, ImageError):
            self._refuse(path, stamp, error)
        elif error is not None:
            self._done.discard((path, stamp))

    def _refuse(self, path: Path, stamp: str, error: Exception) -> None:
        self._done.add((path, stamp))
        name = os.path.relpath(path, self._folder)
        words = str(error).replace(str(path), name)
        self._station.ledger.refuse_file(str(path), stamp, words)
        self._station.note(self._product.key, "", "refused", None, words)
