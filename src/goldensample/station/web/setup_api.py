"""The API of Set up: drafts of products, their pictures, their fits. For engineers only."""

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.errors import ArtifactError, ImageError
from goldensample.images.codec import encode_jpeg, read_for_view, read_samples, shrink
from goldensample.station.inputs.uploads import check_picture, decode_limiter, receive
from goldensample.station.records.rows import iso
from goldensample.station.setup.drafts import Draft
from goldensample.station.setup.drawings import save_drawing
from goldensample.station.setup.regions import Regions, read_regions
from goldensample.station.setup.source_folders import (
    SourceFolder,
    find_source_folders,
    open_source_folder,
)
from goldensample.station.station import Station
from goldensample.station.web.answers import AddedPicture, DraftAnswer, gives
from goldensample.station.web.api import JPEG_RESPONSE, PICTURE_BODY, PNG_RESPONSE
from goldensample.station.web.refusals import SLOW_RESPONSE
from goldensample.station.web.requests import TEXT_PATTERN, person_of, require_engineer, station_of

router = APIRouter(prefix="/api/drafts", dependencies=[Depends(require_engineer)])
Rate = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)]
Number = Annotated[int, Path(ge=0, le=10**6)]
DraftId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
LONGEST_PX = 256


class DraftRequest(BaseModel):
    """The source folder of a draft's pictures, of those listed, or None for uploads."""

    model_config = ConfigDict(extra="forbid")
    folder: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None


class FitRequest(BaseModel):
    """Settings of a draft's fit."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=64, pattern=TEXT_PATTERN)]
    false_alarms: Rate = 0.05
    review: Rate | None = None
    leave_out: Annotated[list[Annotated[int, Field(ge=0, le=10**6)]], Field(max_length=5000)] = []


@router.get("/folders", response_model=None, responses=gives(list[SourceFolder]))
def list_folders(request: Request) -> list[dict[str, Any]]:
    """List the folders of pictures on the station that a draft can be made of."""
    root = station_of(request).settings.pictures
    return [asdict(folder) for folder, _ in find_source_folders(root).values()]


@router.post("", response_model=None, responses=gives(DraftAnswer))
def create_draft(request: Request, body: DraftRequest) -> dict[str, Any]:
    """Begin a draft: empty, or with the pictures of a folder."""
    station, person = station_of(request), person_of(request)
    drafts = station.setup.drafts
    if body.folder is None:
        return draft_json(station, drafts.create(person.name))
    name, paths = open_source_folder(station.settings.pictures, body.folder)
    draft = drafts.create(person.name, name)
    draft.add_references(paths)
    return draft_json(station, draft)


@router.get("/{draft}", response_model=None, responses=gives(DraftAnswer))
def get_draft(request: Request, draft: DraftId) -> dict[str, Any]:
    """Tell of a draft: its pictures, its fit, and what came out."""
    station = station_of(request)
    return draft_json(station, draft_of(station, draft))


@router.post(
    "/{draft}/pictures",
    response_model=None,
    openapi_extra=PICTURE_BODY,
    responses=gives(AddedPicture) | SLOW_RESPONSE,
)
async def add_picture(
    request: Request,
    draft: DraftId,
    name: Annotated[str, Query(max_length=255, pattern=TEXT_PATTERN)] = "",
) -> dict[str, Any]:
    """Add the picture that is the body to a draft; one that is there already counts once."""
    station = station_of(request)
    target = draft_of(station, draft)
    check_open(target)
    name = "".join(character for character in name if character.isprintable()).strip()
    incoming = await receive(station, request)
    try:
        await check_picture(station, incoming, name)
        await to_thread.run_sync(_decode, incoming.path, name, limiter=decode_limiter)
        count = len(target.pictures)
        number = await to_thread.run_sync(target.add, incoming, name)
    except BaseException:
        station.archive.discard(incoming)
        raise
    return {"number": number, "again": number < count, "pictures": len(target.pictures)}


@router.get("/{draft}/pictures/{number}", response_class=Response, responses=JPEG_RESPONSE)
async def draft_picture(
    request: Request,
    draft: DraftId,
    number: Number,
    longest: Annotated[int, Query(ge=16, le=1600)] = LONGEST_PX,
) -> Response:
    """Give one of a draft's pictures, made anew as a JPEG, its longest side of so many pixels."""
    target = draft_of(station_of(request), draft)
    if number >= len(target.pictures):
        raise HTTPException(404, "a picture must be one of the draft's; this one is not")
    path = target.pictures[number].path
    data = await to_thread.run_sync(_shrunk, path, longest, limiter=decode_limiter)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


