"""Deadline: a part whose verdict is not there in time gets an answer all the same."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from goldensample.station.line.jobs import Job, JobResult, make_error_record
from goldensample.station.records.archive import IncomingFile

LATE = "late: "
"""How the note begins of a record that answers for a late verdict, and of the verdict itself."""
ANSWERED = f"{LATE}the part was answered before, as an error"
"""How the note of the verdict itself begins."""


class Deadline:
    """Calls back for each job whose answer is not there in time.

    Args:
        seconds: from the moment that a job was accepted; None for no deadline.
        on_late: called with the job, from a thread of its own.
    """

    def __init__(self, seconds: float | None, on_late: Callable[[Job], object]) -> None:
        self._seconds, self._on_late = seconds, on_late

    def watch(self, job: Job) -> None:
        """Begin to watch a job; people who wait for a page are not held to it."""
        if self._seconds is None or job.source == "page":
            return
        left_s = self._seconds - (time.perf_counter() - job.started)
        timer = threading.Timer(max(left_s, 0.0), self._expire, [job])
        timer.daemon = True
        timer.start()
        job.answer.add_done_callback(lambda _: timer.cancel())

    def late_result(self, job: Job, empty: IncomingFile) -> JobResult:
        """Return the answer to a part whose verdict is late: an error without a picture."""
        job = replace(job, incoming=empty, watched_file=("", ""))
        words = (
            f"{LATE}no verdict within {1000 * (self._seconds or 0):g} ms; it gets a record of its "
            "own when it is there"
        )
        return JobResult(job, make_error_record(job, job.product.state, words), None)

    def _expire(self, job: Job) -> None:
        with suppress(RuntimeError):  # the line has stopped: it finishes what was accepted
            self._on_late(job)


def mark_late(result: JobResult) -> JobResult:
    """Return a result with a note where its part was answered before, as an error."""
    if not result.job.answer.done():
        return result
    number = result.job.answer.result().id
    note = f"{ANSWERED} (record {number})"
    note = f"{note}; {result.record.note}" if result.record.note else note
    return replace(result, record=replace(result.record, note=note), is_late=True)
