"""The API of a station's outputs."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

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
