"""The API of cameras: have one take a picture."""

import asyncio
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse

from goldensample.station.line.deadline import LATE
from goldensample.station.line.triggers import Trigger, TriggerBusyError
from goldensample.station.records.parts import WholePart
from goldensample.station.records.rows import ERROR
from goldensample.station.web.answers import PartAnswer, RecordAnswer, gives
from goldensample.station.web.controller_answers import CameraAnswer
from goldensample.station.web.parts_api import answer_json
from goldensample.station.web.refusals import LATE_RESPONSE
from goldensample.station.web.requests import JobNumber, Serial, station_of

router = APIRouter(prefix="/api")


@router.get("/cameras", response_model=None, responses=gives(list[CameraAnswer]))
def cameras(request: Request) -> list[dict[str, Any]]:
    """List the cameras that take a picture when told to, and how often they were busy then."""
    counts = station_of(request).triggers.counts()
    return [{"camera": name, **asdict(count)} for name, count in counts.items()]


@router.post(
    "/cameras/{camera:path}/trigger",
    response_model=None,
    responses=gives(RecordAnswer | PartAnswer) | LATE_RESPONSE,
)
async def trigger(request: Request, camera: str, serial: Serial = "", job: JobNumber = "") -> Any:
    """Have a camera, or all of a part, take a picture; answer when the verdict is kept.

    `serial` and `job` are of the part before it, and come back with its verdict.

    409 where the picture before is not taken yet, with the count of such triggers. A picture that
    does not come, or is not whole, is kept as a record with the verdict "error", answered 503; a
    late verdict 504.
    """
    try:
        fire = station_of(request).triggers.fire
        future = await asyncio.to_thread(fire, camera, Trigger("http", serial, job))
    except LookupError as error:
        raise HTTPException(404, str(error.args[0])) from error
    except TriggerBusyError as error:
        return JSONResponse({"error": str(error), "busy": error.busy}, 409)
    record = await asyncio.wrap_future(future)
    views = record.views if isinstance(record, WholePart) else (record,)
    body = answer_json(station_of(request), record)
    if record.verdict == ERROR:
        status = 504 if any(one.note.startswith(LATE) for one in views) else 503
        return JSONResponse({**body, "error": record.note}, status)
    return body
