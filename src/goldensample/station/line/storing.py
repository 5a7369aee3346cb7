"""Pictures, heat maps and records are stored together: all of a record's, or nothing of it."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import InterfaceError, OperationalError

from goldensample.errors import GoldenError
from goldensample.station.line.jobs import Judged
from goldensample.station.records import heat_files
from goldensample.station.records.archive import Archive, Coming
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.rows import Record

PATIENCE_S = (0.1, 0.4, 1.5, 4.0)
"""Pauses before a database that is away is asked again."""
AWAY = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


class AwayError(GoldenError):
    """The database cannot be reached; what was to be stored is not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is stored of one picture.

    Args:
        record: not yet stored.
        files: its picture, and its heat map where there is one.
        watched: (path, stamp) in a watched folder, or ("", "").
    """

    record: Record
    files: tuple[Coming, ...]
    watched: tuple[str, str]


def keep(archive: Archive, ledger: Ledger, done: Sequence[Judged]) -> list[Record | Exception]:
    """Store what was judged; a picture whose heat map finds no room does not harm the others.

    Returns:
        of each its record, stored, or why it could not be.
    """
    entries = [_entry(archive, one) for one in done]
    stored = iter(store(archive, ledger, [one for one in entries if isinstance(one, Entry)]))
    return [next(stored) if isinstance(one, Entry) else one for one in entries]


def _entry(archive: Archive, one: Judged) -> Entry | OSError:
    """Write a heat map to disk, and return all there is to store; or why it cannot be."""
    job, files = one.job, (one.job.coming,)
    if one.heat is None:
        return Entry(one.record, files, job.file)
    try:
        kept = archive.take(heat_files.to_bytes(one.heat))
    except OSError as error:
        return error
    return Entry(replace(one.record, heat_sha256=kept.sha256), (*files, kept), job.file)


def store(archive: Archive, ledger: Ledger, some: Sequence[Entry]) -> list[Record | Exception]:
    """Store entries, in one transaction where that goes, else each in its own.

    Files of entries that fail are deleted.

    Returns:
        of each entry its record, stored, or why it could not be.
    """
    try:
        archive.secure([file for one in some for file in one.files])
        records = _add(ledger, some)
    except Exception as error:
        if len(some) > 1 and not isinstance(error, AwayError):
            return [done for one in some for done in store(archive, ledger, [one])]
        log.exception("could not store %d pictures", len(some))
        for one in some:
            for file in one.files:
                archive.discard(file)
        return [error] * len(some)
    try:
        archive.place([file for one in some for file in one.files])
    except OSError as error:  # the records are stored: the next start places the files
        log.exception("could not place %d pictures", len(some))
        return [error] * len(some)
    return list(records)


def _add(ledger: Ledger, some: Sequence[Entry]) -> list[Record]:
    """Add records, waiting a while for a database that is away."""
    for pause_s in PATIENCE_S:
        try:
            return ledger.add([one.record for one in some], [one.watched for one in some])
        except AWAY:
            time.sleep(pause_s)
    try:
        return ledger.add([one.record for one in some], [one.watched for one in some])
    except AWAY as error:
        raise AwayError(
            "the station's database must take records; it is away, or its disk is full; try again "
            "in a minute"
        ) from error
