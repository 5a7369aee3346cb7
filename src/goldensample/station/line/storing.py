"""Atomic storage: a record with its picture and heat map, or nothing of it.

What a kill would leave unanswered is kept before it is carried out.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from goldensample.errors import GoldenError
from goldensample.station.line.jobs import Job, JobResult
from goldensample.station.line.triggers import Trigger
from goldensample.station.records import heat_files
from goldensample.station.records.archive import Archive, IncomingFile
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.parts import PartRecord
from goldensample.station.records.rows import Record

RETRY_PAUSES_S = (0.1, 0.4, 1.5, 4.0)
"""Pauses between attempts to reach a database."""
UNREACHABLE = (OperationalError, InterfaceError)
log = logging.getLogger(__name__)


class DatabaseUnreachableError(GoldenError):
    """The database cannot be reached; nothing was stored."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record to store, with its files.

    Args:
        record: not yet stored.
        files: its picture, and its heat map if there is one.
        watched_file: (path, stamp) in a watched folder, or ("", "").
        answered: whether outputs have had an answer already.
        trigger: id of the row that keeps its trigger, which ends with it; or None.
    """

    record: Record
    files: tuple[IncomingFile, ...]
    watched_file: tuple[str, str]
    answered: bool
    trigger: int | None


def begin_part(ledger: Ledger, part: PartRecord) -> PartRecord:
    """Keep a part, or a trigger, before it is carried out; return it with its id.

    Raises:
        DatabaseUnreachableError: it cannot be kept, and so is not begun.
    """
    try:
        return ledger.parts.begin(part)
    except SQLAlchemyError as error:
        raise DatabaseUnreachableError(
            "the station's database must take parts; it is away; try again in a minute"
        ) from error


def begin_trigger(archive: Archive, ledger: Ledger, job: Job, trigger: Trigger) -> Job:
    """Keep a trigger before its picture is taken, unless its part is kept; return its job.

    Raises:
        DatabaseUnreachableError: it cannot be kept; the job's file is deleted.
    """
    facts, serial, reference = {"trigger": trigger.by}, trigger.serial, trigger.job
    job = replace(job, facts=facts, serial=serial, reference=reference)
    if job.part is not None:
        return job
    begun = PartRecord(
        product=job.product.key,
        serial=serial,
        job=reference,
        operator="",
        source=job.source,
        time=job.accepted,
    )
    try:
        return replace(job, trigger=begin_part(ledger, begun).id)
    except DatabaseUnreachableError:
        archive.discard(job.incoming)
        raise


def store_results(
    archive: Archive, ledger: Ledger, results: Sequence[JobResult]
) -> list[Record | Exception]:
    """Store results; one whose heat map cannot be written does not fail the others.

    Returns:
        for each its stored record, or the error.
    """
    entries = [_make_entry(archive, result) for result in results]
    valid = [entry for entry in entries if isinstance(entry, Entry)]
    stored = iter(store_entries(archive, ledger, valid))
    return [next(stored) if isinstance(entry, Entry) else entry for entry in entries]


def _make_entry(archive: Archive, result: JobResult) -> Entry | OSError:
    """Write the heat map of a result to disk and return the entry, or the error."""
    job, files = result.job, (result.job.incoming,)
    entry = Entry(result.record, files, job.watched_file, result.is_late, job.trigger)
    if result.heat is None:
        return entry
    try:
        heat_file = archive.receive_bytes(heat_files.to_bytes(result.heat))
    except OSError as error:
        return error
    record = replace(result.record, heat_sha256=heat_file.sha256)
    return replace(entry, record=record, files=(*files, heat_file))


def store_entries(
    archive: Archive, ledger: Ledger, entries: Sequence[Entry]
) -> list[Record | Exception]:
    """Store entries, in one transaction where that succeeds, else each in its own.

    Files of entries that fail are deleted.

    Returns:
        for each entry its stored record, or the error.
    """
    try:
        archive.flush([file for entry in entries for file in entry.files])
        records = _add_records(ledger, entries)
    except Exception as error:
        if len(entries) > 1 and not isinstance(error, DatabaseUnreachableError):
            return [
                outcome for entry in entries for outcome in store_entries(archive, ledger, [entry])
            ]
        log.exception("could not store %d pictures", len(entries))
        for entry in entries:
            for file in entry.files:
                archive.discard(file)
        return [error] * len(entries)
    try:
        archive.commit([file for entry in entries for file in entry.files])
    except OSError as error:  # the records are stored: the next start commits the files
        log.exception("could not place %d pictures", len(entries))
        return [error] * len(entries)
    return list(records)


def store_part(
    archive: Archive, ledger: Ledger, results: Sequence[JobResult], part: PartRecord
) -> list[Record]:
    """Store a part with the results of its views in one transaction, or nothing of it.

    Raises:
        Exception: it could not be stored; the files are deleted.
    """
    made = [_make_entry(archive, result) for result in results]
    entries = [entry for entry in made if isinstance(entry, Entry)]
    files = [file for entry in entries for file in entry.files]
    try:
        for entry in made:
            if isinstance(entry, OSError):
                raise entry
        archive.flush(files)
        records = _add_records(ledger, entries, part)
    except Exception:
        for file in [*files, *(result.job.incoming for result in results)]:
            archive.discard(file)
        raise
    archive.commit(files)
    return records


def _add_records(
    ledger: Ledger, entries: Sequence[Entry], part: PartRecord | None = None
) -> list[Record]:
    """Add records, and what became of their part; retry while the database cannot be reached."""
    rows = [entry.record for entry in entries]
    watched = [entry.watched_file for entry in entries]
    answered = [entry.answered for entry in entries]
    triggers = [entry.trigger for entry in entries if entry.trigger is not None]
    for pause_s in RETRY_PAUSES_S:
        try:
            return ledger.add(rows, watched, answered, part, triggers)
        except UNREACHABLE:
            time.sleep(pause_s)
    try:
        return ledger.add(rows, watched, answered, part, triggers)
    except UNREACHABLE as error:
        raise DatabaseUnreachableError(
            "the station's database must take records; it is away, or its disk is full; try again "
            "in a minute"
        ) from error
