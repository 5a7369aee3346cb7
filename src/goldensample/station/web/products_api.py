"""The API of products: their limits, their revisions, their good pictures."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.errors import ArtifactError
from goldensample.images.codec import encode_jpeg, read_image, shrink
from goldensample.inspection.inspector import Inspector
from goldensample.learning.relimit import relimit
from goldensample.learning.revisions import Note, revert
from goldensample.station.products import limits
from goldensample.station.products.good_pictures import revisions
from goldensample.station.products.products import revision_of
from goldensample.station.station import learned_from, note_of
from goldensample.station.web.requests import engineer_of, fresh_of, product_of, station_of
from goldensample.wording.limits import percent

router = APIRouter(prefix="/api/products")
LONGEST_PX = 256
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=0, le=2**31 - 1)]


class Limits(BaseModel):
    """Limits to apply, and the revision of the product that was looked at."""

    model_config = ConfigDict(extra="forbid")
    false_alarms: Rate
    review: Rate | None = None
    revision: Number


class Back(BaseModel):
    """A revision to go back to, and the one that was looked at."""

    model_config = ConfigDict(extra="forbid")
    to: Number
    revision: Number


@router.get("/{product}/limits")
def choices(request: Request, product: str) -> dict[str, Any]:
    """List the rates of false alarms that a product's good pictures support."""
    state = fresh_of(station_of(request), product).state
    used = state.inspector.threshold
    return {
        "revision": state.revision,
        "in_use": asdict(used) if used else None,
        "choices": [asdict(one) for one in limits.choices(state.inspector)],
    }


@router.get("/{product}/limits/preview")
def preview(
    request: Request,
    product: str,
    false_alarms: Annotated[float, Query(gt=0, lt=1)],
    review: Annotated[float | None, Query(gt=0, lt=1)] = None,
) -> dict[str, Any]:
    """Tell what other limits promise, and what they would have changed on the stored pictures."""
    station = station_of(request)
    asked = fresh_of(station, product)
    state = asked.state
    found = limits.preview(station.ledger, asked.key, state.inspector, false_alarms, review)
    return {**found, "revision": state.revision}


@router.post("/{product}/limits")
def apply(request: Request, product: str, wanted: Limits) -> dict[str, Any]:
    """Set a product's limits for other rates; an engineer's, and it can be reverted."""
    station, person = station_of(request), engineer_of(request)
    asked = product_of(station, product)
    words = f"limits for {percent(wanted.false_alarms)} false alarms"
    words += f", look again at {percent(wanted.review)}" if wanted.review else ""
    note = note_of(person.name, words)

    def do(inspector: Inspector) -> Inspector:
        _check_same(inspector, wanted.revision)
        return relimit(inspector, wanted.false_alarms, wanted.review, note)

    state = asked.change(do)
    station.note(asked.key, person.name, "calibrate", state.revision, words)
    return {"revision": state.revision, "sha256": state.sha256}


@router.get("/{product}/revisions")
def history(request: Request, product: str) -> list[dict[str, Any]]:
    """List a product's revisions, the latest first."""
    return revisions(fresh_of(station_of(request), product).state.inspector)


@router.post("/{product}/revert")
def back(request: Request, product: str, wanted: Back) -> dict[str, Any]:
    """Bring a product back to what an earlier revision left; an engineer's; it can be undone."""
    station, person = station_of(request), engineer_of(request)
    asked = product_of(station, product)
    words = f"back to revision {wanted.to}"
    note: Note = note_of(person.name, words)

    def do(inspector: Inspector) -> Inspector:
        _check_same(inspector, wanted.revision)
        return revert(inspector, wanted.to, note)

    state = asked.change(do)
    station.note(asked.key, person.name, "revert", state.revision, words)
    return {"revision": state.revision, "sha256": state.sha256}


@router.get("/{product}/pictures/{number}", response_class=Response)
def good_picture(request: Request, product: str, number: Number) -> Response:
    """Give a small picture of a good one: from the product's file, or a learned one's own."""
    station = station_of(request)
    asked = product_of(station, product)
    known = asked.state.inspector.pictures
    jpeg = known[number].thumbnail if number < len(known) else b""
    found = learned_from(station, known[number].name) if number < len(known) else None
    if not jpeg and found:
        path = station.archive.path(found.picture_sha256)
        if path.exists():
            pixels = read_image(path, asked.state.inspector.preparation.white)
            jpeg = encode_jpeg(shrink(pixels, LONGEST_PX))
    if not jpeg:
        raise HTTPException(404, "a small picture must have been kept; of this one none was")
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


def _check_same(inspector: Inspector, seen: int) -> None:
    """Refuse a change to a product that is no longer what the engineer looked at."""
    now = revision_of(inspector)
    if now != seen:
        raise ArtifactError(
            f"a change must be made to what was looked at, revision {seen}; the product is at "
            f"revision {now} by now; look at it again"
        )
