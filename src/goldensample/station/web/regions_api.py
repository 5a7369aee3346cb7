"""The API of what is drawn on a draft's picture: where to look, zones, what to align to."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.images.codec import read_shape
from goldensample.preparation.template import DEGREES, FULL
from goldensample.preparation.zones import MAX_LIMIT, MAX_NAME_LENGTH, MIN_LIMIT
from goldensample.station.setup.drafts import Draft
from goldensample.station.setup.regions import DrawnZone, Regions, read_regions, save_regions
from goldensample.station.web.answers import Strict, gives
from goldensample.station.web.drawn import Shapes
from goldensample.station.web.requests import (
    TEXT_PATTERN,
    person_of,
    require_engineer,
    station_of,
)
from goldensample.station.web.setup_api import DraftId, check_open, draft_of, regions_json

router = APIRouter(prefix="/api/drafts", dependencies=[Depends(require_engineer)])
MAX_ZONES = 20


class ZoneRequest(BaseModel):
    """A zone: how many times the limit elsewhere a defect must exceed there, and its shapes."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME_LENGTH, pattern=TEXT_PATTERN)]
    limit: Annotated[float, Field(ge=MIN_LIMIT, le=MAX_LIMIT, allow_inf_nan=False)]
    shapes: Annotated[Shapes, Field(min_length=1)]


class RegionsRequest(BaseModel):
    """What is drawn on one of a draft's pictures, in its pixels; `degrees` aligns all to it."""

    model_config = ConfigDict(extra="forbid")
    picture: Annotated[int, Field(ge=0, le=10**6)]
    look_at: Shapes = []
    ignore: Shapes = []
    zones: Annotated[list[ZoneRequest], Field(max_length=MAX_ZONES)] = []
    degrees: Annotated[int, Field(ge=DEGREES, le=FULL)] | None = None


class RegionsAnswer(Strict):
    """What is drawn, who drew it and when (UTC, ISO 8601), and the share that is looked at."""

    picture: int
    size_hw: tuple[int, int]
    look_at: list[dict[str, Any]]
    ignore: list[dict[str, Any]]
    zones: list[DrawnZone]
    degrees: int | None
    by: str
    time: str
    looked_at: float


@router.get("/{draft}/regions", response_model=None, responses=gives(RegionsAnswer))
def get_regions(request: Request, draft: DraftId) -> dict[str, Any]:
    """Tell what is drawn on a draft's picture, by whom and when."""
    return regions_json(_regions_of(draft_of(station_of(request), draft)))


@router.get("/{draft}/regions.zip", response_class=Response)
def get_region_files(request: Request, draft: DraftId) -> Response:
    """Give what is drawn as the files of `golden fit --look-at`, `--ignore` and `--zones`."""
    data = _regions_of(draft_of(station_of(request), draft)).zipped()
    return Response(data, media_type="application/zip")


@router.put("/{draft}/regions", response_model=None, responses=gives(RegionsAnswer))
def put_regions(request: Request, draft: DraftId, body: RegionsRequest) -> dict[str, Any]:
    """Keep what is drawn, in place of what was; a draft that has learned must learn anew."""
    target = draft_of(station_of(request), draft)
    check_open(target)
    if body.picture >= len(target.pictures):
        raise HTTPException(404, "a picture must be one of the draft's; this one is not")
    drawn = body.model_dump()
    zones = [DrawnZone(**zone) for zone in drawn.pop("zones")]
    size_hw = read_shape(target.pictures[body.picture].path)
    name, now = person_of(request).name, time.time()
    regions = Regions(**drawn, zones=zones, size_hw=size_hw, by=name, time=now)
    save_regions(target.folder, regions)
    if target.metadata.stage == "ready":
        target.change(stage="open")
    return regions_json(read_regions(target.folder) or regions)


def _regions_of(draft: Draft) -> Regions:
    """Return what is drawn on a draft's picture, or respond 404."""
    regions = read_regions(draft.folder)
    if regions is None:
        raise HTTPException(404, "regions must be drawn to be there; of this draft none are")
    return regions
