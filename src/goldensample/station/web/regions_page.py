"""The page on which regions, zones and the reference of a product are drawn."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from goldensample.images.codec import read_shape
from goldensample.locales.language import gettext
from goldensample.station.setup.regions import read_regions
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import Engineer, station_of
from goldensample.station.web.setup_api import DraftId, draft_of

router = APIRouter(include_in_schema=False)


@router.get("/setup/{draft}/regions")
def draw_on_draft(
    request: Request,
    person: Engineer,
    draft: DraftId,
    picture: Annotated[int | None, Query(ge=0, le=10**6)] = None,
) -> HTMLResponse:
    """Show a picture of a draft to draw on."""
    target = draft_of(station_of(request), draft)
    regions = read_regions(target.folder)
    number = picture if picture is not None else regions.picture if regions else 0
    if number >= len(target.pictures):
        raise HTTPException(404, "a picture must be one of the draft's; this one is not")
    size_hw = read_shape(target.pictures[number].path)
    empty: dict[str, Any] = {"size_hw": size_hw, "look_at": [], "ignore": [], "zones": []}
    values = {
        "title": target.metadata.name or gettext("a new product"),
        "address": f"/api/drafts/{draft}/regions",
        "back": f"/setup/{draft}",
        "picture": number,
        "name": target.pictures[number].name,
        "url": f"/api/drafts/{draft}/pictures/{number}?longest=1600",
        "size_hw": size_hw,
        "pictures": [(k, one.name) for k, one in enumerate(target.pictures)],
        "drawn": asdict(regions) if regions else {**empty, "degrees": None},
        "words": gettext("It counts from the next learning on."),
    }
    return page(request, "regions.html", {"target": values})
