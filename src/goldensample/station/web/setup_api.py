"""The API of Set up: drafts of products, their pictures, their fits. All of it is an engineer's."""

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.errors import ArtifactError, ImageError
from goldensample.images.codec import encode_jpeg, measure, read_image, shrink
from goldensample.station.inputs.uploads import check, decoding, receive
from goldensample.station.setup.drafts import Draft
from goldensample.station.setup.source_folders import chosen, folders
from goldensample.station.station import Station
from goldensample.station.web.api import DRAWN, PICTURE, SHOWN
from goldensample.station.web.refusals import SLOW
from goldensample.station.web.requests import TEXT, engineer_of, station_of

router = APIRouter(prefix="/api/drafts", dependencies=[Depends(engineer_of)])
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Number = Annotated[int, Path(ge=0, le=10**6)]
Identity = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
LONGEST_PX, DEEPEST = 256, 65535


class Begun(BaseModel):
    """Where a draft's pictures come from: a folder that was offered, or None for the page."""

    model_config = ConfigDict(extra="forbid")
    folder: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


class Wanted(BaseModel):
    """The product that a draft is to become."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=64, pattern=TEXT)]
    false_alarms: Rate = 0.05
    review: Rate | None = None
    leave_out: Annotated[list[Annotated[int, Field(ge=0, le=10**6)]], Field(max_length=5000)] = []


@router.get("/folders")
def offered(request: Request) -> list[dict[str, Any]]:
    """List the folders of pictures on the station that a draft can be made of."""
    root = station_of(request).settings.pictures
    return [asdict(one) for one, _ in folders(root).values()]


@router.post("")
def begin(request: Request, begun: Begun) -> dict[str, Any]:
    """Begin a draft: empty, or with the pictures of a folder."""
    station, person = station_of(request), engineer_of(request)
    drafts = station.setting_up.drafts
    if begun.folder is None:
        return told(station, drafts.new(person.name))
    name, found = chosen(station.settings.pictures, begun.folder)
    draft = drafts.new(person.name, name)
    draft.refer(found)
    return told(station, draft)


@router.get("/{draft}")
def one(request: Request, draft: Identity) -> dict[str, Any]:
    """Tell of a draft: its pictures, its fit, and what came out."""
    station = station_of(request)
    return told(station, draft_of(station, draft))


@router.post("/{draft}/pictures", openapi_extra=PICTURE, responses=SLOW)
async def add(
    request: Request,
    draft: Identity,
    name: Annotated[str, Query(max_length=255, pattern=TEXT)] = "",
) -> dict[str, Any]:
    """Add the picture that is the body to a draft; one that is there already counts once."""
    station = station_of(request)
    asked = draft_of(station, draft)
    check_open(asked)
    name = "".join(one for one in name if one.isprintable()).strip()
    coming = await receive(station, request)
    try:
        await check(station, coming, name)
        await to_thread.run_sync(_decode, coming.path, name, limiter=decoding)
        before = len(asked.pictures)
        number = await to_thread.run_sync(asked.add, coming, name)
    except BaseException:
        station.archive.discard(coming)
        raise
    again = number < before
    return {"number": number, "again": again, "pictures": len(asked.pictures)}


@router.get("/{draft}/pictures/{number}", response_class=Response, responses=SHOWN)
async def picture(request: Request, draft: Identity, number: Number) -> Response:
    """Give a small picture of one of a draft's."""
    asked = draft_of(station_of(request), draft)
    if number >= len(asked.pictures):
        raise HTTPException(404, "a picture must be one of the draft's; this one is not")
    path = asked.pictures[number].path
    data = await to_thread.run_sync(_small, path, limiter=decoding)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


@router.get("/{draft}/heat/{number}", response_class=Response, responses=DRAWN)
def heat_map(request: Request, draft: Identity, number: Number) -> Response:
    """Give the heat map of a picture that was kept out of the fit."""
    path = draft_of(station_of(request), draft).folder / f"heat-{number:05d}.png"
    if not path.exists():
        raise HTTPException(404, "a heat map must have been drawn; of this picture none was")
    return Response(path.read_bytes(), media_type="image/png")


@router.post("/{draft}/fit")
def fit(request: Request, draft: Identity, wanted: Wanted) -> dict[str, Any]:
    """Begin the fit of a draft; progress comes as events of the kind "fit"."""
    station = station_of(request)
    asked = draft_of(station, draft)
    check_open(asked)
    out = tuple(sorted({number for number in wanted.leave_out if number < len(asked.pictures)}))
    asked.change(left_out=out)
    station.setting_up.start(asked, wanted.name, wanted.false_alarms, wanted.review)
    return told(station, asked)


@router.post("/{draft}/cancel")
def cancel(request: Request, draft: Identity) -> dict[str, Any]:
    """End the fit of a draft."""
    station = station_of(request)
    asked = draft_of(station, draft)
    station.setting_up.cancel(asked)
    return told(station, asked)


@router.post("/{draft}/service")
def serve(request: Request, draft: Identity) -> dict[str, Any]:
    """Put a fitted draft into service as a product; the draft is gone then."""
    station, person = station_of(request), engineer_of(request)
    asked = draft_of(station, draft)
    facts, count = asked.facts, len(asked.kept())
    product = station.setting_up.serve(asked)
    words = f"put into service, fitted on {count} pictures"
    station.note(product.key, person.name, "fit", product.state.revision, words)
    return {"product": product.key, "by": facts.by}


@router.delete("/{draft}")
def discard(request: Request, draft: Identity) -> dict[str, Any]:
    """Delete a draft and its pictures."""
    station = station_of(request)
    asked = draft_of(station, draft)
    station.setting_up.cancel(asked)
    station.setting_up.drafts.discard(asked)
    return {"discarded": draft}


def told(station: Station, draft: Draft) -> dict[str, Any]:
    """Return all that a page shows of a draft."""
    facts = asdict(draft.facts)
    for name in ("stage", "error"):
        del facts[name]
    return {
        **facts,
        **station.setting_up.told(draft),
        "pictures": [one.name for one in draft.pictures],
        "result": draft.result() if draft.facts.stage == "ready" else None,
    }


def draft_of(station: Station, identity: str) -> Draft:
    """Return a draft, or refuse."""
    draft = station.setting_up.drafts.get(identity)
    if draft is None:
        raise HTTPException(404, "a draft must be there; it is done with, or was discarded")
    return draft


def check_open(draft: Draft) -> None:
    """Refuse to change a draft that is being fitted."""
    if draft.facts.stage == "fitting":
        raise ArtifactError("a draft must not be in its fit to be changed; wait for it, or cancel")


def _decode(path: FilePath, name: str) -> None:
    """Make sure that all of a picture can be read."""
    try:
        measure(path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), name or "the picture")) from None


def _small(path: FilePath) -> bytes:
    return encode_jpeg(shrink(read_image(path, DEEPEST), LONGEST_PX))
