"""What pages look at besides records: counts, good pictures, and all records as one file."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from goldensample.station.records.rows import Record
from goldensample.station.web.requests import Asked, product_of, record_json, station_of

router = APIRouter(prefix="/api")


@router.get("/counts")
def counts(request: Request, asked: Annotated[Asked, Query()]) -> dict[str, int]:
    """Count the records asked for by verdict ("none" without limits), and what `waits` for an
    answer in the product's inbox, at whatever time it came.
    """
    ledger = station_of(request).ledger
    found = dict.fromkeys(("good", "review", "defect", "none"), 0)
    waits = ledger.count_unanswered(asked.product) if asked.product else 0
    return {**found, **ledger.count(asked.filter()), "waits": waits}


@router.get("/products/{product}/good", response_class=Response)
def good(request: Request, product: str, name: Annotated[str, Query(max_length=4096)]) -> Response:
    """Give the small JPEG that a product's file keeps of a good picture."""
    pictures = product_of(station_of(request), product).state.inspector.pictures
    found = next((one for one in pictures if one.name == name and one.thumbnail), None)
    if found is None:
        raise HTTPException(404, "a good picture must be one that the file keeps; it has none such")
    return Response(found.thumbnail, media_type="image/jpeg")


@router.get("/records.json", response_class=StreamingResponse)
def records_json(request: Request, asked: Annotated[Asked, Query()]) -> StreamingResponse:
    """Give all records asked for as one JSON file, the newest first."""
    parts = _list(station_of(request).ledger.each(asked.filter()))
    name = {"content-disposition": 'attachment; filename="records.json"'}
    return StreamingResponse(parts, media_type="application/json", headers=name)


def _list(some: Iterable[Record]) -> Iterator[str]:
    """Write records as a JSON list, one a line."""
    start = "[\n"
    for one in some:
        yield start + json.dumps(record_json(one), allow_nan=False)
        start = ",\n"
    yield "\n]\n" if start == ",\n" else "[]\n"
