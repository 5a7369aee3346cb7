"""What comes in with a request, checked, and what goes out, in plain words."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.line.intake import Intake
from goldensample.station.products.products import Product
from goldensample.station.records.rows import COLUMNS, Filter, Record, iso, values_of
from goldensample.station.station import Station
from goldensample.station.web.access import Person

LAST_ID = 2**31 - 1
"""The largest id of a row, in every database."""
Identity = Annotated[int, Path(ge=1, le=LAST_ID)]
TEXT = r"^[^\x00]*$"
"""What PostgreSQL can keep as text."""
Words = Annotated[str, Field(max_length=64, pattern=TEXT)]
Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class Asked(BaseModel):
    """Which records a request asks for."""

    model_config = ConfigDict(extra="forbid")
    product: Words | None = None
    verdict: Literal["good", "review", "defect", "none"] | None = None
    answer: Literal["good", "defect", "unsure", "none"] | None = None
    operator: Words | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    before: Annotated[int, Field(ge=1, le=LAST_ID)] | None = None
    text: Words | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100

    def filter(self) -> Filter:
        """Return what the ledger is asked for."""
        return Filter(**self.model_dump(exclude={"limit"}))


class Said(BaseModel):
    """What a person says of a record."""

    model_config = ConfigDict(extra="forbid")
    record: Annotated[int, Field(ge=1, le=LAST_ID)]
    answer: Literal["good", "defect", "unsure"]


def station_of(request: Request) -> Station:
    """Return the station that answers."""
    station: Station = request.app.state.station
    return station


def intake_of(request: Request) -> Intake:
    """Return what takes the picture in: the station, or a replica."""
    intake: Intake = request.app.state.station
    return intake


def person_of(request: Request) -> Person:
    """Return who asks."""
    person: Person = request.scope["person"]
    return person


def engineer_of(request: Request) -> Person:
    """Return who asks, or refuse who may not change products."""
    person = person_of(request)
    if not person.engineer:
        raise HTTPException(403, "a change of a product must be an engineer's; log in as one")
    return person


def product_of(intake: Intake, key: str) -> Product:
    """Return a product, or refuse."""
    product = intake.products.get(key)
    if product is None:
        raise HTTPException(404, "a product must be one of the station's; see /api/products")
    return product


def fresh_of(station: Station, key: str) -> Product:
    """Return a product as its file is now, or refuse; reads it anew where it was changed."""
    product = product_of(station, key)
    product.fresh()
    return product


def record_of(station: Station, number: int) -> Record:
    """Return a record, or refuse."""
    found = station.ledger.one(number)
    if found is None:
        raise HTTPException(404, f"a record must be there; number {number} is not")
    return found


def record_json(record: Record) -> dict[str, Any]:
    """Return a record for machines; the time in UTC as ISO 8601."""
    return {**values_of(record), "time": iso(record.time)}


def product_json(product: Product) -> dict[str, Any]:
    """Return what machines need to know of a product."""
    state = product.state
    limits = state.inspector.threshold
    return {
        "product": product.key,
        "revision": state.revision,
        "sha256": state.sha256,
        "method": state.inspector.method_name,
        "threshold": asdict(limits) if limits else None,
        "pictures": len(state.inspector.pictures),
    }


def csv_lines(some: Iterable[Record]) -> Iterator[str]:
    """Return records as the lines of a table; cells that a spreadsheet would run are quoted."""
    names = [name for name in COLUMNS if name != "regions"]
    yield _line([*names, "regions"])
    for record in some:
        values = {**record_json(record), "regions": len(record.regions)}
        yield _line([_tame(values[name]) for name in [*names, "regions"]])


def _tame(value: Any) -> Any:
    """Keep text from being taken for a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _line(values: list[Any]) -> str:
    csv.writer(file := io.StringIO(), lineterminator="\n").writerow(values)
    return file.getvalue()
