"""Retention of pictures: a sweep that marks records first, then deletes files."""

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
from goldensample.station.settings import RetentionLimits

INTERVAL_S = 3600.0
BATCH = 100
"""Pictures that are deleted at a time; the line stores others in between."""
DAY_S = 86_400.0
Item = TypeVar("Item")
log = logging.getLogger(__name__)
RunExclusive = Callable[[Callable[[], None]], "Future[None]"]
"""Runs a function while nothing is being stored; see `Line.run_exclusive`."""


class Retention:
    """Deletes pictures that are too old, and the oldest where they take too much disk.

    A picture that several records share stays as long as any of them keeps it. Heat maps are
    deleted with their pictures; records are never deleted.

    Args:
        archive: of pictures and heat maps.
        ledger: of records.
        limits: age and size limits.
        run_exclusive: see RunExclusive.
        learned_records: returns the ids of records whose pictures a product has learned from.
    """

    def __init__(
        self,
        archive: Archive,
        ledger: Ledger,
        limits: RetentionLimits,
        run_exclusive: RunExclusive,
        learned_records: Callable[[], set[int]],
    ) -> None:
        self._archive, self._ledger, self._limits = archive, ledger, limits
        self._run_exclusive, self._learned_records = run_exclusive, learned_records
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._freed = 0
        self.last_sweep: float | None = None

    def start(self) -> None:
        """Sweep now and every hour, in a thread of its own."""
        self._thread = threading.Thread(target=self._run, name="station-keep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop sweeping."""
        self._stop.set()
        if self._thread:
            self._thread.join()

    def sweep(self, now: float) -> int:
        """Delete pictures beyond the limits; return how many were deleted.

        Args:
            now: seconds since 1970.
        """
        protected = self._learned_pictures()
        count = sum(len(batch) for batch in self._delete_batches(self._expired(now), protected))
        excess_bytes = self._archive.used_bytes() - self._limits.limit_bytes
        self._freed = 0
        for batch in self._delete_batches(
            self._least_valuable(excess_bytes, protected) if excess_bytes > 0 else [], protected
        ):
            count += len(batch)
            if self._freed >= excess_bytes:
                break
        self.last_sweep = now
        return count

    def delete_orphans(self) -> None:
        """Delete files without a record, which a crash between two steps leaves behind."""
        hashes = self._archive.hashes()
        for batch in _batches(hashes):
            if not self._stop.is_set():
                self._run_exclusive(partial(self._delete_unreferenced, batch)).result()

    def _run(self) -> None:
        orphans_deleted = False
        while not self._stop.is_set():
            try:
                if not orphans_deleted:
                    self.delete_orphans()
                    orphans_deleted = True
                self.sweep(time.time())
            except Exception:  # such as an unreachable database: the next sweep tries again
                if not self._stop.is_set():
                    log.exception("pictures whose time is over could not go")
            self._stop.wait(INTERVAL_S)

    def _delete_batches(self, hashes: Iterable[str], protected: set[str]) -> Iterator[list[str]]:
        """Delete pictures batch by batch, but for protected ones; give each batch."""
        for batch in _batches([digest for digest in hashes if digest not in protected]):
            if not self._stop.is_set():
                self._run_exclusive(partial(self._delete_pictures, batch)).result()
                yield batch

    def _delete_pictures(self, hashes: list[str]) -> None:
        """Mark the records of pictures, then delete the files: never in the other order."""
        query = select(records.c.heat_sha256).where(
            records.c.picture_sha256.in_(hashes), records.c.heat_sha256.is_not(None)
        )
        heats = [row[0] for row in self._ledger.fetch(query)]
        self._ledger.mark_deleted(hashes)
        self._delete_unreferenced([*hashes, *heats])

    def _delete_unreferenced(self, hashes: list[str]) -> None:
        """Delete files that no record refers to any more."""
        referenced: set[str] = set()
        for column in (records.c.picture_sha256, records.c.heat_sha256):
            query = select(column).where(column.in_(hashes), records.c.kept)
            referenced |= {row[0] for row in self._ledger.fetch(query)}
        for digest in hashes:
            path = self._archive.path(digest)
            if digest not in referenced and path.exists():
                self._freed += path.stat().st_size
                self._archive.delete(digest)

    def _learned_pictures(self) -> set[str]:
        """Return the hashes of the pictures that products have learned from."""
        hashes: set[str] = set()
        for batch in _batches(sorted(self._learned_records())):
            query = select(records.c.picture_sha256).where(records.c.id.in_(batch))
            hashes |= {row[0] for row in self._ledger.fetch(query)}
        return hashes

    def _expired(self, now: float) -> list[str]:
        """Return the hashes of pictures that are too old for all of their records."""
        limits, expendable = self._limits, _is_expendable()
        expiry = records.c.time + case(
            (expendable, limits.days * DAY_S), else_=limits.defect_days * DAY_S
        )
        query = select(records.c.picture_sha256).where(records.c.kept)
        query = query.group_by(records.c.picture_sha256).having(func.max(expiry) < now)
        return [row[0] for row in self._ledger.fetch(query)]

    def _least_valuable(self, excess_bytes: int, protected: set[str]) -> list[str]:
        """Return the hashes of pictures that free so many bytes: good ones first, oldest first."""
        value: Any = func.max(case((_is_expendable(), 0), else_=1))
        query = select(records.c.picture_sha256, func.max(records.c.picture_bytes))
        query = query.where(records.c.kept).group_by(records.c.picture_sha256)
        hashes: list[str] = []
        for digest, size in self._ledger.fetch(query.order_by(value, func.max(records.c.time))):
            if excess_bytes > 0 and digest not in protected:
                hashes.append(digest)
                excess_bytes -= size
        return hashes


def _batches(items: Sequence[Item]) -> Iterator[list[Item]]:
    """Give items in batches."""
    for start in range(0, len(items), BATCH):
        yield list(items[start : start + BATCH])


def _is_expendable() -> ColumnElement[bool]:
    """Return the condition of a record with the verdict "good" and without an answer."""
    return (records.c.verdict == "good") & records.c.answer.is_(None)
