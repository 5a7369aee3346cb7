"""The table of parts: one row a part, with the columns of each view beside."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse

from goldensample.station.records.parts import PART_COLUMNS, PartRecord
from goldensample.station.records.rows import Record, iso
from goldensample.station.web.api import CSV_RESPONSE
from goldensample.station.web.parts_api import part_of
from goldensample.station.web.requests import RecordQuery, station_of
from goldensample.storage.verdict_sheet import escape_formula

router = APIRouter(prefix="/api/parts")
VIEW_COLUMNS = {
    "record": "id",
    "name": "name",
    "verdict": "verdict",
    "score": "score",
    "p_value": "p_value",
    "answer": "answer",
    "answered_by": "answered_by",
}
"""Columns of each view, after its name and "_", and the fields of its record."""


@router.get("/{part}/table.csv", response_class=StreamingResponse, responses=CSV_RESPONSE)
def parts_csv(
    request: Request, part: str, query: Annotated[RecordQuery, Query()]
) -> StreamingResponse:
    """Give the parts of which a record matches as CSV, one row each, the newest first."""
    station = station_of(request)
    target = part_of(station, part)
    rows = station.ledger.parts.iterate(target.key, query.filter(station.settings.shifts))
    headers = {"content-disposition": f'attachment; filename="{target.key}.csv"'}
    lines = csv_lines(target.names, rows)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


def csv_lines(
    names: Sequence[str], rows: Iterable[tuple[PartRecord, Mapping[str, Record]]]
) -> Iterator[str]:
    """Return parts as CSV lines; cells that a spreadsheet would run as a formula are quoted.

    Args:
        names: of the views, in order.
        rows: each part, with the records of its views.
    """
    yield _line([*PART_COLUMNS, *(f"{name}_{column}" for name in names for column in VIEW_COLUMNS)])
    for part, views in rows:
        values: list[Any] = [getattr(part, column) for column in PART_COLUMNS]
        values[PART_COLUMNS.index("time")] = iso(part.time)
        for name in names:
            record = views.get(name)
            values += [record and getattr(record, field) for field in VIEW_COLUMNS.values()]
        yield _line([escape_formula(value) for value in values])


def _line(values: list[Any]) -> str:
    csv.writer(file := io.StringIO(), lineterminator="\n").writerow(values)
    return file.getvalue()
