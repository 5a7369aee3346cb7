"""The API of what pages show besides records: counts, good pictures, all records as a file."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from goldensample.station.records.rows import Record
from goldensample.station.web.requests import RecordQuery, product_of, record_json, station_of

router = APIRouter(prefix="/api")


@router.get("/counts")
def counts(request: Request, query: Annotated[RecordQuery, Query()]) -> dict[str, int]:
    """Count the records asked for by verdict ("none" without limits), and what `waits` for an
    answer in the product's inbox, at whatever time it came.
    """
    station = station_of(request)
    ledger, criteria = station.ledger, query.filter(station.settings.shifts)
    counts = dict.fromkeys(("good", "review", "defect", "error", "none"), 0)
    unanswered = ledger.count_unanswered(query.product) if query.product else 0
    return {**counts, **ledger.count(criteria), "waits": unanswered}


@router.get("/products/{product}/good", response_class=Response)
def good_thumbnail(
    request: Request, product: str, name: Annotated[str, Query(max_length=4096)]
) -> Response:
    """Give the small JPEG that a product's file keeps of a good picture."""
    pictures = product_of(station_of(request), product).state.inspector.pictures
    picture = next((p for p in pictures if p.name == name and p.thumbnail), None)
    if picture is None:
        raise HTTPException(404, "a good picture must be one that the file keeps; it has none such")
    return Response(picture.thumbnail, media_type="image/jpeg")


@router.get("/records.json", response_class=StreamingResponse)
def records_json(request: Request, query: Annotated[RecordQuery, Query()]) -> StreamingResponse:
    """Give all records asked for as one JSON file, the newest first."""
    station = station_of(request)
    parts = _json_list(station.ledger.iterate(query.filter(station.settings.shifts)))
    headers = {"content-disposition": 'attachment; filename="records.json"'}
    return StreamingResponse(parts, media_type="application/json", headers=headers)


def _json_list(records: Iterable[Record]) -> Iterator[str]:
    """Serialize records as a JSON list, one a line."""
    separator = "[\n"
    for record in records:
        yield separator + json.dumps(record_json(record), allow_nan=False)
        separator = ",\n"
    yield "\n]\n" if separator == ",\n" else "[]\n"
