"""The line: pictures wait in a bounded queue, are judged in batches, stored, then answered."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from goldensample.errors import GoldenError, ImageError
from goldensample.images.folder import Folder
from goldensample.inspection.streams import judge
from goldensample.records import Inspection, Picture
from goldensample.station.line.jobs import BusyError, Job, Judged, StoppingError, record_of
from goldensample.station.products.products import State
from goldensample.station.records import heat_files
from goldensample.station.records.archive import Archive
from goldensample.station.records.rows import Record

log = logging.getLogger(__name__)
TOGETHER = 4
"""Pictures of one product that are judged in one go: few, so that these are stored and answered
while the next are judged."""


Seen = Callable[[Job, State, Picture, Inspection], None]
"""Told of each picture that was judged, before it is stored."""
Keep = Callable[[Sequence[Judged]], Sequence[Record | Exception]]
"""Keeps what was judged; returns of each its record as it is answered, or why it is not kept."""
Submit = Callable[[Job], "Future[Record]"]


class Line:
    """Judges pictures in a thread of its own, and stores them in another.

    Args:
        archive: where pictures arrive.
        waiting: pictures accepted and not yet answered, at most.
        keep: keeps what was judged.
        stored: told of each record when it is stored.
        seen: told of each picture when it is judged.
    """

    def __init__(
        self,
        archive: Archive,
        waiting: int,
        keep: Keep,
        stored: Callable[[Record], None],
        seen: Seen,
    ) -> None:
        self._archive, self._limit = archive, waiting
        self._keep, self._stored, self._seen = keep, stored, seen
        self._jobs: deque[Job] = deque()
        self._places, self._stopping = 0, False
        self._change = threading.Condition()
        self.per_picture_s = 0.1
        self._writer = ThreadPoolExecutor(1, "station-store")
        self._judge_thread = threading.Thread(target=self._run, name="station-judge", daemon=True)
        self._judge_thread.start()

    @property
    def waiting(self) -> int:
        """Pictures accepted and not yet answered."""
        return self._places

    @contextmanager
    def place(self) -> Iterator[Submit]:
        """Keep a place for a picture while it arrives; give what submits it there.

        Raises:
            BusyError: too many wait.
            StoppingError: the line is being stopped.
        """
        self._reserve()
        submitted = False

        def submit(job: Job) -> "Future[Record]":
            nonlocal submitted
            self._append(job)
            submitted = True
            return job.answer

        try:
            yield submit
        finally:
            if not submitted:
                self._release()

    def submit(self, job: Job) -> "Future[Record]":
        """Accept a picture; the answer comes when its record is stored.

        Raises:
            BusyError: too many wait; the file is left to the caller.
            StoppingError: the line is being stopped; so it is then.
        """
        with self.place() as submit:
            return submit(job)

    def between(self, do: Callable[[], None]) -> "Future[None]":
        """Do something to archive and records while nothing is being stored."""
        return self._writer.submit(do)

    def stop(self) -> None:
        """Take no more, finish what was submitted, and return."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._judge_thread.join()
        self._writer.shutdown(wait=True)

    def _reserve(self) -> None:
        with self._change:
            self._check_running()
            if self._places >= self._limit:
                raise BusyError(max(1, round(self._places * self.per_picture_s)))
            self._places += 1

    def _append(self, job: Job) -> None:
        with self._change:
            self._check_running()
            job.answer.set_running_or_notify_cancel()  # who hangs up does not undo it
            self._jobs.append(job)
            self._change.notify_all()

    def _check_running(self) -> None:
        if self._stopping:
            raise StoppingError("the station must run to take pictures; it is stopping; try later")

    def _release(self) -> None:
        with self._change:
            self._places -= 1

    def _run(self) -> None:
        while jobs := self._next():
            began = time.perf_counter()
            self._judge(jobs)
            self.per_picture_s = (time.perf_counter() - began) / len(jobs)

    def _next(self) -> list[Job]:
        """Wait for pictures; return some of one product in order, or none at the end."""
        with self._change:
            while not self._jobs and not self._stopping:
                self._change.wait()
            if not self._jobs:
                return []
            product = self._jobs[0].product
            taken = [job for job in self._jobs if job.product is product][:TOGETHER]
            kept = [job for job in self._jobs if all(job is not one for one in taken)]
            self._jobs = deque(kept)
        return taken

    def _judge(self, jobs: list[Job]) -> None:
        """Judge pictures of one product, together where that goes, else each alone."""
        done: list[Judged] = []
        left = deque(jobs)
        error: Exception | None = None
        try:
            for one in self._judged(jobs):
                job = left.popleft()
                if isinstance(one, ImageError):
                    self._fail(job, one)
                else:
                    done.append(one)
        except Exception as mistake:  # one bad picture must not stop the line
            error = mistake
        if done:
            self._writer.submit(self._store, done)
        if error and len(jobs) == 1:
            self._fail(jobs[0], error)
        elif error:
            for job in left:
                self._judge([job])

    def _judged(self, jobs: list[Job]) -> Iterator[Judged | ImageError]:
        """Give of each picture what is to be stored, or why it cannot be judged."""
        state = jobs[0].product.fresh()
        paths = tuple(job.coming.path for job in jobs)
        names = tuple(str(number) for number in range(len(jobs)))
        pictures = Folder(names, paths, state.inspector.preparation.white)
        found = list(judge(state.inspector, pictures.attempts()))  # the network is free again
        for job, (picture, inspection) in zip(jobs, found, strict=True):
            if isinstance(inspection, ImageError) or picture is None:
                yield ImageError(str(inspection).replace(str(job.coming.path), job.name))
                continue
            self._seen(job, state, picture, inspection)
            values = inspection.heat_map
            small = None if values is None else heat_files.small(values)
            yield Judged(job, record_of(job, state, picture, inspection), small)

    def _store(self, done: Sequence[Judged]) -> None:
        """Keep, and only then answer."""
        for one, record in zip(done, self._keep(done), strict=True):
            if isinstance(record, Exception):
                self._fail(one.job, record)
                continue
            self._release()
            one.job.answer.set_result(record)
            try:
                self._stored(record)
            except Exception:
                log.exception("could not tell of record %d", record.id)

    def _fail(self, job: Job, error: Exception) -> None:
        """Answer with an error, and leave nothing behind."""
        if not isinstance(error, GoldenError):
            log.error("could not inspect %s", job.name, exc_info=error)
        self._archive.discard(job.coming)
        self._release()
        job.answer.set_exception(error)
