"""The API of a station's outputs."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from goldensample.station.line.controller_words import read_fields
from goldensample.station.outputs.testing import send_test
from goldensample.station.station import Station
from goldensample.station.web.answers import gives
from goldensample.station.web.controller_answers import ControllerAnswer
from goldensample.station.web.requests import Engineer, station_of

router = APIRouter(prefix="/api")


@router.post("/outputs/{kind}/retry")
def retry_output(request: Request, person: Engineer, kind: str) -> dict[str, Any]:
    """Try again what a webhook or mqtt receiver refused; an engineer's."""
    station = station_of(request)
    count = station.retry_outputs(kind)
    if count is None:
        raise HTTPException(404, f"an output must be one of this station's; it has no {kind}")
    message = f"{kind}: has {count} refused verdicts tried again"
    station.log_change("", person.name, "output", None, message)
    return {"retried": count}


@router.post("/outputs/{kind}/test")
def test_output(request: Request, person: Engineer, kind: str) -> dict[str, Any]:
    """Send a test: an error with the number 0, which is no part's and not stored; an engineer's.

    Where it arrives is seen at the receiver; whether it was taken, in `connections` of the health.
    """
    station = station_of(request)
    if not (count := send_test(station, kind, person.name)):
        raise HTTPException(404, f"an output must be one of this station's; it has no {kind}")
    station.log_change("", person.name, "output", None, f"{kind}: sent a test")
    return {"tested": count}


@router.get("/controller", response_model=None, responses=gives(ControllerAnswer))
def controller(request: Request) -> dict[str, Any]:
    """Tell what controllers read now: signals, and the words of each block by their names."""
    return controller_values(station_of(request))


def controller_values(station: Station) -> dict[str, Any]:
    """Return what controllers read now, as JSON values."""
    keys = ["", *station.answered_keys]
    blocks = [{"product": key, **read_fields(station.image.words(key))} for key in keys]
    return {"signals": asdict(station.image.signals()), "blocks": blocks}
