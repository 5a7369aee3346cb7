"""The API of parts: several views in one request, one verdict."""

import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from time import time
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import JSONResponse

from goldensample.station.inputs.uploads import Upload, receive_views
from goldensample.station.line.jobs import Job
from goldensample.station.line.line import Submit
from goldensample.station.line.part_job import PartJob, submit_part
from goldensample.station.products.parts import PartProduct
from goldensample.station.records.parts import PartRecord, WholePart
from goldensample.station.records.rows import ERROR, Record, iso
from goldensample.station.station import Station
from goldensample.station.web.answers import PartAnswer, PartList, gives
from goldensample.station.web.refusals import SLOW_RESPONSE, without_paths
from goldensample.station.web.requests import (
    JobNumber,
    RecordId,
    Serial,
    person_of,
    record_json,
    station_of,
)

router = APIRouter(prefix="/api/parts")
VIEWS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "additionalProperties": {"type": "string", "format": "binary"},
                }
            }
        },
    }
}


@router.post(
    "/{product}",
    response_model=None,
    openapi_extra=VIEWS_BODY,
    responses=gives(PartAnswer) | SLOW_RESPONSE,
)
async def inspect_part(
    request: Request, product: str, serial: Serial = "", job: JobNumber = ""
) -> Any:
    """Inspect a part: a form with a file for each view, named as the view; answer when it is kept.

    A part that lacks a view that it must have, or has one that cannot be read, gets the verdict
    "error"; it is answered 422 and kept all the same. 429 with Retry-After where too many wait.
    """
    station, person = station_of(request), person_of(request)
    target = part_of(station, product)
    begun = PartRecord(
        product=target.key, serial=serial, job=job, operator=person.name, time=time()
    )
    with ExitStack() as stack:
        submits = [stack.enter_context(station.line.reserve()) for _ in target.names]
        part = await to_thread.run_sync(station.ledger.parts.begin, begun)
        try:
            uploads = await receive_views(station, request, target.names)
            waiting = _submit(station, target, part, uploads, submits)
        except BaseException as error:
            reason = getattr(error, "detail", "") or str(error) or "its sender broke off"
            failed = PartJob(part, target, (), str(reason))
            station.part_store.begin(failed)
            finish = partial(station.part_store.finish_complete, failed)
            await asyncio.wrap_future(station.line.run_exclusive(finish))
            raise
    done, records = await asyncio.wrap_future(waiting.answer)
    body = part_json(station, done, records)
    return JSONResponse(body, 422 if done.verdict == ERROR else 200)


def _submit(
    station: Station,
    target: PartProduct,
    part: PartRecord,
    uploads: Mapping[str, Upload],
    submits: list[Submit],
) -> PartJob:
    """Have the views of a part inspected; return it as it waits for them."""
    waiting = PartJob(part, target, tuple(uploads))
    jobs = {
        view: Job(
            target.products[view],
            upload.file,
            f"{part.serial or part.id}_{view}",
            "api",
            part.operator,
            error=without_paths(upload.error, station),
            part=part.id,
            view=view,
            serial=part.serial,
            reference=part.job,
        )
        for view, upload in uploads.items()
    }
    submit_part(station.line, station.part_store, waiting, jobs, submits)
    return waiting


@router.get("/{product}", response_model=None, responses=gives(PartList))
def parts(
    request: Request,
    product: str,
    serial: Annotated[str | None, Query(max_length=255)] = None,
    job: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> dict[str, Any]:
    """List parts, the newest first, with that serial number or that job."""
    station = station_of(request)
    found = station.ledger.parts.find(part_of(station, product).key, serial, job, limit)
    return {"parts": [_summary(part) for part in found]}


@router.get("/{product}/{number}", response_model=None, responses=gives(PartAnswer))
def part(request: Request, product: str, number: RecordId) -> dict[str, Any]:
    """Give one part, with the records of its views."""
    station = station_of(request)
    found = station.ledger.parts.get(number)
    if found is None or found.product != part_of(station, product).key:
        raise HTTPException(404, f"a part must be there; number {number} is not")
    return part_json(station, found, station.ledger.parts.views(number))


def answer_json(station: Station, record: Record) -> dict[str, Any]:
    """Return a record for machines, or the part that is told as one."""
    if not isinstance(record, WholePart):
        return record_json(record)
    part = station.ledger.parts.get(record.part or 0)
    assert part, "it was stored before it was told"
    return part_json(station, part, list(record.views))


def part_json(station: Station, part: PartRecord, records: list[Record]) -> dict[str, Any]:
    """Return a part for machines, its views in their order."""
    by_view = {record.view or "": record for record in records}
    target = station.parts.get(part.product)
    names = target.names if target else tuple(by_view)
    views = {name: record_json(by_view[name]) for name in names if name in by_view}
    return {**_summary(part), "note": without_paths(part.note, station), "views": views}


def _summary(part: PartRecord) -> dict[str, Any]:
    """Return a part without its views; the time in UTC as ISO 8601."""
    return {**asdict(part), "time": iso(part.time)}


def part_of(station: Station, key: str) -> PartProduct:
    """Return a part in service, or respond 404."""
    part = station.parts.get(key)
    if part is None:
        names = ", ".join(one.key for one in station.parts) or "none"
        raise HTTPException(404, f"a part must be one of the station's ({names}); it is not")
    return part
