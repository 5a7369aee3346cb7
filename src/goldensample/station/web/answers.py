"""What the API answers, for its OpenAPI document: clients are generated from it.

Answers are made as plain values, and not checked again on their way; the tests hold them against
these models.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from goldensample.records import Threshold
from goldensample.station.products.limits import Choice

Verdict = Literal["good", "review", "defect", "error"] | None
Responses = dict[int | str, dict[str, Any]]


class Strict(BaseModel):
    """An answer with these keys and no others."""

    model_config = ConfigDict(extra="forbid")


class NearestGood(Strict):
    """The good patch that is nearest: a picture of the fit, and where in it, in its pixels."""

    picture: str
    row_px: float
    column_px: float


class RegionAnswer(BaseModel):
    """A place beyond the limit, in pixels of the picture; boxes are top, left, height, width."""

    box_px: tuple[int, int, int, int]
    area_px: int
    peak: float
    peak_px: tuple[int, int]
    nearest_good: NearestGood | None = None
    zone: str | None = None
    zone_limit: float = 1.0
    distance: float | None = None
    p_value: float | None = None
    contour_px: list[list[tuple[float, float]]] = []


class RecordAnswer(Strict):
    """An inspected picture; `time` in UTC as ISO 8601, limits those of its revision."""

    id: int
    product: str
    name: str
    source: str
    operator: str
    time: str
    milliseconds: float
    verdict: Verdict
    score: float | None
    p_value: float | None
    limit_score: float | None
    limit_review: float | None
    limit_pixel: float | None
    regions: list[RegionAnswer]
    note: str
    height: int
    width: int
    revision: int
    file_sha256: str
    picture_sha256: str
    picture_bytes: int
    heat_sha256: str | None
    frame: dict[str, Any] | None
    kept: bool
    answer: Literal["good", "defect", "unsure"] | None
    answered_by: str | None
    part: int | None
    view: str | None
    serial: str | None
    job: str | None
    brightness: float | None
    sharpness: float | None


class RecordList(Strict):
    """Records, the newest first."""

    records: list[RecordAnswer]


class PartSummary(Strict):
    """A part of several views; without a verdict it is under way; `time` in UTC as ISO 8601."""

    id: int
    product: str
    serial: str
    job: str
    operator: str
    source: str
    time: str
    milliseconds: float | None
    verdict: Literal["good", "defect", "error"] | None
    p_value: float | None
    view: str
    note: str


class PartAnswer(PartSummary):
    """A part with the records of its views, by their names."""

    views: dict[str, RecordAnswer]


class PartList(Strict):
    """Parts, the newest first."""

    parts: list[PartSummary]


class LabelAnswer(Strict):
    """What a person said of a record; times in UTC as ISO 8601."""

    id: int
    record: int
    time: str
    operator: str
    answer: Literal["good", "defect", "unsure"]
    revision: int | None
    undone: str | None
    proposed: bool


class SavedLabel(LabelAnswer):
    """What a person said, and whether it was a missed defect."""

    missed: bool


class RecordWithLabels(RecordAnswer):
    """A record with all that people said of it."""

    answers: list[LabelAnswer]


class ProductAnswer(Strict):
    """A product in service.

    `composition_silent`: it has learned pictures on the line, and since then it judges single
    places alone, no longer whether something is missing or too many.
    """

    product: str
    revision: int
    sha256: str
    method: str
    threshold: Threshold | None
    pictures: int
    composition_silent: bool


class ChangeAnswer(Strict):
    """A change of a product, or an alarm; `time` in UTC as ISO 8601."""

    id: int
    product: str
    time: str
    operator: str
    action: str
    revision: int | None
    words: str


class ChangeList(Strict):
    """The last changes, the newest first."""

    changes: list[ChangeAnswer]


class RevisionAnswer(Strict):
    """A revision of a product's file."""

    revision: int
    parent: int
    time: str
    action: str
    reason: str
    sha256: str
    pictures: list[str]
    in_use: bool


class ChangedProduct(Strict):
    """The revision that a change made, and its file's SHA-256."""

    revision: int
    sha256: str


class LimitChoices(Strict):
    """The rates that a product's good pictures support."""

    revision: int
    in_use: Threshold | None
    choices: list[Choice]


class OneRevision(Strict):
    """The revision in which a picture was learned or taught; None if it was not."""

    revision: int | None


class Health(BaseModel):
    """How the station is; texts under `troubles` say what is wrong, by product or input."""

    version: str
    up_s: float
    waiting: int
    waiting_limit: int
    per_picture_s: float
    late: int
    products: int
    troubles: dict[str, str]


class DraftAnswer(BaseModel):
    """A product in the making: its state, its pictures, and what its fit gave."""

    draft: str
    state: str
    pictures: list[str]
    result: dict[str, Any] | None = None


class AddedPicture(Strict):
    """The number of a draft's picture, and whether it was there already."""

    number: int
    again: bool
    pictures: int


def gives(model: Any, words: str = "Done.") -> Responses:
    """Return the OpenAPI entry of an answer: a model, or a type of plain values."""
    return {200: {"model": model, "description": words}}
