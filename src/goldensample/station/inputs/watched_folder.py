"""Watched folders: new pictures are inspected once, when they are complete."""

import logging
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from goldensample.errors import GoldenError, ImageError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.inputs.folder_intake import FolderIntake, FolderNotes
from goldensample.station.inputs.folder_listing import FolderChanges, check_whole, stamp_of
from goldensample.station.inputs.folder_target import FolderTarget
from goldensample.station.line.jobs import BusyError, Job, StoppingError
from goldensample.station.records.rows import ERROR, Record
from goldensample.station.setup.source_folders import printable
from goldensample.station.station import Station

log = logging.getLogger(__name__)

POLL_S = 0.25
SETTLE_S = 0.25
"""Seconds for which a file must have stayed as it is before it is read."""
GIVE_UP_S = 10.0
"""Seconds after which a file that stays as it is, and is no picture, is one that cannot be read."""


class NewFile(NamedTuple):
    """A file that is not submitted: its stamp, since when it has it, when to look again.

    Times are of the monotonic clock, in seconds.
    """

    stamp: str
    since: float
    due: float


class FolderWatch:
    """Watches a folder and all below it; never writes there.

    A file is submitted when it no longer changes and is a complete picture; one that never
    becomes a picture is a record with the verdict "error". The database identifies it by path,
    size, time and identity on the disk: it is inspected once, even after a crash. A file that is
    written anew under the same name is a new one.

    Args:
        station: of the folder.
        target: where its pictures go.
        folder: to watch.

    Raises:
        ImageError: there is no such folder.
    """

    def __init__(self, station: Station, target: FolderTarget, folder: Path) -> None:
        if not folder.is_dir():
            raise ImageError(f"a folder to watch must be there; {folder} is not; make it first")
        self._station, self._target, self._folder = station, target, folder
        self._changes = FolderChanges(folder, POLL_S)
        self._new: dict[Path, NewFile] = {}
        self._finished: dict[Path, str] = {}
        self._last_picture = 0.0
        self._trouble = station.trouble(f"folder {folder.name}", target.key, "trouble")
        self._intake, pattern = FolderIntake(), target.pattern
        add = partial(station.log_change, target.key, "")
        self._notes = FolderNotes(folder.name, pattern, self._intake, add, station.amend_change)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-folder", daemon=True)
        self._thread.start()

    def state(self) -> ConnectionState:
        """Return how the folder is watched now."""
        words = self._trouble.words
        state = "trouble" if words else "working" if self._last_picture else "waiting"
        words = words or ("watched" if self._last_picture else "no new picture has come yet")
        words = "; ".join([words, *self._notes.notes().values()])
        name, last = str(self._folder), self._last_picture or None
        waiting = len(self._new) + self._target.waiting
        since = self._trouble.since
        return ConnectionState(name, "folder", state, since, last, waiting, 0, 0, words)

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._thread.join()
        self._target.close()
        self._notes.tell(now=True)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._target.look()
                files, complete = self._changes.next()
                self._sort(files, complete)
                self._look()
                self._trouble.end("is watched again")
            except StoppingError:
                return
            except (GoldenError, OSError) as error:  # the network share is gone, say
                self._trouble.begin(f"cannot be watched: {error}")
                self._stop.wait(2 * POLL_S)
            except SQLAlchemyError:
                self._trouble.begin("cannot be watched: the station's database is away")
                self._stop.wait(2 * POLL_S)
            except Exception as error:  # a watch that has ended must not look like a calm one
                log.exception("the watch of %s", self._folder)
                self._trouble.begin(f"cannot be watched: an error of golden itself: {error!r}")
                self._stop.wait(2 * POLL_S)

    def _sort(self, files: list[Path], complete: bool) -> None:
        """Let new files be looked at, and count those that have no picture's ending."""
        stamps: dict[Path, str] = {}
        for path in files:
            with suppress(OSError):  # it was removed meanwhile
                stamps[path] = stamp_of(path)
        taken = self._notes.take({path: self._relative(path) for path in stamps}, complete)
        pictures = {path: stamp for path, stamp in stamps.items() if path in taken}
        new = {path: s for path, s in pictures.items() if self._finished.get(path) != s}
        if complete:
            known = self._station.ledger.seen_files([printable(str(path)) for path in new])
            for path, stamp in list(new.items()):
                if self._is_known(path, stamp, known.get(printable(str(path)), {})):
                    self._finished[path] = new.pop(path)
            for path in [path for path in self._finished if path not in pictures]:
                del self._finished[path]  # the database has it: memory must not grow
        now = time.monotonic()
        for path, stamp in new.items():
            self._new.setdefault(path, NewFile(stamp, now, now + SETTLE_S))
        if complete:
            self._notes.tell()

    def _relative(self, path: Path) -> str:
        """Return the path below the folder; a file's name may be no valid text."""
        return printable(path.relative_to(self._folder).as_posix())

    def _is_known(self, path: Path, stamp: str, seen: Mapping[str, int | None]) -> bool:
        """Tell whether a file was inspected; earlier versions noted size and time alone."""
        is_old = path not in self._finished and all(known.count(":") == 1 for known in seen)
        return stamp in seen or (is_old and stamp.rpartition(":")[0] in seen)

    def _look(self) -> None:
        """Look at each new file that is due: submit those that have stayed as they are."""
        now = time.monotonic()
        for path, file in list(self._new.items()):
            if now < file.due:
                continue
            try:
                stamp = stamp_of(path)
            except OSError:
                del self._new[path]  # it was removed meanwhile
                continue
            if stamp == file.stamp:
                self._new[path] = NewFile(stamp, file.since, now + (now - file.since))
                self._submit(path, stamp, now - file.since)
            else:
                self._new[path] = NewFile(stamp, now, now + SETTLE_S)
            if self._stop.is_set():
                return

    def _finish(self, path: Path, stamp: str) -> None:
        self._finished[path] = stamp
        self._new.pop(path, None)

    def _submit(self, path: Path, stamp: str, settled_s: float) -> None:
        """Submit a complete picture, or after so many seconds one that cannot be read."""
        file = (printable(str(path)), stamp)
        seen = self._station.ledger.seen_files([file[0]]).get(file[0], {})
        if self._is_known(path, stamp, seen):
            self._finish(path, stamp)
            return
        error, data = "", b""
        try:
            check_whole(path, self._station.settings)
        except ImageError as cause:
            if settled_s < GIVE_UP_S:
                return
            error = printable(str(cause).replace(str(path), os.path.relpath(path, self._folder)))
        if path.stat().st_size <= self._station.settings.limit_bytes:
            data = path.read_bytes()
        if stamp_of(path) != stamp:
            return  # it was written to meanwhile
        name, same = self._relative(path), self._is_same(stamp, data, seen)
        if refused := "the same picture as before" if same else self._target.refuse(name):
            self._station.ledger.refuse_file(*file, refused)
            self._finish(path, stamp)
            return
        incoming = self._station.archive.receive_bytes(data)
        measure, product = partial(self._intake.measure, file), self._target.product(name)
        job = Job(product, incoming, name, "folder", "", file, error, measure)
        self._hand_over(job, path, stamp)

    def _is_same(self, stamp: str, data: bytes, seen: Mapping[str, int | None]) -> bool:
        """Tell whether only the name or the rights of a file have changed, not its picture."""
        content = stamp.rpartition(":")[0]
        numbers = [number for known, number in seen.items() if known.startswith(content)]
        records = [self._station.ledger.get(number) for number in numbers if number]
        digest = sha256(data).hexdigest()
        return any(record and record.picture_sha256 == digest for record in records)

    def _hand_over(self, job: Job, path: Path, stamp: str) -> None:
        """Submit a job when the line has room."""
        while True:
            try:
                future = self._target.submit(job)
                break
            except BusyError as busy:
                if self._stop.wait(min(busy.retry_s, 1)):
                    self._station.archive.discard(job.incoming)
                    return
            except StoppingError:
                self._station.archive.discard(job.incoming)
                raise
        self._finish(path, stamp)
        self._last_picture = time.time()
        future.add_done_callback(lambda future: self._on_answer(job, path, future))

    def _on_answer(self, job: Job, path: Path, future: "Future[Record]") -> None:
        """Count a file; say that it could not be read; retry it if the station failed."""
        if future.exception() is not None:
            self._intake.drop(job.watched_file)
            self._finished.pop(path, None)
            return
        self._intake.count(job.watched_file, job.name)
        if (record := future.result()).verdict == ERROR:
            self._station.log_change(self._target.key, "", "refused", None, record.note)
