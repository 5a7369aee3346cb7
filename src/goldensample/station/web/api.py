"""The API for machines, and for the pages' own scripts."""

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse

from goldensample.errors import ImageError
from goldensample.images.codec import encode_jpeg, read_for_view, shrink
from goldensample.images.grey_range import GreyRange
from goldensample.station.inputs.uploads import decode_limiter, receive_picture
from goldensample.station.line.deadline import LATE
from goldensample.station.line.jobs import Job
from goldensample.station.records import heat_files
from goldensample.station.records.rows import ERROR, iso
from goldensample.station.web.answers import (
    ChangeList,
    ProductAnswer,
    RecordAnswer,
    RecordList,
    RecordWithLabels,
    gives,
)
from goldensample.station.web.record_view import shown_from
from goldensample.station.web.refusals import (
    GONE_RESPONSE,
    LATE_RESPONSE,
    SLOW_RESPONSE,
    to_reader,
    without_paths,
)
from goldensample.station.web.requests import (
    TEXT_PATTERN,
    JobNumber,
    RecordId,
    RecordQuery,
    Serial,
    csv_lines,
    intake_of,
    label_json,
    person_of,
    product_json,
    product_of,
    record_json,
    record_of,
    station_of,
)

router = APIRouter(prefix="/api")
LONGEST_PX = 1600
IMMUTABLE = {"cache-control": "private, max-age=86400, immutable"}
"""Cache headers: the picture and heat map of a record never change."""
PICTURE = {"type": "string", "format": "binary"}


