"""The line: a bounded queue of pictures, inspected in batches, stored, then answered."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from goldensample.errors import GoldenError, ImageError
from goldensample.images.folder import Folder
from goldensample.inspection.streams import inspect_stream
from goldensample.records import Inspection, Picture
from goldensample.station.line.deadline import Deadline, mark_late
from goldensample.station.line.jobs import (
    BusyError,
    Job,
    JobResult,
    StoppingError,
    make_error_record,
    make_record,
)
from goldensample.station.products.products import State
from goldensample.station.records import heat_files
from goldensample.station.records.archive import Archive
from goldensample.station.records.rows import Record

log = logging.getLogger(__name__)
BATCH = 4
"""Batch size: small, so that one batch is stored and answered while the next is inspected."""
OnInspected = Callable[[Job, State, Picture, Inspection], Job]
"""Called with each inspected picture before it is stored; returns its job, with what it knows more:
a serial number, measures of the scene, or why it is an error."""
Store = Callable[[Sequence[JobResult]], Sequence[Record | Exception | None]]
"""Stores results; returns for each its record, the error that kept it from being stored, or None
where it is stored and answered with its part of several views."""
Submit = Callable[[Job], "Future[Record]"]


class Line:
    """Inspects pictures in one thread and stores the results in another.

    Args:
        archive: store of the incoming files.
        limit: pictures accepted and not yet answered, at most.
        store: stores results.
        on_stored: called with each record once stored, and whether its part was answered before.
        on_inspected: called with each picture when it is inspected.
        deadline_s: seconds until a part without a verdict is answered as an error; None for never.
    """

    def __init__(
        self,
        archive: Archive,
        limit: int,
        store: Store,
        on_stored: Callable[[Record, bool], None],
        on_inspected: OnInspected,
        deadline_s: float | None = None,
    ) -> None:
        self._archive, self._limit = archive, limit
        self._store_results, self._on_stored, self._on_inspected = store, on_stored, on_inspected
        self._jobs: deque[Job] = deque()
        self._pending, self._stopping = 0, False
        self._change = threading.Condition()
        self.per_picture_s, self.late = 0.1, 0
        self._writer = ThreadPoolExecutor(1, "station-store")
        self._deadline = Deadline(
            deadline_s, lambda job: self._writer.submit(self._answer_late, job)
        )
        self._inspect_thread = threading.Thread(target=self._run, name="station-judge", daemon=True)
        self._inspect_thread.start()

    @property
    def waiting(self) -> int:
        """Pictures accepted and not yet answered."""
        return self._pending

    @contextmanager
    def reserve(self) -> Iterator[Submit]:
        """Reserve a slot of the queue while a picture arrives; give the function that submits it.

        Raises:
            BusyError: the queue is full.
            StoppingError: the line is stopping.
        """
        self._take_slot()
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
                self._free_slot()

    def submit(self, job: Job) -> "Future[Record]":
        """Accept a picture; the answer comes when its record is stored.

        Raises:
            BusyError: the queue is full; the file is left to the caller.
            StoppingError: the line is stopping; the same.
        """
        with self.reserve() as submit:
            return submit(job)

    def expect(self, job: Job) -> None:
        """Begin to count the time of a part whose picture is still to come, or has just come."""
        if not (job.answer.running() or job.answer.done()):
            job.answer.set_running_or_notify_cancel()  # a client that hangs up does not cancel it
            self._deadline.watch(job)

    def run_exclusive(self, function: Callable[[], None]) -> "Future[None]":
        """Run a function on archive and records while nothing is being stored."""
        return self._writer.submit(function)

    def stop(self) -> None:
        """Accept no more, finish what was submitted, and return."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._inspect_thread.join()
        self._writer.shutdown(wait=True)

    def _take_slot(self) -> None:
        with self._change:
            self._check_running()
            if self._pending >= self._limit:
                raise BusyError(max(1, round(self._pending * self.per_picture_s)))
            self._pending += 1

    def _append(self, job: Job) -> None:
        with self._change:
            self._check_running()
            self.expect(job)
            self._jobs.append(job)
            self._change.notify_all()

    def _check_running(self) -> None:
        if self._stopping:
            raise StoppingError("the station must run to take pictures; it is stopping; try later")

    def _free_slot(self) -> None:
        with self._change:
            self._pending -= 1

    def _run(self) -> None:
        while jobs := self._next_batch():
            started = time.perf_counter()
            self._inspect_batch(jobs)
            self.per_picture_s = (time.perf_counter() - started) / len(jobs)

    def _next_batch(self) -> list[Job]:
        """Wait for jobs; return a batch of one product in order, empty when the line stops."""
        with self._change:
            while not self._jobs and not self._stopping:
                self._change.wait()
            if not self._jobs:
                return []
            product = self._jobs[0].product
            batch = [job for job in self._jobs if job.product is product][:BATCH]
            remaining = [job for job in self._jobs if all(job is not taken for taken in batch)]
            self._jobs = deque(remaining)
        return batch

    def _inspect_batch(self, jobs: list[Job]) -> None:
        """Inspect pictures of one product, as one batch where that succeeds, else one by one."""
        results: list[JobResult] = []
        remaining = deque(jobs)
        error: Exception | None = None
        try:
            for result in self._inspect(jobs):
                remaining.popleft()
                results.append(result)
        except Exception as cause:  # one bad picture must not stop the line
            error = cause
        if results:
            self._writer.submit(self._store, results)
        if error and len(jobs) == 1:
            self._fail(jobs[0], error)
        elif error:
            for job in remaining:
                self._inspect_batch([job])

    def _inspect(self, jobs: list[Job]) -> Iterator[JobResult]:
        """Give the result of each picture, in order; of one that cannot be read, the reason."""
        state = jobs[0].product.refresh()
        readable = [job for job in jobs if not job.error]
        paths = tuple(job.incoming.path for job in readable)
        names = tuple(str(index) for index in range(len(readable)))
        pictures = Folder(names, paths, state.inspector.preparation.grey_range)
        # to the end first, so that the network is free again
        inspections = iter(list(inspect_stream(state.inspector, pictures.attempts())))
        for job in jobs:
            picture, inspection = (None, job.error) if job.error else next(inspections)
            if isinstance(inspection, ImageError | str) or picture is None:
                reason = str(inspection).replace(str(job.incoming.path), job.name)
                yield JobResult(job, make_error_record(job, state, reason), None)
                continue
            known = self._on_inspected(job, state, picture, inspection)
            if job.on_picture:
                job.on_picture(picture)
            heat_map = None if known.error else inspection.heat_map
            heat = None if heat_map is None else heat_files.downsample(heat_map)
            yield JobResult(known, make_record(known, state, picture, inspection), heat)

    def _answer_late(self, job: Job) -> None:
        """Answer a part whose verdict is not there in time; in the thread that stores."""
        if job.answer.done():
            return
        result = self._deadline.late_result(job, self._archive.receive_bytes(b""))
        [stored] = self._store_results([result])
        if isinstance(stored, Record):  # else its own record answers it, or its part
            self.late += 1
            job.answer.set_result(stored)
            self._tell(stored, False)

    def _store(self, results: Sequence[JobResult]) -> None:
        """Store results, and only then answer."""
        results = [mark_late(result) for result in results]
        for result, record in zip(results, self._store_results(results), strict=True):
            if isinstance(record, Exception):
                self._fail(result.job, record)
                continue
            self._free_slot()
            if record is not None and not result.is_late:
                result.job.answer.set_result(record)
            if record is not None:
                self._tell(record, result.is_late)

    def _tell(self, record: Record, answered: bool) -> None:
        try:
            self._on_stored(record, answered)
        except Exception:
            log.exception("could not tell of record %d", record.id)

    def _fail(self, job: Job, error: Exception) -> None:
        """Answer with an error, and delete the file."""
        if not isinstance(error, GoldenError):
            log.error("could not inspect %s", job.name, exc_info=error)
        self._archive.discard(job.incoming)
        self._free_slot()
        if not job.answer.done():
            job.answer.set_exception(error)
