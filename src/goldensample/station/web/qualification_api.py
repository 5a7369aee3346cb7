"""The API of qualifications: make one, follow it, fetch its paper."""

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from goldensample.errors import ArtifactError, ImageError
from goldensample.station.qualifying import qualifier
from goldensample.station.qualifying.kept import Qualification
from goldensample.station.records.rows import Filter, iso
from goldensample.station.setup.source_folders import find_source_folders, printable
from goldensample.station.station import Station
from goldensample.station.web.answers import Strict, gives
from goldensample.station.web.api import ORIGINAL_RESPONSE
from goldensample.station.web.requests import Engineer, current_product, product_of, station_of

router = APIRouter(prefix="/api/products/{product}/qualifications")
FolderId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Identity = Annotated[str, Path(max_length=64)]
FileName = Literal[
    "qualification.html", "qualification.pdf", "qualification.xlsx", "qualification.json",
    "qualification.dfq",
]  # fmt: skip
MAX_ANSWERED = 2000
"""Pictures that people called defects here, at most: the newest."""


class QualificationAnswer(Strict):
    """A qualification; `share` of it is done while its state is "working"."""

    id: str
    product: str
    by: str
    made: str
    revision: int
    file_sha256: str
    good: str
    defects: str
    state: Literal["working", "ready", "failed"]
    error: str
    share: float | None


class QualificationRequest(BaseModel):
    """Pictures of a qualification, by listed folders; defects None for those answered here.

    `study` is a closed one whose calls are told, or None.
    """

    model_config = ConfigDict(extra="forbid")
    good: FolderId
    defects: FolderId | None = None
    study: Annotated[str, Field(max_length=64)] | None = None
    mm_per_px: Annotated[float, Field(gt=0, lt=1e6, allow_inf_nan=False)] | None = None
    rate: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    language: Literal["en", "de", "ko", "zh_Hans"] = "en"


@router.get("", response_model=None, responses=gives(list[QualificationAnswer]))
def qualifications(request: Request, product: str) -> list[dict[str, Any]]:
    """List the qualifications of a product, the newest first."""
    station = station_of(request)
    target = product_of(station, product)
    kept = station.qualifier.kept.of(target.key)
    return [qualification_json(station, one) for one in kept]


@router.post("", response_model=None, responses=gives(QualificationAnswer))
def qualify(
    request: Request, person: Engineer, product: str, body: QualificationRequest
) -> dict[str, Any]:
    """Begin a qualification; progress comes as events of the kind "qualification"."""
    station = station_of(request)
    target = current_product(station, product)
    folders = folders_of(station, {body.good, body.defects})
    wanted = qualifier.Request(
        by=person.name,
        good=folders[body.good],
        defects=folders[body.defects] if body.defects else None,
        answered=answered_defects(station, target.key),
        study=_calls(station, target.key, body.study) if body.study else None,
        mm_per_px=body.mm_per_px,
        rate=body.rate,
        language=body.language,
    )
    return qualification_json(station, station.qualifier.start(target, wanted))


@router.post("/cancel")
def cancel_qualification(request: Request, person: Engineer, product: str) -> dict[str, Any]:
    """End the qualification that is being made; an engineer's."""
    station = station_of(request)
    target = product_of(station, product)
    station.qualifier.cancel(target.key)
    return {"cancelled": target.key, "by": person.name}


@router.get("/{identity}/{name}", response_class=FileResponse, responses=ORIGINAL_RESPONSE)
def qualification_file(
    request: Request, product: str, identity: Identity, name: FileName
) -> FileResponse:
    """Give the paper of a qualification, as a page, a PDF, an Excel file or JSON."""
    station = station_of(request)
    target = product_of(station, product)
    path = station.qualifier.kept.file(target.key, identity, name)
    if path is None or not path.exists():
        raise HTTPException(404, "a qualification must be there and done; this one is not")
    return FileResponse(path, filename=f"{target.key}-{identity}{path.suffix}")


def folders_of(station: Station, wanted: set[str | None]) -> dict[str, tuple[str, FilePath]]:
    """Return name and path of the folders that are offered, by their ids.

    Raises:
        ImageError: one that is wanted is not offered.
    """
    offered = find_source_folders(station.settings.pictures)
    if not wanted - {None} <= offered.keys():
        raise ImageError("a folder must be one that is offered; it is not; load the page anew")
    return {key: (folder.name, path) for key, (folder, path) in offered.items()}


def _calls(station: Station, product: str, identity: str) -> tuple[FilePath, list[dict[str, str]]]:
    """Return the folder of a study and its calls.

    Raises:
        ArtifactError: it is not closed, or nobody has finished it.
    """
    studies = station.qualifier.studies
    study = studies.get(product, identity)
    rows = studies.rows(study) if study and study.closed is not None else []
    if study is None or not rows:
        raise ArtifactError(
            "a study must be closed, and somebody must have called all of it; this one is not so"
        )
    return studies.path(study), rows


def answered_defects(station: Station, product: str) -> list[tuple[str, Any]]:
    """Return name and path of the pictures that people here called defects and that are kept."""
    records = station.ledger.find(Filter(product=product, answer="defect"), MAX_ANSWERED)
    kept = [one for one in records if one.kept and one.score is not None]
    return [(f"{one.id} {one.name}", station.archive.path(one.picture_sha256)) for one in kept]


def qualification_json(station: Station, one: Qualification) -> dict[str, Any]:
    """Return a qualification for pages and machines, and how far it is."""
    status = station.qualifier.status(one.product)
    working = status is not None and status["id"] == one.id
    share = status["share"] if status and working else None
    return {**asdict(one), "made": iso(one.made), "error": printable(one.error), "share": share}
