"""The station's records: what was inspected, what people said, what was changed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Connection, Engine, Select, and_, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.rows import ANSWERS, Answer, Change, Filter, Record, values_of
from goldensample.station.records.tables import changes, feedback, records, seen

PAGE = 1000


class Ledger:
    """Reads and writes records; every call is a transaction of its own.

    Args:
        engine: of a database with the tables of this version; see `migrating.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, some: Sequence[Record], of_files: Sequence[tuple[str, str]] = ()) -> list[Record]:
        """Store records in one transaction; return them with their ids.

        Args:
            some: in order.
            of_files: the (path, stamp) of each one's file in a watched folder, or nothing.
        """
        stored = []
        with self._engine.begin() as connection:
            for number, record in enumerate(some):
                values = values_of(record)
                del values["id"]
                result = connection.execute(insert(records).values(**values))
                key = result.inserted_primary_key
                assert key, "a record gets an id"
                stored.append(Record(**{**values, "id": int(key[0])}))
                if of_files and of_files[number][0]:
                    path, stamp = of_files[number]
                    _mark(connection, path, stamp, stored[-1].id, None)
        return stored

    def one(self, number: int) -> Record | None:
        """Return a record, or None."""
        found = self.find(Filter(), 1, records.c.id == number)
        return found[0] if found else None

    def find(
        self, asked: Filter, limit: int = 100, more: ColumnElement[bool] | None = None
    ) -> list[Record]:
        """Return records, the newest first."""
        clause = asked.clause() if more is None else and_(asked.clause(), more)
        query = select(records).where(clause).order_by(records.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def each(self, asked: Filter) -> Iterator[Record]:
        """Give all records asked for, the newest first, some at a time."""
        while some := self.find(asked, PAGE):
            yield from some
            asked = replace(asked, before=some[-1].id)

    def newest_files(self) -> set[str]:
        """Return the hashes of the files of the newest records."""
        newest = [one for one in self.find(Filter(), PAGE) if one.kept]
        found = {digest for one in newest for digest in (one.picture_sha256, one.heat_sha256)}
        return {digest for digest in found if digest}

    def count(self, asked: Filter) -> dict[str, int]:
        """Return how many records there are of each verdict ("none" without limits)."""
        query = select(records.c.verdict, func.count()).where(asked.clause())
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(records.c.verdict)).all()
        return {verdict or "none": int(number) for verdict, number in rows}

    def unanswered(self, product: str, odd_first: bool = False, limit: int = 100) -> list[Record]:
        """Return what waits for a person's answer: the oldest first, or the oddest."""
        # the sum keeps SQLite from walking all records in order, for the few of them that wait
        order = records.c.score.desc() if odd_first else records.c.id + 0
        query = select(records).where(_waits(product)).order_by(order, records.c.id).limit(limit)
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def count_unanswered(self, product: str) -> int:
        """Return how many pictures wait for a person's answer."""
        query = select(func.count()).select_from(records).where(_waits(product))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def scores(self, asked: Filter, limit: int) -> list[float]:
        """Return the scores of records, the newest first."""
        query = select(records.c.score).where(asked.clause())
        with self._engine.connect() as connection:
            found = connection.execute(query.order_by(records.c.id.desc()).limit(limit))
            return [float(score) for score in found.scalars()]

    def answer(
        self, number: int, answer: str, operator: str, time: float, revision: int | None
    ) -> Answer:
        """Keep what a person said of a record; what was said before stays known.

        Raises:
            ValueError: the answer is unknown.
        """
        if answer not in ANSWERS:
            raise ValueError(f"an answer must be one of {', '.join(ANSWERS)}; got {answer!r}")
        values = {"record": number, "time": time, "operator": operator, "answer": answer}
        with self._engine.begin() as connection:
            values |= {"revision": revision}
            result = connection.execute(insert(feedback).values(**values))
            key = result.inserted_primary_key
            assert key, "an answer gets an id"
            connection.execute(update(records).where(records.c.id == number).values(answer=answer))
        return Answer(int(key[0]), number, time, operator, answer, revision, None)

    def answers(self, number: int, limit: int = 100) -> list[Answer]:
        """Return what people said of a record, the newest first."""
        query = select(feedback).where(feedback.c.record == number)
        query = query.order_by(feedback.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [Answer(**row) for row in connection.execute(query).mappings()]

    def one_answer(self, number: int) -> Answer | None:
        """Return an answer, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(select(feedback).where(feedback.c.id == number)).mappings()
            return next((Answer(**one) for one in row), None)

    def undo(self, answer: Answer, time: float) -> None:
        """Take an answer back: the one before it holds again, if there is one."""
        with self._engine.begin() as connection:
            connection.execute(
                update(feedback).where(feedback.c.id == answer.id).values(undone=time)
            )
            query = select(feedback.c.answer).where(
                feedback.c.record == answer.record, feedback.c.undone.is_(None)
            )
            left = connection.execute(query.order_by(feedback.c.id.desc()).limit(1)).scalar()
            connection.execute(
                update(records).where(records.c.id == answer.record).values(answer=left)
            )

    def note(self, change: Change) -> None:
        """Keep a change of a product; its id is not used."""
        values = asdict(change)
        del values["id"]
        with self._engine.begin() as connection:
            connection.execute(insert(changes).values(**values))

    def changes(self, product: str | None = None, limit: int = 100) -> list[Change]:
        """Return changes and alarms, the newest first."""
        query = select(changes).order_by(changes.c.id.desc()).limit(limit)
        if product is not None:
            query = query.where(changes.c.product == product)
        with self._engine.connect() as connection:
            return [Change(**row) for row in connection.execute(query).mappings()]

    def operators(self) -> list[str]:
        """Return the names of all who inspected or answered."""
        query = select(records.c.operator).union(select(feedback.c.operator))
        with self._engine.connect() as connection:
            return sorted(str(name) for (name,) in connection.execute(query) if name)

    def known_file(self, path: str, stamp: str) -> bool:
        """Tell whether a file of a watched folder was judged already."""
        query = select(seen.c.path).where(seen.c.path == path, seen.c.stamp == stamp)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def refuse_file(self, path: str, stamp: str, error: str) -> None:
        """Keep why a file of a watched folder could not be judged."""
        with self._engine.begin() as connection:
            _mark(connection, path, stamp, None, error)

    def dropped(self, hashes: Iterable[str]) -> None:
        """Mark the records whose pictures went."""
        gone = update(records).where(records.c.picture_sha256.in_(list(hashes)))
        with self._engine.begin() as connection:
            connection.execute(gone.values(kept=False))

    def rows(self, query: Select[Any]) -> list[Any]:
        """Return the rows of a query that another room asks."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).all())

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _waits(product: str) -> ColumnElement[bool]:
    """Return the condition of a product's inbox: not called good, and nobody has answered."""
    odd = records.c.verdict.in_(("review", "defect"))
    return and_(records.c.product == product, odd, records.c.answer.is_(None))


def _mark(
    connection: Connection, path: str, stamp: str, record: int | None, error: str | None
) -> None:
    """Remember a file of a watched folder."""
    values = {"path": path, "stamp": stamp, "record": record, "error": error}
    connection.execute(insert(seen).values(**values))
