"""Database of a station: inspected pictures, people's answers, changes of products."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.labels import Labels
from goldensample.station.records.outbox import Outbox
from goldensample.station.records.parts import PartRecord, Parts
from goldensample.station.records.rows import ERROR, Change, Filter, Record, column_values
from goldensample.station.records.tables import changes, feedback, records, seen
from goldensample.station.records.titles import Titles

PAGE_SIZE = 1000
HISTORY = ("time", "verdict", "answer", "score", "p_value", "brightness", "sharpness")
"""Columns of `qualification.history.read_history`."""


class Ledger:
    """Repository of records; every call is a transaction of its own.

    Args:
        engine: of a database with the tables of this version; see `migration.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.parts = Parts(engine)
        self.outbox = Outbox(engine, self.parts)
        self.labels = Labels(engine)
        self.titles = Titles(engine)

    def add(
        self,
        rows: Sequence[Record],
        watched_files: Sequence[tuple[str, str]] = (),
        answered: Sequence[bool] = (),
        part: PartRecord | None = None,
        triggers: Sequence[int] = (),
    ) -> list[Record]:
        """Store records in one transaction, also for outputs; return them with their ids.

        Args:
            rows: in order.
            watched_files: for each, the (path, stamp) of its file in a watched folder, or empty.
            answered: for each, whether outputs have had an answer to its part already.
            part: what became of the part whose views they are, which is one answer for outputs.
            triggers: ids of the triggers that they answer.
        """
        stored = []
        with self._engine.begin() as connection:
            if part:
                self.parts.finish(connection, part)
            self.parts.end_triggers(connection, triggers)
            for index, record in enumerate(rows):
                values = column_values(record)
                del values["id"]
                result = connection.execute(insert(records).values(**values))
                key = result.inserted_primary_key
                assert key, "a record gets an id"
                stored.append(Record(**{**values, "id": int(key[0])}))
                is_answer = part is None or index == len(rows) - 1
                if is_answer and not (answered and answered[index]):
                    self.outbox.insert(connection, stored[-1].id)
                if watched_files and watched_files[index][0]:
                    path, stamp = watched_files[index]
                    _insert_seen(connection, path, stamp, stored[-1].id, None)
        return stored

    def get(self, record_id: int) -> Record | None:
        """Return a record, or None."""
        matches = self.find(Filter(), 1, records.c.id == record_id)
        return matches[0] if matches else None

    def get_answer(self, record_id: int) -> Record | None:
        """Return what outputs get at a record, see `Parts.answer`, or None."""
        record = self.get(record_id)
        return record and self.parts.answer(record)

    def find(
        self, criteria: Filter, limit: int = 100, condition: ColumnElement[bool] | None = None
    ) -> list[Record]:
        """Return records that match, the newest first."""
        clause = criteria.clause() if condition is None else and_(criteria.clause(), condition)
        query = select(records).where(clause).order_by(records.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def iterate(self, criteria: Filter) -> Iterator[Record]:
        """Give all records that match, the newest first, fetched in pages."""
        while page := self.find(criteria, PAGE_SIZE):
            yield from page
            criteria = replace(criteria, before=page[-1].id)

    def newest_hashes(self) -> set[str]:
        """Return the hashes of pictures and heat maps of the newest records."""
        newest = [record for record in self.find(Filter(), PAGE_SIZE) if record.kept]
        hashes = {
            digest for record in newest for digest in (record.picture_sha256, record.heat_sha256)
        }
        return {digest for digest in hashes if digest}

    def count(self, criteria: Filter) -> dict[str, int]:
        """Return how many records there are of each verdict ("none" without limits)."""
        query = select(records.c.verdict, func.count()).where(criteria.clause())
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(records.c.verdict)).all()
        return {verdict or "none": int(number) for verdict, number in rows}

    def unanswered(self, product: str, by_score: bool = False, limit: int = 100) -> list[Record]:
        """Return records without an answer: the oldest, or the unreadable and the oddest, first."""
        # the sum keeps SQLite from walking all records in order, for the few without an answer
        order = records.c.score.desc().nulls_first() if by_score else records.c.id + 0
        query = (
            select(records)
            .where(_is_unanswered(product))
            .order_by(order, records.c.id)
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def count_unanswered(self, product: str) -> int:
        """Return how many pictures have no answer yet."""
        query = select(func.count()).select_from(records).where(_is_unanswered(product))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def scores(self, criteria: Filter, limit: int) -> list[float]:
        """Return the scores of records that have one, the newest first."""
        query = select(records.c.score).where(criteria.clause(), records.c.score.is_not(None))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(records.c.id.desc()).limit(limit))
            return [float(score) for score in rows.scalars()]

    def history(self, criteria: Filter, limit: int) -> list[dict[str, Any]]:
        """Return what control charts are drawn from, of judged pictures, the newest first."""
        columns = [records.c[name] for name in HISTORY]
        query = select(*columns).where(criteria.clause(), records.c.score.is_not(None))
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(records.c.id.desc()).limit(limit))
            return [dict(row) for row in found.mappings()]

    def add_change(self, change: Change) -> int:
        """Add a change of a product, whose id is not used; return the id that it gets."""
        values = asdict(change)
        del values["id"]
        with self._engine.begin() as connection:
            key = connection.execute(insert(changes).values(**values)).inserted_primary_key
        assert key, "a change gets an id"
        return int(key[0])

    def amend_change(self, change_id: int, words: str) -> None:
        """Replace the words of a change."""
        with self._engine.begin() as connection:
            connection.execute(update(changes).where(changes.c.id == change_id).values(words=words))

    def changes(self, product: str | None = None, limit: int = 100) -> list[Change]:
        """Return changes and alarms, the newest first."""
        query = select(changes).order_by(changes.c.id.desc()).limit(limit)
        if product is not None:
            query = query.where(changes.c.product == product)
        with self._engine.connect() as connection:
            return [Change(**row) for row in connection.execute(query).mappings()]

    def operators(self) -> list[str]:
        """Return the names of all operators who inspected or answered."""
        query = select(records.c.operator).union(select(feedback.c.operator))
        with self._engine.connect() as connection:
            return sorted(str(name) for (name,) in connection.execute(query) if name)

    def seen_files(self, paths: Sequence[str]) -> dict[str, dict[str, int | None]]:
        """Return the stamps of inspected files of watched folders, each with its record's id."""
        found: dict[str, dict[str, int | None]] = {}
        with self._engine.connect() as connection:
            for start in range(0, len(paths), PAGE_SIZE // 2):
                query = select(seen).where(seen.c.path.in_(paths[start : start + PAGE_SIZE // 2]))
                for row in connection.execute(query):
                    found.setdefault(row.path, {})[row.stamp] = row.record
        return found

    def refuse_file(self, path: str, stamp: str, error: str | None) -> None:
        """Add a file of a watched folder that could not be inspected, with the reason."""
        with self._engine.begin() as connection:
            _insert_seen(connection, path, stamp, None, error)

    def mark_deleted(self, hashes: Iterable[str]) -> None:
        """Mark the records whose pictures were deleted."""
        statement = update(records).where(records.c.picture_sha256.in_(list(hashes)))
        with self._engine.begin() as connection:
            connection.execute(statement.values(kept=False))

    def fetch(self, query: Select[Any]) -> list[Any]:
        """Return the rows of a query."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())

    def close(self) -> None:
        """Close all connections to the database."""
        self._engine.dispose()


def _is_unanswered(product: str) -> ColumnElement[bool]:
    """Return the condition of a product's inbox: neither good nor answered."""
    suspicious = records.c.verdict.in_(("review", "defect", ERROR))
    return and_(records.c.product == product, suspicious, records.c.answer.is_(None))


def _insert_seen(
    connection: Connection, path: str, stamp: str, record: int | None, error: str | None
) -> None:
    """Insert a file of a watched folder."""
    values = {"path": path, "stamp": stamp, "record": record, "error": error}
    connection.execute(insert(seen).values(**values))
