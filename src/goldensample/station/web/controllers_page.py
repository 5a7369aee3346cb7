"""The page Controllers: what they read now, and a test of each output."""

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from goldensample.station.line.controller_image import FIELDS
from goldensample.station.web.outputs_api import controller_values
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import station_of

router = APIRouter(include_in_schema=False)


@router.get("/controllers")
def controllers(request: Request) -> HTMLResponse:
    """Show what controllers read, and how the outputs are."""
    station = station_of(request)
    values = {
        **controller_values(station),
        "places": {name: word for name, (word, _) in FIELDS.items()},
        "outputs": [asdict(output.state()) for output in station.outputs],
    }
    return page(request, "controllers.html", values)
