"""Outbox: which records an output has still to deliver, oldest first."""

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.parts import Parts
from goldensample.station.records.rows import Record
from goldensample.station.records.tables import outbox, records


class Outbox:
    """Records that wait for outputs; every call is a transaction of its own.

    An entry is made in the transaction that stores its record, and goes when it is delivered. A
    part of several views waits as the last of its records.

    Args:
        engine: of a database with the tables of this version.
        parts: finds the part of a record.
    """

    def __init__(self, engine: Engine, parts: Parts) -> None:
        self._engine, self._parts = engine, parts
        self._outputs: tuple[str, ...] = ()

    def open(self, output: str) -> None:
        """Let all records that are stored from now on wait for an output."""
        self._outputs = (*self._outputs, output)

    def insert(self, connection: Connection, record_id: int) -> None:
        """Let a record wait for each output, in a transaction that is under way."""
        for output in self._outputs:
            connection.execute(insert(outbox).values(output=output, record=record_id))

    def next(self, output: str, limit: int) -> list[Record]:
        """Return the oldest that wait for an output and were not refused: records, and parts."""
        query = select(records).join(outbox, outbox.c.record == records.c.id)
        query = query.where(_waits(output)).order_by(outbox.c.record).limit(limit)
        with self._engine.connect() as connection:
            found = [Record(**row) for row in connection.execute(query).mappings()]
        return [self._parts.answer(record) for record in found]

    def remove(self, output: str, record_id: int) -> None:
        """Remove a delivered record."""
        entry = and_(outbox.c.output == output, outbox.c.record == record_id)
        with self._engine.begin() as connection:
            connection.execute(delete(outbox).where(entry))

    def refuse(self, output: str, record_id: int, reason: str) -> None:
        """Keep a record as refused by the receiver."""
        entry = and_(outbox.c.output == output, outbox.c.record == record_id)
        with self._engine.begin() as connection:
            connection.execute(update(outbox).where(entry).values(refusal=reason))

    def retry(self, output: str) -> int:
        """Let refused records wait again; return how many."""
        refused = and_(outbox.c.output == output, outbox.c.refusal.is_not(None))
        with self._engine.begin() as connection:
            return connection.execute(update(outbox).where(refused).values(refusal=None)).rowcount

    def count(self, output: str) -> tuple[int, int]:
        """Return how many records wait for an output, and how many it refused."""
        query = select(func.count(), func.count(outbox.c.refusal))
        with self._engine.connect() as connection:
            total, refused = connection.execute(query.where(outbox.c.output == output)).one()
        return int(total) - int(refused), int(refused)

    def drop(self, output: str, limit: int, before: float) -> list[int]:
        """Drop the oldest records beyond a number, and those of before a time; return their ids.

        Args:
            output: whose.
            limit: how many may stay.
            before: seconds since 1970.
        """
        mine = outbox.c.output == output
        newest = select(outbox.c.record).where(mine).order_by(outbox.c.record.desc())
        last = newest.offset(limit).limit(1).scalar_subquery()
        record = select(records.c.id).where(records.c.id == outbox.c.record)
        beyond = (outbox.c.record <= last) | record.where(records.c.time < before).exists()
        with self._engine.begin() as connection:  # one statement: nothing comes in between
            dropped = connection.execute(
                delete(outbox).where(mine, beyond).returning(outbox.c.record)
            )
            return sorted(int(number) for number in dropped.scalars())


def _waits(output: str) -> ColumnElement[bool]:
    """Return the condition of a record that an output has still to deliver."""
    return and_(outbox.c.output == output, outbox.c.refusal.is_(None))
