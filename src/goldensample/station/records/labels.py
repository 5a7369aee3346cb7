"""What people say of records: their answers, and where they marked a missed defect."""

from typing import Any

from sqlalchemy import Connection, Engine, and_, delete, func, insert, select, update
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.rows import ANSWERS, Answer, Mark, Record
from goldensample.station.records.tables import feedback, marks, records


class Labels:
    """Repository of answers and marks; every call is a transaction of its own.

    Args:
        engine: of a database with the tables of this version; see `migration.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, answer: Answer) -> Answer:
        """Add a person's answer to a record, and return it with its id; earlier ones are kept.

        Raises:
            ValueError: the answer is unknown.
        """
        if answer.answer not in ANSWERS:
            raise ValueError(
                f"an answer must be one of {', '.join(ANSWERS)}; got {answer.answer!r}"
            )
        values = _values(answer)
        with self._engine.begin() as connection:
            key = connection.execute(insert(feedback).values(**values)).inserted_primary_key
            assert key, "an answer gets an id"
            _set_latest(connection, answer.record)
        return Answer(**{**values, "id": int(key[0])})

    def of(self, record_id: int, limit: int = 100) -> list[Answer]:
        """Return the answers to a record, the newest first."""
        return self._answers(feedback.c.record == record_id, limit)

    def get(self, answer_id: int) -> Answer | None:
        """Return an answer, or None."""
        return next(iter(self._answers(feedback.c.id == answer_id, 1)), None)

    def undo(self, answer: Answer, time: float) -> None:
        """Undo an answer: the one before it holds again, if there is one."""
        with self._engine.begin() as connection:
            changed = update(feedback).where(feedback.c.id == answer.id)
            connection.execute(changed.values(undone=time, proposed=False))
            _set_latest(connection, answer.record)

    def settle(self, answer: Answer, revision: int | None, proposed: bool = False) -> None:
        """Store what became of an answer: learned in a revision, or not, or to be decided."""
        changed = update(feedback).where(feedback.c.id == answer.id)
        with self._engine.begin() as connection:
            connection.execute(changed.values(revision=revision, proposed=proposed))

    def proposals(self, product: str, limit: int) -> list[tuple[Record, Answer]]:
        """Return the records of a product that somebody proposes to learn, the oldest first."""
        query = select(feedback).join(records, records.c.id == feedback.c.record)
        query = query.where(_is_proposal(product)).order_by(feedback.c.id).limit(limit)
        with self._engine.connect() as connection:
            answers = [Answer(**row) for row in connection.execute(query).mappings()]
            numbers = [answer.record for answer in answers]
            rows = connection.execute(select(records).where(records.c.id.in_(numbers))).mappings()
            found = {record.id: record for record in (Record(**row) for row in rows)}
        return [(found[answer.record], answer) for answer in answers]

    def count_proposals(self, product: str) -> int:
        """Return how many proposals an engineer has still to decide on."""
        query = select(func.count()).select_from(feedback)
        query = query.join(records, records.c.id == feedback.c.record).where(_is_proposal(product))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def mark(self, mark: Mark) -> None:
        """Store where a missed defect is, in the place of an earlier mark."""
        values = {
            "record": mark.record,
            "time": mark.time,
            "operator": mark.operator,
            "strokes": mark.strokes,
        }
        with self._engine.begin() as connection:
            connection.execute(delete(marks).where(marks.c.record == mark.record))
            connection.execute(insert(marks).values(**values))

    def marks(self, record_ids: list[int]) -> dict[int, Mark]:
        """Return the marks of records, by the record's id."""
        query = select(marks).where(marks.c.record.in_(record_ids))
        with self._engine.connect() as connection:
            return {row["record"]: Mark(**row) for row in connection.execute(query).mappings()}

    def _answers(self, condition: ColumnElement[bool], limit: int) -> list[Answer]:
        query = select(feedback).where(condition).order_by(feedback.c.id.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [Answer(**row) for row in connection.execute(query).mappings()]


def _values(answer: Answer) -> dict[str, Any]:
    """Return the column values of an answer without its id."""
    names = [column.name for column in feedback.columns if column.name != "id"]
    return {name: getattr(answer, name) for name in names}


def _is_proposal(product: str) -> ColumnElement[bool]:
    """Return the condition of an answer that an engineer has to decide on."""
    return and_(feedback.c.proposed, feedback.c.undone.is_(None), records.c.product == product)


def _set_latest(connection: Connection, record_id: int) -> None:
    """Store at a record the latest answer that is not undone, and whose it is."""
    query = select(feedback.c.answer, feedback.c.operator).where(
        feedback.c.record == record_id, feedback.c.undone.is_(None)
    )
    row = connection.execute(query.order_by(feedback.c.id.desc()).limit(1)).first()
    answer, person = row or (None, None)
    changed = update(records).where(records.c.id == record_id)
    connection.execute(changed.values(answer=answer, answered_by=person))
