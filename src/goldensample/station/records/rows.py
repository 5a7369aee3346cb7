"""Rows of the database as values: records, answers, changes; and a filter of records."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.sql import ColumnElement

from goldensample.station.records.tables import feedback, records

ANSWERS = ("good", "defect", "unsure")
ERROR = "error"
"""Verdict of a picture that could not be read: it has no score, and its `note` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One inspected picture; the fields are the columns of `tables.records`.

    Times are seconds since 1970 in UTC. Before it is stored, `id` is 0. A picture that could not be
    read has the verdict ERROR, no score, and no height and width; `note` says why. `frame` is what
    a camera said of the picture, such as its number and exposure. `part` and `view` are of a part
    of several views; `serial` and `job` are as its sender gave them. `brightness`
    and `sharpness` are those of `drift.picture.MEASURES`, of one picture in half a second.
    """

    id: int = 0
    product: str
    name: str
    source: str
    operator: str
    time: float
    milliseconds: float
    verdict: str | None
    score: float | None
    p_value: float | None
    limit_score: float | None
    limit_review: float | None
    limit_pixel: float | None
    regions: list[dict[str, Any]]
    note: str
    height: int
    width: int
    revision: int
    file_sha256: str
    picture_sha256: str
    picture_bytes: int
    heat_sha256: str | None
    frame: dict[str, Any] | None = None
    kept: bool = True
    answer: str | None = None
    answered_by: str | None = None
    part: int | None = None
    view: str | None = None
    serial: str | None = None
    job: str | None = None
    brightness: float | None = None
    sharpness: float | None = None


COLUMNS = tuple(field.name for field in fields(Record))


def column_values(record: Record) -> dict[str, Any]:
    """Return the column values of a record; its regions, which may be large, are not copied."""
    return {name: getattr(record, name) for name in COLUMNS}


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's label of a picture.

    Args:
        id: 0 before it is stored.
        record: id of the record.
        time: seconds since 1970 in UTC.
        operator: who answered, or "".
        answer: one of ANSWERS.
        revision: the product's, where it learned from it.
        undone: when it was taken back.
        proposed: whether an engineer has still to decide if it is learned.
    """

    id: int
    record: int
    time: float
    operator: str
    answer: str
    revision: int | None = None
    undone: float | None = None
    proposed: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a person marked a missed defect.

    Args:
        record: id of the record.
        time: seconds since 1970 in UTC.
        operator: who marked, or "".
        strokes: the fields of `masks.drawing.Shape`; without a kind, strokes of a brush.
    """

    record: int
    time: float
    operator: str
    strokes: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a product, or an alarm; `words` is its message."""

    id: int
    product: str
    time: float
    operator: str
    action: str
    revision: int | None
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Criteria of a query for records; None matches all.

    Args:
        verdict: one of the verdicts, or "none" for records without limits.
        answer: one of ANSWERS, or "none" for records without an answer.
        operator: name of who inspected or answered.
        since: seconds since 1970, inclusive.
        until: seconds since 1970, exclusive.
        before: only records with a smaller id.
        text: substring of the name or of the serial number.
    """

    product: str | None = None
    verdict: str | None = None
    answer: str | None = None
    operator: str | None = None
    since: float | None = None
    until: float | None = None
    before: int | None = None
    text: str | None = None

    def clause(self) -> ColumnElement[bool]:
        """Return the WHERE clause on `tables.records`."""
        conditions: list[ColumnElement[bool]] = [records.c.id > 0]
        for name in ("product", "verdict", "answer"):
            value, column = getattr(self, name), records.c[name]
            if value is not None:
                conditions.append(column.is_(None) if value == "none" else column == value)
        if self.operator is not None:
            labelled = select(feedback.c.record).where(feedback.c.operator == self.operator)
            conditions.append((records.c.operator == self.operator) | records.c.id.in_(labelled))
        if self.since is not None:
            conditions.append(records.c.time >= self.since)
        if self.until is not None:
            conditions.append(records.c.time < self.until)
        if self.before is not None:
            conditions.append(records.c.id < self.before)
        if self.text:
            has_text = records.c.name.contains(self.text, autoescape=True)
            conditions.append(has_text | records.c.serial.contains(self.text, autoescape=True))
        return and_(*conditions)


def iso(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
