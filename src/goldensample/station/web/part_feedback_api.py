"""The API of what people say of a part of several views as a whole."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.feedback import save_part_answer
from goldensample.station.misses import is_miss
from goldensample.station.web.answers import SavedLabel, gives
from goldensample.station.web.feedback_api import who_answers
from goldensample.station.web.parts_api import part_of
from goldensample.station.web.requests import RecordId, label_json, record_of, station_of

router = APIRouter(prefix="/api/parts")
ViewName = Annotated[str, Field(max_length=32)]


class PartFeedback(BaseModel):
    """A person's answer to a part; of a defect, the views that show it."""

    model_config = ConfigDict(extra="forbid")
    answer: Literal["good", "defect", "unsure"]
    views: Annotated[list[ViewName], Field(max_length=1000)] = []


@router.post("/{part}/{number}/feedback", response_model=None, responses=gives(list[SavedLabel]))
def give_part_answer(
    request: Request, part: str, number: RecordId, feedback: PartFeedback
) -> list[dict[str, Any]]:
    """Keep what a person says of a part, as answers to the pictures of its views.

    Each can be taken back by `DELETE /api/feedback/ID`. A "good" is learned, or proposed, by the
    views that were called odd; a "defect" is said of the views that show it.
    """
    station = station_of(request)
    found = station.ledger.parts.get(number)
    if found is None or found.product != part_of(station, part).key:
        raise HTTPException(404, f"a part must be there; number {number} is not")
    records = station.ledger.parts.answered_views(number)
    saved = save_part_answer(
        station, records, feedback.answer, feedback.views, who_answers(request)
    )
    return [{**label_json(one), "missed": is_miss(record_of(station, one.record))} for one in saved]
