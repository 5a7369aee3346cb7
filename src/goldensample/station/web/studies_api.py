"""The API of studies: appraisers call numbered pictures, blind; results when it is closed."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.errors import ArtifactError
from goldensample.images.codec import encode_jpeg, read_for_view, shrink
from goldensample.qualification.appraisers import COLUMNS
from goldensample.qualification.pictures import defect_items, good_items
from goldensample.station.inputs.uploads import decode_limiter
from goldensample.station.qualifying.studies import Study, Turn
from goldensample.station.records.rows import iso
from goldensample.station.station import Station
from goldensample.station.web.answers import Strict, gives
from goldensample.station.web.api import CSV_RESPONSE, JPEG_RESPONSE
from goldensample.station.web.qualification_api import FolderId, Identity, folders_of
from goldensample.station.web.requests import (
    Engineer,
    person_of,
    product_of,
    station_of,
    table_line,
)

router = APIRouter(prefix="/api/products/{product}/studies")
Part = Annotated[str, Path(pattern=r"^[0-9]{3,4}$")]
LONGEST_PX = 1600


class StudyRequest(BaseModel):
    """Folders that a sample is drawn from, its parts, and how often each is called."""

    model_config = ConfigDict(extra="forbid")
    good: FolderId
    defects: FolderId
    parts: Annotated[int, Field(ge=10, le=500)] = 50
    trials: Literal[2, 3] = 3


class CallRequest(BaseModel):
    """What an appraiser calls the part whose turn it is."""

    model_config = ConfigDict(extra="forbid")
    part: Annotated[str, Field(pattern=r"^[0-9]{3,4}$")]
    trial: Annotated[int, Field(ge=1, le=3)]
    call: Literal["good", "defect"]


class StudyAnswer(Strict):
    """A study; `appraisers`: calls made by each, while it is open of the asking one alone."""

    id: str
    product: str
    by: str
    made: str
    parts: int
    trials: int
    closed: str | None
    appraisers: dict[str, int]


class TurnAnswer(Strict):
    """What the asking person calls next; `part` is null when all is called."""

    part: str | None
    trial: int
    done: int
    total: int


@router.get("", response_model=None, responses=gives(list[StudyAnswer]))
def studies(request: Request, product: str) -> list[dict[str, Any]]:
    """List the studies of a product, the newest first."""
    station, person = station_of(request), person_of(request)
    target = product_of(station, product)
    found = station.qualifier.studies.of(target.key)
    return [study_json(station, one, person.name) for one in found]


@router.post("", response_model=None, responses=gives(StudyAnswer))
def begin_study(
    request: Request, person: Engineer, product: str, body: StudyRequest
) -> dict[str, Any]:
    """Draw a blind sample of a folder of good parts and one of defects; an engineer's."""
    station = station_of(request)
    target = product_of(station, product)
    folders = folders_of(station, {body.good, body.defects})
    good, defects = good_items(folders[body.good][1]), defect_items(folders[body.defects][1])
    study = station.qualifier.studies.create(
        target.key, person.name, good, defects, body.parts, body.trials
    )
    return study_json(station, study, person.name)


@router.get("/{identity}/turn", response_model=None, responses=gives(TurnAnswer))
def turn(request: Request, product: str, identity: Identity) -> dict[str, Any]:
    """Tell which part the asking person calls next, in an order of the person's own."""
    station, study = _study(request, product, identity)
    return asdict(station.qualifier.studies.turn(study, _appraiser(request)))


@router.get("/{identity}/pictures/{part}", response_class=Response, responses=JPEG_RESPONSE)
async def study_picture(request: Request, product: str, identity: Identity, part: Part) -> Response:
    """Give a numbered picture, made anew as a JPEG, so that nothing in it tells what it is."""
    station, study = _study(request, product, identity)
    items = station.qualifier.studies.sample(study).items
    if part not in items:
        raise HTTPException(404, "a part must be one of the study's; this one is not")
    data = await to_thread.run_sync(_shown, items[part].path, limiter=decode_limiter)
    return Response(data, media_type="image/jpeg", headers={"cache-control": "private, max-age=60"})


@router.post("/{identity}/calls", response_model=None, responses=gives(TurnAnswer))
def call(request: Request, product: str, identity: Identity, body: CallRequest) -> dict[str, Any]:
    """Keep a call of the asking person, and tell what comes next."""
    station, study = _study(request, product, identity)
    kept = station.qualifier.studies.call(
        study, _appraiser(request), body.part, body.trial, body.call
    )
    return asdict(kept)


@router.delete("/{identity}/calls/last", response_model=None, responses=gives(TurnAnswer))
def take_back_call(request: Request, product: str, identity: Identity) -> dict[str, Any]:
    """Take the last call of the asking person back."""
    station, study = _study(request, product, identity)
    turn: Turn = station.qualifier.studies.undo(study, _appraiser(request))
    return asdict(turn)


@router.post("/{identity}/close", response_model=None, responses=gives(StudyAnswer))
def close_study(
    request: Request, person: Engineer, product: str, identity: Identity
) -> dict[str, Any]:
    """Take no more calls, and tell results from now on; an engineer's."""
    station, study = _study(request, product, identity)
    return study_json(station, station.qualifier.studies.close(study), person.name)


@router.get("/{identity}/calls.csv", response_class=Response, responses=CSV_RESPONSE)
def calls_csv(request: Request, product: str, identity: Identity) -> Response:
    """Give all calls of those who have finished a closed study, with what the parts are."""
    station, study = _study(request, product, identity)
    if study.closed is None:
        raise ArtifactError("a study must be closed to tell its calls; this one is open; close it")
    rows = station.qualifier.studies.rows(study)
    lines = [table_line(COLUMNS), *(table_line([row[name] for name in COLUMNS]) for row in rows)]
    headers = {"content-disposition": f'attachment; filename="{study.id}.csv"'}
    return Response("".join(lines), media_type="text/csv; charset=utf-8", headers=headers)


def study_json(station: Station, study: Study, name: str) -> dict[str, Any]:
    """Return a study for pages and machines."""
    counts = station.qualifier.studies.appraisers(study)
    if study.closed is None:
        counts = {who: count for who, count in counts.items() if who == name}
    closed = None if study.closed is None else iso(study.closed)
    return {**asdict(study), "made": iso(study.made), "closed": closed, "appraisers": counts}


def _study(request: Request, product: str, identity: str) -> tuple[Station, Study]:
    """Return the station and a study, or respond 404."""
    station = station_of(request)
    study = station.qualifier.studies.get(product_of(station, product).key, identity)
    if study is None:
        raise HTTPException(404, "a study must be there; see the page Qualification of the product")
    return station, study


def _appraiser(request: Request) -> str:
    """Return the name of the asking person; refuse one without."""
    if not (name := person_of(request).name):
        raise HTTPException(422, "an appraiser must have a name; set yours at the top of the page")
    return name


def _shown(path: Any) -> bytes:
    return encode_jpeg(shrink(read_for_view(path), LONGEST_PX))
