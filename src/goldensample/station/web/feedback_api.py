"""The API of what people say: answers, proposals, and missed defects."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.feedback import Who, decide, save_answer, undo_answer
from goldensample.station.misses import Cost, cost_of, is_miss, mark_mask, save_mark, teach
from goldensample.station.records.rows import Answer, Mark, Record, iso
from goldensample.station.station import Station
from goldensample.station.web.answers import OneRevision, SavedLabel, gives
from goldensample.station.web.api import PNG_RESPONSE
from goldensample.station.web.drawn import MarkAnswer, Shapes, mask_png
from goldensample.station.web.requests import (
    MAX_ID,
    Engineer,
    RecordId,
    label_json,
    person_of,
    record_of,
    station_of,
)

router = APIRouter(prefix="/api")
Count = Annotated[int, Field(ge=0, le=MAX_ID)]


class Feedback(BaseModel):
    """A person's answer on a record."""

    model_config = ConfigDict(extra="forbid")
    record: Annotated[int, Field(ge=1, le=MAX_ID)]
    answer: Literal["good", "defect", "unsure"]


class Decision(BaseModel):
    """Whether a proposal is learned."""

    model_config = ConfigDict(extra="forbid")
    learn: bool


class MarkRequest(BaseModel):
    """Where a missed defect is."""

    model_config = ConfigDict(extra="forbid")
    shapes: Annotated[Shapes, Field(min_length=1)]


class TeachRequest(BaseModel):
    """The cost that an engineer has seen and agrees to."""

    model_config = ConfigDict(extra="forbid")
    revision: Count
    found: bool
    alarms: Count
    tested: Count


@router.post("/feedback", response_model=None, responses=gives(SavedLabel))
def give_answer(request: Request, feedback: Feedback) -> dict[str, Any]:
    """Keep what a person says of a verdict; a false alarm is learned at once, or proposed.

    `revision` is that in which it was learned; `proposed`: an engineer has to decide on it;
    `missed`: it was not judged a defect and is one, so it can be marked and taught.
    """
    station = station_of(request)
    record = record_of(station, feedback.record)
    saved = save_answer(station, record, feedback.answer, who_answers(request))
    missed = is_miss(record_of(station, feedback.record))
    return {**label_json(saved), "missed": missed}


@router.delete(
    "/feedback/{number}", response_model=None, responses=gives(dict[Literal["undone"], int])
)
def take_back_answer(request: Request, number: RecordId) -> dict[str, Any]:
    """Take an answer back, and what was learned by it."""
    station = station_of(request)
    undo_answer(station, _answer_of(station, number), who_answers(request))
    return {"undone": number}


@router.post("/feedback/{number}/decision", response_model=None, responses=gives(OneRevision))
def decide_proposal(
    request: Request, person: Engineer, number: RecordId, body: Decision
) -> dict[str, Any]:
    """Decide on a proposed "good": learn it or not; an engineer's."""
    station = station_of(request)
    answer = _answer_of(station, number)
    if not answer.proposed:
        raise HTTPException(409, "a proposal must be undecided; this one is decided; look again")
    return {"revision": decide(station, answer, body.learn, person.name)}


@router.put(
    "/records/{number}/mark", response_model=None, responses=gives(dict[Literal["marked"], int])
)
def mark_miss(request: Request, number: RecordId, body: MarkRequest) -> dict[str, Any]:
    """Mark where a missed defect is, in place of an earlier mark."""
    station, person = station_of(request), person_of(request)
    record = record_of(station, number)
    save_mark(station, record, [shape.model_dump() for shape in body.shapes], person.name)
    return {"marked": number}


@router.get("/records/{number}/mark", response_model=None, responses=gives(MarkAnswer))
def get_mark(request: Request, number: RecordId) -> dict[str, Any]:
    """Tell where a missed defect is marked: who marked it, when, and the shapes."""
    station = station_of(request)
    mark = _mark_of(station, record_of(station, number))
    return {
        "record": number,
        "time": iso(mark.time),
        "operator": mark.operator,
        "shapes": mark.strokes,
    }


@router.get("/records/{number}/mark.png", response_class=Response, responses=PNG_RESPONSE)
def mark_picture(request: Request, number: RecordId) -> Response:
    """Give the mark of a missed defect as a mask, as `golden teach-miss --mask` takes it."""
    station = station_of(request)
    record = record_of(station, number)
    return Response(
        mask_png(mark_mask(_mark_of(station, record), record)),
        media_type="image/png",
        headers={"cache-control": "no-cache"},
    )


@router.get("/records/{number}/teaching-cost", response_model=None, responses=gives(Cost))
def teaching_cost(request: Request, person: Engineer, number: RecordId) -> dict[str, Any]:
    """Tell what teaching a marked miss would cost; takes seconds; an engineer's."""
    station = station_of(request)
    return asdict(cost_of(station, record_of(station, number), person.name))


@router.post("/records/{number}/teach", response_model=None, responses=gives(OneRevision))
def teach_miss(
    request: Request, person: Engineer, number: RecordId, body: TeachRequest
) -> dict[str, Any]:
    """Teach a marked miss at the cost that was told; an engineer's, and it can be undone."""
    station = station_of(request)
    record, seen = record_of(station, number), Cost(**body.model_dump())
    return {"revision": teach(station, record, seen, person.name)}


def who_answers(request: Request) -> Who:
    """Return who answers, and whether "good" is learned at once."""
    person, settings = person_of(request), station_of(request).settings
    decides = person.engineer and bool(settings.tokens)  # without tokens all are called engineers
    return Who(person.name, decides or not settings.confirms)


def _mark_of(station: Station, record: Record) -> Mark:
    """Return the mark of a record, or respond 404."""
    mark = station.ledger.labels.marks([record.id]).get(record.id)
    if mark is None:
        raise HTTPException(404, f"a mark must be there; record {record.id} has none; draw it")
    return mark


def _answer_of(station: Station, number: int) -> Answer:
    """Return an answer that is not undone, or respond 404."""
    answer = station.ledger.labels.get(number)
    if answer is None or answer.undone is not None:
        raise HTTPException(404, "an answer to undo must be there; it is not, or is undone")
    return answer
