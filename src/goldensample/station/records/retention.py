"""How long pictures stay: a sweep that marks records first, and then lets files go."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import case, func, select
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.archive import Archive
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.tables import records
from goldensample.station.settings import Keep

EVERY_S = 3600.0
TOGETHER = 100
"""Pictures that go at a time; the line stores others between."""
DAY_S = 86_400.0
Given = TypeVar("Given")
log = logging.getLogger(__name__)
Between = Callable[[Callable[[], None]], "Future[None]"]
"""Runs something while nothing is being stored; see `Line.between`."""


class Retention:
    """Lets pictures go whose time is over, and the oldest where there are too many.

    A picture that several records share stays as long as any of them needs it. Heat maps go with
    their pictures; records stay.

    Args:
        archive: of pictures and heat maps.
        ledger: of records.
        keep: how long pictures stay.
        between: see Between.
        in_use: returns the numbers of records whose pictures a product has learned from.
    """

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        keep: Keep,
        between: Between,
        in_use: Callable[[], set[int]],
    ) -> None:
        self._archive, self._ledger, self._keep = archive, ledger, keep
        self._between, self._in_use = between, in_use
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._freed = 0
        self.swept: float | None = None

    def start(self) -> None:
        """Sweep now and every hour, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="station-keep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Sweep no more."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def sweep(self, now: float) -> int:
        """Let go of what need not stay; return how many pictures went.

        Args:
            now: seconds since 1970.
        """
        used = self._pictures_in_use()
        gone = sum(len(some) for some in self._each(self._overdue(now), used))
        over = self._archive.used() - self._keep.limit_bytes
        self._freed = 0
        for some in self._each(self._least_needed(over, used) if over > 0 else [], used):
            gone += len(some)
            if self._freed >= over:
                break
        self.swept = now
        return gone

    def tidy(self) -> None:
        """Delete files that no record needs: a crash leaves them, between two steps."""
        names = self._archive.names()
        for some in _parts(names):
            if not self._stop.is_set():
                self._between(partial(self._drop, some)).result()

    def _run(self) -> None:
        tidied = False
        while not self._stop.is_set():
            try:
                if not tidied:
                    self.tidy()
                    tidied = True
                self.sweep(time.time())
            except Exception:  # the database is away, say; the next sweep tries again
                if not self._stop.is_set():
                    log.exception("pictures whose time is over could not go")
            self._stop.wait(EVERY_S)

    def _each(self, hashes: Iterable[str], used: set[str]) -> Iterator[list[str]]:
        """Let pictures go, some at a time, and give which."""
        for some in _parts([digest for digest in hashes if digest not in used]):
            if not self._stop.is_set():
                self._between(partial(self._forget, some)).result()
                yield some

    def _forget(self, hashes: list[str]) -> None:
        """Mark the records of pictures, then delete the files: never the other way round."""
        query = select(records.c.heat_sha256).where(
            records.c.picture_sha256.in_(hashes), records.c.heat_sha256.is_not(None)
        )
        heats = [row[0] for row in self._ledger.rows(query)]
        self._ledger.dropped(hashes)
        self._drop([*hashes, *heats])

    def _drop(self, asked: list[str]) -> None:
        """Delete those of some files that no record needs any more."""
        needed: set[str] = set()
        for column in (records.c.picture_sha256, records.c.heat_sha256):
            query = select(column).where(column.in_(asked), records.c.kept)
            needed |= {row[0] for row in self._ledger.rows(query)}
        for digest in asked:
            path = self._archive.path(digest)
            if digest not in needed and path.exists():
                self._freed += path.stat().st_size
                self._archive.drop(digest)

    def _pictures_in_use(self) -> set[str]:
        """Return the hashes of the pictures that products have learned from."""
        found: set[str] = set()
        for some in _parts(sorted(self._in_use())):
            query = select(records.c.picture_sha256).where(records.c.id.in_(some))
            found |= {row[0] for row in self._ledger.rows(query)}
        return found

    def _overdue(self, now: float) -> list[str]:
        """Return the hashes of pictures that no record needs by its age."""
        keep, plain = self._keep, _plain()
        ends = records.c.time + case((plain, keep.days * DAY_S), else_=keep.defect_days * DAY_S)
        query = select(records.c.picture_sha256).where(records.c.kept)
        query = query.group_by(records.c.picture_sha256).having(func.max(ends) < now)
        return [row[0] for row in self._ledger.rows(query)]

    def _least_needed(self, over: int, used: set[str]) -> list[str]:
        """Return the hashes of as many bytes of pictures: good ones first, the oldest first."""
        weight: Any = func.max(case((_plain(), 0), else_=1))
        query = select(records.c.picture_sha256, func.max(records.c.picture_bytes))
        query = query.where(records.c.kept).group_by(records.c.picture_sha256)
        found: list[str] = []
        for digest, size in self._ledger.rows(query.order_by(weight, func.max(records.c.time))):
            if over > 0 and digest not in used:
                found.append(digest)
                over -= size
        return found


def _parts(some: Sequence[Given]) -> Iterator[list[Given]]:
    """Give some at a time."""
    for start in range(0, len(some), TOGETHER):
        yield list(some[start : start + TOGETHER])


def _plain() -> ColumnElement[bool]:
    """Return the condition of a record that nobody answered and that was called good."""
    return (records.c.verdict == "good") & records.c.answer.is_(None)
