"""Parts in the database: begun when they are accepted, finished with their views' records."""

from dataclasses import asdict, dataclass, fields

from sqlalchemy import Connection, Engine, insert, select, update

from goldensample.station.records.rows import ERROR, Record
from goldensample.station.records.tables import parts, records

INTERRUPTED = "interrupted: the station stopped before the part was judged"
"""Note of a part that was under way when a station was killed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """One part; the fields are the columns of `tables.parts`.

    Args:
        id: 0 before it is begun.
        product: key of the part's file.
        serial, job: as its sender gave them, or "".
        operator: who sent it, or "".
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
    time: float
    milliseconds: float | None = None
    verdict: str | None = None
    p_value: float | None = None
    view: str = ""
    note: str = ""


PART_COLUMNS = tuple(field.name for field in fields(PartRecord))


class Parts:
    """Repository of parts; every call is a transaction of its own, but `finish`.

    Args:
        engine: of a database with the tables of this version; see `migration.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, part: PartRecord) -> PartRecord:
        """Store a part that is accepted and not judged yet; return it with its id."""
        values = asdict(part)
        del values["id"]
        with self._engine.begin() as connection:
            key = connection.execute(insert(parts).values(**values)).inserted_primary_key
            assert key, "a part gets an id"
        return PartRecord(**{**values, "id": int(key[0])})

    def finish(self, connection: Connection, part: PartRecord) -> None:
        """Store what became of a part, in the transaction that stores its views' records."""
        connection.execute(update(parts).where(parts.c.id == part.id).values(**asdict(part)))

    def fail(self, part: PartRecord) -> None:
        """Store what became of a part of which no record is kept."""
        with self._engine.begin() as connection:
            self.finish(connection, part)

    def interrupt(self) -> int:
        """Answer the parts that were under way when the last run ended; return how many."""
        changed = update(parts).where(parts.c.verdict.is_(None))
        with self._engine.begin() as connection:
            return connection.execute(changed.values(verdict=ERROR, note=INTERRUPTED)).rowcount

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

    def views(self, number: int) -> list[Record]:
        """Return the records of a part's views, in the order in which they were stored."""
        query = select(records).where(records.c.part == number).order_by(records.c.id)
        with self._engine.connect() as connection:
            return [Record(**row) for row in connection.execute(query).mappings()]
