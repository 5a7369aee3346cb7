"""Parts in the database: begun when they are accepted, finished with their views' records.

So are triggers of a camera that is of no part; their rows end with their records.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from goldensample.locales.language import mark
from goldensample.station.records.rows import ERROR, Filter, Record, column_values
from goldensample.station.records.tables import parts, records

MAX_ID = 2**31
PAGE_SIZE = 200
"""Parts that are fetched at a time."""
INTERRUPTED = mark("interrupted: the station stopped before the part was judged")
"""Note of a part that was under way when a station was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """One part, or one trigger of a picture; the fields are the columns of `tables.parts`.

    Args:
        id: 0 before it is begun.
        product: key of the part's file, or of the product that a trigger's picture shows.
        serial, job: as its sender gave them, or "".
        operator: who sent it, or "".
        source: where it came from: "api", "folder" or "camera".
        time: seconds since 1970 in UTC.
        milliseconds: until it was stored; None while it is under way.
        verdict: "good", "defect" or ERROR; None while it is under way.
        p_value: of the part; None of an error.
        view: the one that looks oddest; "" of an error.
        note: what is wrong, or what the verdict does not rest on any more.
    """

    id: int = 0
    product: str
    serial: str
    job: str
    operator: str
    source: str = "api"
    time: float
    milliseconds: float | None = None
    verdict: str | None = None
    p_value: float | None = None
    view: str = ""
    note: str = ""


PART_COLUMNS = tuple(field.name for field in fields(PartRecord))


@dataclass(frozen=True, slots=True, kw_only=True)
class WholePart(Record):
    """A part as outputs get it: its own verdict, p-value and number, all else of its oddest view.

    Its number is that of the last of its views' records. `views` are those records.
    """

    views: tuple[Record, ...]


def whole_part(part: PartRecord, records: Sequence[Record]) -> WholePart:
    """Return a part that was answered as outputs get it, from its views' records.

    An error has no oddest view: the first that is an error stands in its place, without a score.
    """
    oddest = next((one for one in records if one.view == part.view), None)
    oddest = oddest or next((one for one in records if one.verdict == ERROR), records[0])
    values = column_values(oddest) | {
        "id": max(record.id for record in records),
        "product": part.product,
        "verdict": part.verdict,
        "p_value": part.p_value,
        "note": part.note,
        "milliseconds": part.milliseconds or oddest.milliseconds,
    }
    return WholePart(**values, views=tuple(records))


class Parts:
    """Repository of parts; every call is a transaction of its own, but `finish`.

    Args:
        engine: of a database with the tables of this version; see `migration.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, part: PartRecord) -> PartRecord:
        """Store a part, or a trigger, that is accepted; return it with its id."""
        values = asdict(part)
        del values["id"]
        with self._engine.begin() as connection:
            key = connection.execute(insert(parts).values(**values)).inserted_primary_key
            assert key, "a part gets an id"
        return PartRecord(**{**values, "id": int(key[0])})

    def finish(self, connection: Connection, part: PartRecord) -> None:
        """Store what became of a part, in the transaction that stores its views' records."""
        connection.execute(update(parts).where(parts.c.id == part.id).values(**asdict(part)))

    def end_triggers(self, connection: Connection, numbers: Sequence[int]) -> None:
        """Delete triggers, in the transaction that stores the records that answer them."""
        if numbers:
            connection.execute(delete(parts).where(parts.c.id.in_(numbers)))

    def fail(self, part: PartRecord) -> None:
        """Store what became of a part of which no record is kept."""
        with self._engine.begin() as connection:
            self.finish(connection, part)

    def under_way(self) -> list[PartRecord]:
        """Return the parts and triggers that were begun and not finished, as they came."""
        query = select(parts).where(parts.c.verdict.is_(None)).order_by(parts.c.id)
        with self._engine.connect() as connection:
            return [PartRecord(**row) for row in connection.execute(query).mappings()]

    def forget(self, part: PartRecord) -> None:
        """Delete a part that was begun, and begins anew."""
        with self._engine.begin() as connection:
            connection.execute(delete(parts).where(parts.c.id == part.id))

    def answer(self, record: Record) -> Record:
        """Return what outputs get at a record: the whole part at the last record of its answer."""
        part = self.get(record.part) if record.part else None
        whole = part and self.whole(part)
        return whole if whole and whole.id == record.id else record

    def last(self, product: str) -> WholePart | None:
        """Return the last answer of a product's parts, or None before the first."""
        judged = parts.c.verdict.is_not(None)
        query = select(parts).where(parts.c.product == product, judged)
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(parts.c.id.desc()).limit(1)).mappings().first()
        return self.whole(PartRecord(**row)) if row else None

    def whole(self, part: PartRecord) -> WholePart | None:
        """Return a part as outputs got it, or None if no record of it is kept.

        A view that was late is stored once more after its part was answered; it is no answer.
        """
        answered = self.answered_views(part.id)
        return whole_part(part, answered) if answered else None

    def get(self, number: int) -> PartRecord | None:
        """Return a part, or None."""
        query = select(parts).where(parts.c.id == number)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return PartRecord(**row) if row else None

    def find(
        self, product: str, serial: str | None, job: str | None, limit: int
    ) -> list[PartRecord]:
        """Return the parts of a product, with that serial number and job, the newest first."""
        query = select(parts).where(parts.c.product == product)
        for column, value in ((parts.c.serial, serial), (parts.c.job, job)):
            query = query if value is None else query.where(column == value)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(parts.c.id.desc()).limit(limit)).mappings()
            return [PartRecord(**row) for row in rows]

    def count(self, product: str) -> dict[str, int]:
        """Return how many parts of a product there are of each verdict."""
        query = select(parts.c.verdict, func.count()).where(parts.c.product == product)
        query = query.where(parts.c.verdict.is_not(None)).group_by(parts.c.verdict)
        with self._engine.connect() as connection:
            return {verdict: int(number) for verdict, number in connection.execute(query).all()}

    def iterate(
        self, product: str, criteria: Filter
    ) -> Iterator[tuple[PartRecord, dict[str, Record]]]:
        """Give the parts of a product of which a record matches, the newest first.

        Each comes with the records by view that it was answered with; fetched in pages.
        """
        matching = select(records.c.part).where(criteria.clause(), records.c.part.is_not(None))
        query = select(parts).where(parts.c.product == product, parts.c.id.in_(matching))
        query = query.order_by(parts.c.id.desc()).limit(PAGE_SIZE)
        last = MAX_ID
        while True:
            with self._engine.connect() as connection:
                rows = connection.execute(query.where(parts.c.id < last)).mappings()
                page = [PartRecord(**row) for row in rows]
            if not page:
                return
            views = self._answered([part.id for part in page])
            for part in page:
                yield part, views.get(part.id, {})
            last = page[-1].id

    def views(self, number: int) -> list[Record]:
        """Return the records of a part's views, in the order in which they were stored."""
        query = select(records).where(records.c.part == number).order_by(records.c.id)
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]

    def answered_views(self, number: int) -> list[Record]:
        """Return the records of its views that a part was answered with."""
        return list(self._answered([number]).get(number, {}).values())

    def _answered(self, numbers: Sequence[int]) -> dict[int, dict[str, Record]]:
        """Return the records by view that parts were answered with: the first of each view."""
        query = select(records).where(records.c.part.in_(numbers)).order_by(records.c.id)
        found: dict[int, dict[str, Record]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                record = Record(**row)
                found.setdefault(record.part or 0, {}).setdefault(record.view or "", record)
        return found
