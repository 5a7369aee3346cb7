"""The API of products: their limits, their revisions, their good pictures."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.images.codec import encode_jpeg, read_image, shrink
from goldensample.inspection.inspector import Inspector
from goldensample.learning.relimit import set_rates
from goldensample.learning.revisions import Note, revert
from goldensample.station.products import limits
from goldensample.station.products.good_pictures import revisions
from goldensample.station.products.products import check_revision
from goldensample.station.station import find_learned_record, make_note
from goldensample.station.web.answers import ChangedProduct, LimitChoices, RevisionAnswer, gives
from goldensample.station.web.requests import (
    Engineer,
    current_product,
    product_of,
    station_of,
)
from goldensample.wording.limits import percent

router = APIRouter(prefix="/api/products")
LONGEST_PX = 256
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class LimitsRequest(BaseModel):
    """Rates to apply as limits, and the revision that the request is based on."""

    model_config = ConfigDict(extra="forbid")
    false_alarms: Rate
    review: Rate | None = None
    revision: Number


class RevertRequest(BaseModel):
    """A revision to go back to, and the one that the request is based on."""

    model_config = ConfigDict(extra="forbid")
    to: Number
    revision: Number


@router.get("/{product}/limits", response_model=None, responses=gives(LimitChoices))
def limit_choices(request: Request, product: str) -> dict[str, Any]:
    """List the rates of false alarms that a product's good pictures support."""
    state = current_product(station_of(request), product).state
    threshold = state.inspector.threshold
    return {
        "revision": state.revision,
        "in_use": asdict(threshold) if threshold else None,
        "choices": [asdict(choice) for choice in limits.choices(state.inspector)],
    }


@router.get("/{product}/limits/preview")
def preview_limits(
    request: Request,
    product: str,
    false_alarms: Annotated[float, Query(gt=0, lt=1)],
    review: Annotated[float | None, Query(gt=0, lt=1)] = None,
) -> dict[str, Any]:
    """Tell what other limits promise, and what they would have changed on the stored pictures."""
    station = station_of(request)
    target = current_product(station, product)
    state = target.state
    result = limits.preview(station.ledger, target.key, state.inspector, false_alarms, review)
    return {**result, "revision": state.revision}


@router.post("/{product}/limits", response_model=None, responses=gives(ChangedProduct))
def set_limits(
    request: Request, person: Engineer, product: str, body: LimitsRequest
) -> dict[str, Any]:
    """Set a product's limits for other rates; an engineer's, and it can be reverted."""
    station = station_of(request)
    target = product_of(station, product)
    message = f"limits for {percent(body.false_alarms)} false alarms"
    message += f", look again at {percent(body.review)}" if body.review else ""
    note = make_note(person.name, message)

    def apply_rates(inspector: Inspector) -> Inspector:
        check_revision(inspector, body.revision)
        return set_rates(inspector, body.false_alarms, body.review, note)

    state = target.change(apply_rates)
    station.log_change(target.key, person.name, "calibrate", state.revision, message)
    return {"revision": state.revision, "sha256": state.sha256}


@router.get("/{product}/revisions", response_model=None, responses=gives(list[RevisionAnswer]))
def list_revisions(request: Request, product: str) -> list[dict[str, Any]]:
    """List a product's revisions, the latest first."""
    return revisions(current_product(station_of(request), product).state.inspector)


@router.post("/{product}/revert", response_model=None, responses=gives(ChangedProduct))
def revert_product(
    request: Request, person: Engineer, product: str, body: RevertRequest
) -> dict[str, Any]:
    """Bring a product back to what an earlier revision left; an engineer's; it can be undone."""
    station = station_of(request)
    target = product_of(station, product)
    message = f"back to revision {body.to}"
    note: Note = make_note(person.name, message)

    def revert_inspector(inspector: Inspector) -> Inspector:
        check_revision(inspector, body.revision)
        return revert(inspector, body.to, note)

    state = target.change(revert_inspector)
    station.log_change(target.key, person.name, "revert", state.revision, message)
    return {"revision": state.revision, "sha256": state.sha256}


@router.get("/{product}/pictures/{number}", response_class=Response)
def good_picture(request: Request, product: str, number: Number) -> Response:
    """Give a small picture of a good one: from the product's file, or a learned one's own."""
    station = station_of(request)
    target = product_of(station, product)
    pictures = target.state.inspector.pictures
    jpeg = pictures[number].thumbnail if number < len(pictures) else b""
    record = None
    if number < len(pictures):
        record = find_learned_record(station, pictures[number].name)
    if not jpeg and record:
        path = station.archive.path(record.picture_sha256)
        if path.exists():
            pixels = read_image(path, target.state.inspector.preparation.grey_range)
            jpeg = encode_jpeg(shrink(pixels, LONGEST_PX))
    if not jpeg:
        raise HTTPException(404, "a small picture must have been kept; of this one none was")
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})