def _binary(kind: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entry of an answer that is a file of a media type."""
    return {200: {"content": {kind: {"schema": PICTURE}}}}


JPEG_RESPONSE, PNG_RESPONSE = _binary("image/jpeg"), _binary("image/png")
ORIGINAL_RESPONSE, CSV_RESPONSE = _binary("application/octet-stream"), _binary("text/csv")
PICTURE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": PICTURE},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": PICTURE}, "required": ["file"]}
            },
        },
    }
}


@router.get("/products", response_model=None, responses=gives(list[ProductAnswer]))
def products(request: Request) -> list[dict[str, Any]]:
    """List the products."""
    products = list(intake_of(request).products)
    for product in products:
        product.refresh()
    return [product_json(product) for product in products]


@router.post(
    "/inspect/{product}",
    response_model=None,
    openapi_extra=PICTURE_BODY,
    responses=gives(RecordAnswer) | SLOW_RESPONSE | LATE_RESPONSE,
)
async def inspect(
    request: Request,
    product: str,
    name: Annotated[str, Query(max_length=255, pattern=TEXT_PATTERN)] = "",
    source: Literal["api", "page"] = "api",
    serial: Serial = "",
    job: JobNumber = "",
) -> Any:
    """Inspect the picture that is the body, or the file in a form; answer when it is kept.

    What cannot be read is kept as a record with the verdict "error"; it is answered 422, 413 or
    408, with the record and the reason; 504 where --deadline has passed. 429 with Retry-After
    where too many wait already.
    """
    intake, person = intake_of(request), person_of(request)
    target = product_of(intake, product)
    with intake.line.reserve() as submit:
        upload = await receive_picture(intake, request, name)
        error = without_paths(upload.error, intake)
        try:
            accepted = Job(target, upload.file, name or "picture", source, person.name, error=error)
            future = submit(replace(accepted, serial=serial, reference=job))
        except BaseException:
            intake.archive.discard(upload.file)
            raise
    record = await asyncio.wrap_future(future)
    if record.verdict == ERROR:
        body = {
            **record_json(record),
            "error": to_reader(request, without_paths(record.note, intake)),
        }
        return JSONResponse(body, 504 if record.note.startswith(LATE) else upload.status)
    return record_json(record)


@router.get("/records", response_model=None, responses=gives(RecordList))
def records(request: Request, query: Annotated[RecordQuery, Query()]) -> dict[str, Any]:
    """List records, the newest first; ask for older ones with `before`."""
    station = station_of(request)
    records = station.ledger.find(query.filter(station.settings.shifts), query.limit)
    return {"records": [record_json(record) for record in records]}


@router.get("/records.csv", response_class=StreamingResponse, responses=CSV_RESPONSE)
def records_csv(request: Request, query: Annotated[RecordQuery, Query()]) -> StreamingResponse:
    """Give all records asked for as a table, the newest first."""
    station = station_of(request)
    lines = csv_lines(station.ledger.iterate(query.filter(station.settings.shifts)))
    headers = {"content-disposition": 'attachment; filename="records.csv"'}
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/records/{number}", response_model=None, responses=gives(RecordWithLabels))
def record(request: Request, number: RecordId) -> dict[str, Any]:
    """Give one record, with what people said of it."""
    station = station_of(request)
    record = record_of(station, number)
    answers = [label_json(answer) for answer in station.ledger.labels.of(number)]
    return {**record_json(record), "answers": answers}


@router.get(
    "/records/{number}/picture", response_class=Response, responses=JPEG_RESPONSE | GONE_RESPONSE
)
async def picture(
    request: Request,
    number: RecordId,
    longest: Annotated[int, Query(ge=16, le=LONGEST_PX)] = LONGEST_PX,
) -> Response:
    """Give the picture, made anew as a JPEG, its longest side of at most so many pixels."""
    station = station_of(request)
    record = await to_thread.run_sync(record_of, station, number)
    product = station.products.get(record.product)
    grey_range = product.state.inspector.preparation.grey_range if product else None
    path = station.archive.path(record.picture_sha256)
    data = await to_thread.run_sync(_jpeg, path, grey_range, longest, limiter=decode_limiter)
    return Response(data, media_type="image/jpeg", headers=IMMUTABLE)


def _jpeg(path: Path, grey_range: GreyRange | None, longest_px: int) -> bytes:
    """Return a stored picture as a JPEG for a page."""
    try:
        return encode_jpeg(shrink(read_for_view(path, grey_range), longest_px), 90)
    except ImageError:
        if path.exists():
            raise
        raise HTTPException(410, "the picture must be on disk still; its time is over") from None


@router.get(
    "/records/{number}/original",
    response_class=FileResponse,
    responses=ORIGINAL_RESPONSE | GONE_RESPONSE,
)
def original(request: Request, number: RecordId) -> FileResponse:
    """Give the picture's file as it came, to be saved."""
    station = station_of(request)
    record = record_of(station, number)
    path = station.archive.path(record.picture_sha256)
    if not path.exists():
        raise HTTPException(410, "the picture must be on disk still; its time is over")
    headers = IMMUTABLE | {"content-type": "application/octet-stream"}
    return FileResponse(path, headers=headers, filename=record.name)


@router.get("/records/{number}/heat", response_class=Response, responses=PNG_RESPONSE)
def heat_map(request: Request, number: RecordId) -> Response:
    """Give the heat map as a PNG to lay over the picture."""
    station = station_of(request)
    record = record_of(station, number)
    try:
        data = station.archive.path(record.heat_sha256 or "").read_bytes()
    except (ValueError, FileNotFoundError):
        message = "a heat map must have been kept; this record has none"
        raise HTTPException(404, message) from None
    heat = heat_files.from_bytes(data)
    png = heat_files.overlay(heat, record.limit_pixel, shown_from(record, heat))
    return Response(png, media_type="image/png", headers=IMMUTABLE)


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> StreamingResponse:
    """Send news as they happen (server-sent events): record, answer, change, fit."""
    return StreamingResponse(station_of(request).events.listen(), media_type="text/event-stream")


@router.get("/changes", response_model=None, responses=gives(ChangeList))
def changes(request: Request) -> dict[str, Any]:
    """List the last changes of products, and what went wrong at inputs and outputs."""
    changes = station_of(request).ledger.changes()
    return {"changes": [{**asdict(change), "time": iso(change.time)} for change in changes]}
