"""The API for machines, and for the pages' own scripts."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response, StreamingResponse

from goldensample.errors import ImageError
from goldensample.images.codec import encode_jpeg, read_image, shrink
from goldensample.station.feedback import keep_answer, take_back
from goldensample.station.inputs.uploads import check, decoding, receive
from goldensample.station.line.jobs import Job
from goldensample.station.records import heat_files
from goldensample.station.records.rows import iso
from goldensample.station.web.refusals import GONE, SLOW
from goldensample.station.web.requests import (
    TEXT,
    Asked,
    Identity,
    Said,
    csv_lines,
    intake_of,
    person_of,
    product_json,
    product_of,
    record_json,
    record_of,
    station_of,
)

router = APIRouter(prefix="/api")
LONGEST_PX = 1600
LASTING = {"cache-control": "private, max-age=86400, immutable"}
"""What is shown of a record never changes."""
SHOWN: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}
DRAWN: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}}}
PICTURE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/products")
def products(request: Request) -> list[dict[str, Any]]:
    """List the products."""
    known = list(intake_of(request).products)
    for product in known:
        product.fresh()
    return [product_json(product) for product in known]


@router.post("/inspect/{product}", openapi_extra=PICTURE, responses=SLOW)
async def inspect(
    request: Request,
    product: str,
    name: Annotated[str, Query(max_length=255, pattern=TEXT)] = "",
    source: Literal["api", "page"] = "api",
) -> dict[str, Any]:
    """Inspect the picture that is the body, PNG, JPEG, BMP, TIFF or WebP; answer when it is kept.

    429 with Retry-After where too many wait already.
    """
    intake, person = intake_of(request), person_of(request)
    asked = product_of(intake, product)
    with intake.line.place() as submit:
        coming = await receive(intake, request)
        try:
            await check(intake, coming, name)
            future = submit(Job(asked, coming, name or "picture", source, person.name))
        except BaseException:
            intake.archive.discard(coming)
            raise
    return record_json(await asyncio.wrap_future(future))


@router.get("/records")
def records(request: Request, asked: Annotated[Asked, Query()]) -> dict[str, Any]:
    """List records, the newest first; ask for older ones with `before`."""
    found = station_of(request).ledger.find(asked.filter(), asked.limit)
    return {"records": [record_json(one) for one in found]}


@router.get("/records.csv")
def records_csv(request: Request, asked: Annotated[Asked, Query()]) -> StreamingResponse:
    """Give all records asked for as a table, the newest first."""
    lines = csv_lines(station_of(request).ledger.each(asked.filter()))
    name = {"content-disposition": 'attachment; filename="records.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=name)


@router.get("/records/{number}")
def record(request: Request, number: Identity) -> dict[str, Any]:
    """Give one record, with what people said of it."""
    station = station_of(request)
    found = record_of(station, number)
    said = [asdict(one) for one in station.ledger.answers(number)]
    return {**record_json(found), "answers": said}


@router.get("/records/{number}/picture", response_class=Response, responses=SHOWN | GONE)
async def picture(
    request: Request,
    number: Identity,
    longest: Annotated[int, Query(ge=16, le=LONGEST_PX)] = LONGEST_PX,
) -> Response:
    """Give the picture, made anew as a JPEG, its longest side of at most so many pixels."""
    station = station_of(request)
    found = await to_thread.run_sync(record_of, station, number)
    product = station.products.get(found.product)
    white = product.state.inspector.preparation.white if product else None
    path = station.archive.path(found.picture_sha256)
    data = await to_thread.run_sync(_jpeg, path, white, longest, limiter=decoding)
    return Response(data, media_type="image/jpeg", headers=LASTING)


def _jpeg(path: Path, white: int | None, longest_px: int) -> bytes:
    """Return a kept picture as a page shows it."""
    try:
        return encode_jpeg(shrink(read_image(path, white), longest_px), 90)
    except ImageError:
        if path.exists():
            raise
        raise HTTPException(410, "the picture must be on disk still; its time is over") from None


@router.get("/records/{number}/heat", response_class=Response, responses=DRAWN)
def heat_map(request: Request, number: Identity) -> Response:
    """Give the heat map as a PNG to lay over the picture."""
    station = station_of(request)
    found = record_of(station, number)
    try:
        data = station.archive.path(found.heat_sha256 or "").read_bytes()
    except (ValueError, FileNotFoundError):
        words = "a heat map must have been kept; this record has none"
        raise HTTPException(404, words) from None
    drawn = heat_files.overlay(heat_files.from_bytes(data), found.limit_pixel)
    return Response(drawn, media_type="image/png", headers=LASTING)


@router.post("/feedback")
def feedback(request: Request, said: Said) -> dict[str, Any]:
    """Keep what a person says of a verdict; a false alarm is learned at once."""
    station = station_of(request)
    found = record_of(station, said.record)
    return asdict(keep_answer(station, found, said.answer, person_of(request).name))


@router.delete("/feedback/{number}")
def undo(request: Request, number: Identity) -> dict[str, Any]:
    """Take an answer back, and what was learned by it."""
    station = station_of(request)
    taken = station.ledger.one_answer(number)
    if taken is None or taken.undone is not None:
        raise HTTPException(404, "an answer to undo must be there; it is not, or is undone")
    take_back(station, taken, person_of(request).name)
    return {"undone": number}


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> StreamingResponse:
    """Send news as they happen (server-sent events): record, answer, change, fit."""
    return StreamingResponse(station_of(request).events.listen(), media_type="text/event-stream")


@router.get("/changes")
def changes(request: Request) -> dict[str, Any]:
    """List the last changes of products, and what went wrong at inputs and outputs."""
    found = station_of(request).ledger.changes()
    return {"changes": [{**asdict(one), "time": iso(one.time)} for one in found]}