@router.get("/{draft}/heat/{number}", response_class=Response, responses=PNG_RESPONSE)
def draft_heat_map(
    request: Request, draft: DraftId, number: Number, of: Literal["heat", "odd"] = "heat"
) -> Response:
    """Give the heat map of a picture kept out of the fit, or (`odd`) against all the others."""
    path = draft_of(station_of(request), draft).folder / f"{of}-{number:05d}.png"
    if not path.exists():
        raise HTTPException(404, "a heat map must have been drawn; of this picture none was")
    return Response(path.read_bytes(), media_type="image/png")


@router.post("/{draft}/fit", response_model=None, responses=gives(DraftAnswer))
def start_fit(request: Request, draft: DraftId, body: FitRequest) -> dict[str, Any]:
    """Begin the fit of a draft; progress comes as events of the kind "fit"."""
    station = station_of(request)
    target = draft_of(station, draft)
    check_open(target)
    left_out = tuple(sorted({number for number in body.leave_out if number < len(target.pictures)}))
    target.change(left_out=left_out)
    station.setup.start(target, body.name, body.false_alarms, body.review)
    return draft_json(station, target)


@router.post("/{draft}/cancel", response_model=None, responses=gives(DraftAnswer))
def cancel_fit(request: Request, draft: DraftId) -> dict[str, Any]:
    """End the fit of a draft."""
    station = station_of(request)
    target = draft_of(station, draft)
    station.setup.cancel(target)
    return draft_json(station, target)


@router.post("/{draft}/service")
def put_into_service(request: Request, draft: DraftId) -> dict[str, Any]:
    """Put a fitted draft into service as a product; the draft is gone then."""
    station, person = station_of(request), person_of(request)
    target = draft_of(station, draft)
    metadata, count = target.metadata, len(target.included())
    regions = read_regions(target.folder)
    product = station.setup.serve(target)
    message = f"put into service, fitted on {count} pictures"
    if regions:
        message += f"; {regions.words()}; drawn by {regions.by or 'no name'}"
        save_drawing(station.settings.folder, product.state.inspector, regions)
    station.log_change(product.key, person.name, "fit", product.state.revision, message)
    return {"product": product.key, "by": metadata.by}


@router.delete("/{draft}")
def discard_draft(request: Request, draft: DraftId) -> dict[str, Any]:
    """Delete a draft and its pictures."""
    station = station_of(request)
    target = draft_of(station, draft)
    station.setup.cancel(target)
    station.setup.drafts.discard(target)
    return {"discarded": draft}


def draft_json(station: Station, draft: Draft) -> dict[str, Any]:
    """Return a draft for pages and machines: its metadata, pictures and fit."""
    metadata, regions = asdict(draft.metadata), read_regions(draft.folder)
    for name in ("stage", "error"):
        del metadata[name]
    return {
        **metadata,
        "made": iso(draft.metadata.made),
        **station.setup.fit_status(draft),
        "pictures": [picture.name for picture in draft.pictures],
        "result": draft.result() if draft.metadata.stage == "ready" else None,
        "regions": regions_json(regions) if regions else None,
    }


def regions_json(regions: Regions) -> dict[str, Any]:
    """Return what is drawn for machines."""
    return {**asdict(regions), "time": iso(regions.time)}


def draft_of(station: Station, identity: str) -> Draft:
    """Return a draft, or respond 404."""
    draft = station.setup.drafts.get(identity)
    if draft is None:
        raise HTTPException(404, "a draft must be there; it is done with, or was discarded")
    return draft


def check_open(draft: Draft) -> None:
    """Refuse to change a draft that is being fitted."""
    if draft.metadata.stage == "fitting":
        raise ArtifactError("a draft must not be in its fit to be changed; wait for it, or cancel")


def _decode(path: FilePath, name: str) -> None:
    """Check that a picture can be decoded as a whole."""
    try:
        read_samples(path)
    except ImageError as error:
        raise ImageError(str(error).replace(str(path), name or "the picture")) from None


def _shrunk(path: FilePath, longest_px: int) -> bytes:
    return encode_jpeg(shrink(read_for_view(path), longest_px))
