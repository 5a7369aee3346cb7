"""The page Controllers: what they read now, and a test of each output."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from goldensample.station.line.controller_words import FIELDS, VIEW, VIEW_FIELDS, VIEW_WORDS
from goldensample.station.web.outputs_api import controller_values
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import station_of

router = APIRouter(include_in_schema=False)


@router.get("/controllers")
def controllers(request: Request) -> HTMLResponse:
    """Show what controllers read, and how the outputs are."""
    station = station_of(request)
    values = controller_values(station)
    values |= {
        "rows": _rows(values["blocks"]),
        "outputs": [asdict(output.state()) for output in station.outputs],
    }
    return page(request, "controllers.html", values)


def _rows(blocks: Sequence[dict[str, Any]]) -> list[tuple[int, str, list[Any]]]:
    """Return what words say: first word, name, and the value of each block, None where none is."""
    rows = [(word, name, [block[name] for block in blocks]) for name, (word, _) in FIELDS.items()]
    for index in range(max(len(block["each_view"]) for block in blocks)):
        views = [dict(enumerate(block["each_view"])).get(index, {}) for block in blocks]
        rows += [
            (VIEW + VIEW_WORDS * index + word, f"view {index + 1} {name}", values)
            for name, (word, _) in VIEW_FIELDS.items()
            for values in [[view.get(name) for view in views]]
        ]
    return rows
