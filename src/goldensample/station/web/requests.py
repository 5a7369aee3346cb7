"""Request models and dependencies, and records and products as JSON and CSV."""

import csv
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import time as clock
from typing import Annotated, Any, Literal

from fastapi import Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.line.intake import Intake
from goldensample.station.products.good_pictures import composition_is_silent
from goldensample.station.products.products import Product
from goldensample.station.records.rows import COLUMNS, Answer, Filter, Record, column_values, iso
from goldensample.station.shifts import Period, begin_of
from goldensample.station.station import Station
from goldensample.station.web.access import Person
from goldensample.storage.verdict_sheet import escape_formula

MAX_ID = 2**31 - 1
"""The largest id of a row, in every database."""
RecordId = Annotated[int, Path(ge=1, le=MAX_ID)]
TEXT_PATTERN = r"^[^\x00]*$"
"""Text that PostgreSQL can store."""
Serial = Annotated[str, Query(max_length=255, pattern=TEXT_PATTERN)]
"""Serial number of a part."""
JobNumber = Annotated[str, Query(max_length=64, pattern=TEXT_PATTERN)]
"""A sender's own number of a job, which comes back with the verdict."""
ShortText = Annotated[str, Field(max_length=64, pattern=TEXT_PATTERN)]
Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]


class RecordQuery(BaseModel):
    """The filter of a request for records."""

    model_config = ConfigDict(extra="forbid")
    product: ShortText | None = None
    verdict: Literal["good", "review", "defect", "error", "none"] | None = None
    answer: Literal["good", "defect", "unsure", "none"] | None = None
    operator: ShortText | None = None
    since: Seconds | None = None
    until: Seconds | None = None
    before: Annotated[int, Field(ge=1, le=MAX_ID)] | None = None
    text: ShortText | None = None
    period: Period | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100

    def filter(self, shifts: Sequence[clock]) -> Filter:
        """Return the filter for the ledger; `period` is of the station's local zone.

        Raises:
            ValueError: this shift is asked for, and no shifts are known.
        """
        criteria = Filter(**self.model_dump(exclude={"limit", "period"}))
        if self.period is None:
            return criteria
        begun = begin_of(self.period, shifts, time.time())
        return replace(criteria, since=max(begun, criteria.since or 0.0))


def station_of(request: Request) -> Station:
    """Return the station of the application."""
    station: Station = request.app.state.station
    return station


def intake_of(request: Request) -> Intake:
    """Return the intake of the application: the station, or a replica."""
    intake: Intake = request.app.state.station
    return intake


def person_of(request: Request) -> Person:
    """Return the person who sent the request."""
    person: Person = request.scope["person"]
    return person


def require_engineer(request: Request) -> Person:
    """Return the person who sent the request; refuse one who may not change products."""
    person = person_of(request)
    if not person.engineer:
        raise HTTPException(403, "a change of a product must be an engineer's; log in as one")
    return person


Engineer = Annotated[Person, Depends(require_engineer)]
"""Who sent a request that is for engineers alone: others are refused before its values are read."""


def product_of(intake: Intake, key: str) -> Product:
    """Return a product, or respond 404."""
    product = intake.products.get(key)
    if product is None:
        raise HTTPException(404, "a product must be one of the station's; see /api/products")
    return product


def selected_product(station: Station, key: str | None) -> Product | None:
    """Return the product that a request names, else the first not retired; None without any.

    Raises:
        HTTPException: there is none of that name.
    """
    if key:
        return product_of(station, key)
    titles = station.ledger.titles.all()
    shown = (
        one for one in station.products if one.key not in titles or not titles[one.key].retired
    )
    return next(shown, None)


def current_product(station: Station, key: str) -> Product:
    """Return a product, or respond 404; its file is read again where it has changed."""
    product = product_of(station, key)
    product.refresh()
    return product


def record_of(station: Station, number: int) -> Record:
    """Return a record, or respond 404."""
    record = station.ledger.get(number)
    if record is None:
        raise HTTPException(404, f"a record must be there; number {number} is not")
    return record


def record_json(record: Record) -> dict[str, Any]:
    """Return a record for machines; the time in UTC as ISO 8601."""
    return {**column_values(record), "time": iso(record.time)}


def label_json(answer: Answer) -> dict[str, Any]:
    """Return what a person said for machines; times in UTC as ISO 8601."""
    undone = None if answer.undone is None else iso(answer.undone)
    return {**asdict(answer), "time": iso(answer.time), "undone": undone}


def product_json(product: Product) -> dict[str, Any]:
    """Return a product for machines."""
    state = product.state
    limits = state.inspector.threshold
    return {
        "product": product.key,
        "revision": state.revision,
        "sha256": state.sha256,
        "method": state.inspector.method_name,
        "threshold": asdict(limits) if limits else None,
        "pictures": len(state.inspector.pictures),
        "composition_silent": composition_is_silent(state.inspector),
    }


def csv_lines(records: Iterable[Record]) -> Iterator[str]:
    """Return records as CSV lines; cells that a spreadsheet would run as a formula are quoted."""
    names = [name for name in COLUMNS if name not in ("regions", "frame")]
    yield table_line([*names, "regions"])
    for record in records:
        values = {**record_json(record), "regions": len(record.regions)}
        yield table_line([escape_formula(values[name]) for name in [*names, "regions"]])


def table_line(values: Sequence[Any]) -> str:
    """Return a line of a CSV table."""
    csv.writer(file := io.StringIO(), lineterminator="\n").writerow(values)
    return file.getvalue()
