"""The API of regions drawn for a product in service: tried, kept as a revision, learned anew."""

import time
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import Field

from goldensample.station.rescope import Preview, keep, learn_anew, preview
from goldensample.station.setup.drawings import find_drawing, scope_of
from goldensample.station.setup.regions import DrawnZone, Regions
from goldensample.station.web.answers import ChangedProduct, Strict, gives
from goldensample.station.web.regions_api import RegionsAnswer, RegionsRequest
from goldensample.station.web.requests import (
    MAX_ID,
    Engineer,
    current_product,
    product_of,
    record_of,
    station_of,
)
from goldensample.station.web.setup_api import regions_json

router = APIRouter(prefix="/api/products")


class ProductRegionsRequest(RegionsRequest):
    """What is drawn on the picture of a record, and the revision that it is based on."""

    picture: Annotated[int, Field(ge=1, le=MAX_ID)]
    degrees: None = None
    revision: Annotated[int, Field(ge=0, le=2**31 - 1)]


class ProductRegions(Strict):
    """What a product looks at: the share of every picture, zones with their limits.

    `drawn` is what was drawn for it, by whom and when; None where files were given for it.
    """

    revision: int
    looked_at: float
    zones: dict[str, float]
    aligned: bool
    drawn: RegionsAnswer | None


@router.get("/{product}/regions", response_model=None, responses=gives(ProductRegions))
def product_regions(request: Request, product: str) -> dict[str, Any]:
    """Tell what a product looks at, and by which limits."""
    station = station_of(request)
    state = current_product(station, product).state
    scope, drawn = scope_of(state.inspector), find_drawing(station.settings.folder, state.inspector)
    return {
        "revision": state.revision,
        "looked_at": scope.view.share if scope.view else 1.0,
        "zones": {zone.name: zone.limit for zone in scope.zones},
        "aligned": state.inspector.preparation.reference is not None,
        "drawn": regions_json(drawn) if drawn else None,
    }


@router.post("/{product}/regions/preview", response_model=None, responses=gives(Preview))
def preview_regions(
    request: Request, person: Engineer, product: str, body: ProductRegionsRequest
) -> dict[str, Any]:
    """Tell what other regions would change; takes seconds; an engineer's. Nothing is changed."""
    station = station_of(request)
    drawn = _drawn(request, product, body, person.name)
    return asdict(preview(station, product_of(station, product), drawn))


@router.put("/{product}/regions", response_model=None, responses=gives(ChangedProduct))
def set_regions(
    request: Request, person: Engineer, product: str, body: ProductRegionsRequest
) -> dict[str, Any]:
    """Have a product look at what is drawn; an engineer's, and it can be reverted."""
    station = station_of(request)
    drawn = _drawn(request, product, body, person.name)
    state = keep(station, product_of(station, product), drawn, body.revision)
    return {"revision": state.revision, "sha256": state.sha256}


@router.post(
    "/{product}/regions/draft", response_model=None, responses=gives(dict[Literal["draft"], str])
)
def draft_with_regions(
    request: Request, person: Engineer, product: str, body: ProductRegionsRequest
) -> dict[str, Any]:
    """Begin a draft with a product's stored good pictures and what is drawn; an engineer's."""
    station = station_of(request)
    drawn = _drawn(request, product, body, person.name)
    return {"draft": learn_anew(station, product_of(station, product), drawn).id}


def _drawn(request: Request, product: str, body: ProductRegionsRequest, name: str) -> Regions:
    """Return what is drawn on a record's picture, or respond 404 where it is another product's."""
    record = record_of(station_of(request), body.picture)
    if record.product != product:
        raise HTTPException(404, f"a picture must be one of {product}; record {record.id} is not")
    values = body.model_dump(exclude={"revision", "zones"})
    zones = [DrawnZone(**zone.model_dump()) for zone in body.zones]
    size_hw = (record.height, record.width)
    drawn = Regions(**values, zones=zones, size_hw=size_hw, by=name, time=time.time())
    return drawn.measured()
