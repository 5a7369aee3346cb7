"""Parts from a watched folder: pictures are put together by the serial number in their names."""

import time
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from goldensample.parts.grouping import NamePattern
from goldensample.station.line.jobs import BusyError, Job
from goldensample.station.line.part_job import PartJob, submit_part
from goldensample.station.products.parts import PartProduct
from goldensample.station.products.products import Product
from goldensample.station.records.parts import PartRecord
from goldensample.station.records.rows import Record
from goldensample.station.station import Station

PART_WAIT_S = 30.0
"""Seconds from the first picture of a part until it is answered without what is missing."""
LATE_FOR = 10
"""A view that comes within so many waiting times after its part was answered is late; afterwards it
begins another part of that serial number."""


@dataclass(slots=True)
class OpenPart:
    """A part of which pictures have come.

    Args:
        due: when it is answered at the latest, by the monotonic clock.
        jobs: of its views, by name.
        doubled: views of which there are several pictures.
    """

    due: float
    jobs: dict[str, Job] = field(default_factory=dict)
    doubled: list[str] = field(default_factory=list)


class AnsweredPart(NamedTuple):
    """A part that was handed over: its id, when by the monotonic clock, and with which views."""

    id: int
    at: float
    views: frozenset[str]


class PartFolder:
    """Puts the pictures of a folder together to parts; a `FolderTarget`.

    A part is judged as soon as all views are there that it must have, and at the latest after a
    time: what is missing then makes it an error. Nothing is stored before, so that after a crash
    its files, which are still there, are taken again.

    Args:
        station: inspects the parts.
        part: which part they show.
        pattern: of the names, with {serial} and {view}.
        wait_s: seconds from the first picture of a part until it is answered.

    Raises:
        ValueError: the pattern or the time is none.
    """

    def __init__(self, station: Station, part: PartProduct, pattern: str, wait_s: float) -> None:
        if not 0 < wait_s <= 3600:
            raise ValueError(f"--part-wait must be in (0, 3600] seconds; got {wait_s:g}")
        self._station, self._part, self._wait_s = station, part, wait_s
        self.key, self.pattern = part.key, NamePattern(pattern, part.names)
        self._open: dict[str, OpenPart] = {}
        self._answered: dict[str, AnsweredPart] = {}

    @property
    def waiting(self) -> int:
        """Pictures that wait for the others of their part."""
        return sum(len(part.jobs) for part in list(self._open.values()))

    def product(self, name: str) -> Product:
        """Return the product of the view that a name says."""
        return self._part.products[self._read(name)[1]]

    def refuse(self, name: str) -> str:
        """Return that a view came after its part was answered without it, and tell people."""
        serial, view = self._read(name)
        self._forget()
        part = self._answered.get(serial)
        if serial in self._open or part is None or view in part.views:
            return ""
        words = (
            f"view {view} of part {serial} came {time.monotonic() - part.at:.1f} s after the part "
            f"was answered without it (part {part.id}); it is not judged"
        )
        self._station.log_change(self.key, "", "late", None, words)
        return words

    def _forget(self) -> None:
        """Forget the parts that were answered long ago."""
        before = time.monotonic() - LATE_FOR * self._wait_s
        while self._answered and (first := next(iter(self._answered.items())))[1].at < before:
            del self._answered[first[0]]

    def submit(self, job: Job) -> "Future[Record]":
        """Keep a picture until the others of its part are there."""
        serial, view = self._read(job.name)
        due = time.monotonic() + self._wait_s
        part = self._open.setdefault(serial, OpenPart(due))
        before = part.jobs.get(view)
        if before and before.watched_file[0] != job.watched_file[0]:
            part.doubled.append(view)
            self._station.ledger.refuse_file(*before.watched_file, f"several of view {view}")
        if before:  # or the same file was written anew
            self._station.archive.discard(before.incoming)
        part.jobs[view] = replace(job, view=view)
        self.look()
        return job.answer

    def look(self) -> None:
        """Submit the parts that are complete, or whose time is over, as room allows."""
        required, now = set(self._part.required), time.monotonic()
        for serial, part in list(self._open.items()):
            if required <= set(part.jobs) or now >= part.due:
                try:
                    self._hand_over(serial, part)
                except BusyError:
                    return  # tried again a moment later
                del self._open[serial]

    def close(self) -> None:
        """Discard what waits; its files are taken at the next start."""
        for part in self._open.values():
            for job in part.jobs.values():
                self._station.archive.discard(job.incoming)
        self._open.clear()

    def _hand_over(self, serial: str, part: OpenPart) -> None:
        """Have a part judged."""
        station = self._station
        with ExitStack() as stack:
            submits = [stack.enter_context(station.line.reserve()) for _ in part.jobs]
            begun = station.ledger.parts.begin(
                PartRecord(
                    product=self.key,
                    serial=serial,
                    job="",
                    operator="",
                    source="folder",
                    time=min(job.accepted for job in part.jobs.values()),
                )
            )
            reason = "; ".join(f"several pictures of view {view}" for view in part.doubled)
            waiting = PartJob(begun, self._part, tuple(part.jobs), reason)
            started = time.perf_counter()  # a deadline counts from here
            jobs = {
                view: replace(job, part=begun.id, started=started)
                for view, job in part.jobs.items()
            }
            submit_part(station.line, station.part_store, waiting, jobs, submits)
        self._answered.pop(serial, None)
        self._answered[serial] = AnsweredPart(begun.id, time.monotonic(), frozenset(jobs))

    def _read(self, name: str) -> tuple[str, str]:
        """Return serial number and view of a name that fits the pattern."""
        found = self.pattern.match(name)
        assert found, "names that do not fit are left out"
        return found
