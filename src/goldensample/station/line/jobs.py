"""Jobs of the line: pictures that were accepted, inspected or refused."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from goldensample.errors import GoldenError
from goldensample.records import Inspection, Picture
from goldensample.report.entry import Heat
from goldensample.station.products.products import Product, State
from goldensample.station.records.archive import Archive, IncomingFile
from goldensample.station.records.parts import PartRecord
from goldensample.station.records.rows import ERROR, Record
from goldensample.wording.regions import RegionOptions, regions_json

TEST = "test: "
"""How the note begins of what is no part's record, and is not stored."""
NO_PICTURE = "no picture: "
"""How the note begins of a record whose camera gave no picture."""


class BusyError(GoldenError):
    """The queue is full; `retry_s` is when to try again."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"the station must keep up; it is busy; try again in {retry_s} s")
        self.retry_s = retry_s


class StoppingError(GoldenError):
    """The station is stopping: it finishes accepted jobs and takes no more."""


@dataclass(frozen=True, slots=True)
class Job:
    """A picture that was accepted.

    Args:
        product: what inspects it.
        incoming: its file, which the line now owns.
        name: given by the client.
        source: "api", "page", "folder" or "camera".
        operator: who submitted it, or "".
        watched_file: (path, stamp) in a watched folder, or ("", "").
        error: why it cannot be read, where that is known; it is not inspected then.
        on_picture: called with the picture once it is decoded, before its record is stored.
        facts: what its camera says of it.
        part, view: the id of a part of several views, and which it is of them; or None and "".
        trigger: id of the row that keeps the trigger which asked for it, until its record is
            stored; None of a picture that is of a part, or came without one.
        scene: brightness and sharpness of the picture, once they were measured.
        serial, reference: of whom the picture is, and the sender's own number of the job, or "".
        accepted: seconds since 1970.
        started: the same moment on the performance counter.
        answer: the record, set when it is stored; or the error.
    """

    product: Product
    incoming: IncomingFile
    name: str
    source: str
    operator: str = ""
    watched_file: tuple[str, str] = ("", "")
    error: str = ""
    on_picture: Callable[[Picture], None] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    part: int | None = None
    view: str = ""
    trigger: int | None = None
    scene: tuple[float, float] | None = None
    serial: str = ""
    reference: str = ""
    accepted: float = field(default_factory=time.time)
    started: float = field(default_factory=time.perf_counter)
    answer: "Future[Record]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class JobResult:
    """An inspected picture whose record is not yet stored.

    Args:
        job: the picture.
        record: what was found.
        heat: its heat map, or None.
        is_late: whether the part was answered already, as an error; outputs do not get it again.
    """

    job: Job
    record: Record
    heat: Heat | None
    is_late: bool = False


def make_record(job: Job, state: State, picture: Picture, inspection: Inspection) -> Record:
    """Return the record of an inspection, without the hash of its heat map.

    A job that turned out to be an error has its reason, and no score.
    """
    if job.error:
        return make_error_record(job, state, job.error)
    limits = state.inspector.threshold
    height, width = picture.pixels.shape[:2]
    return replace(
        _new_record(job, state),
        verdict=inspection.verdict,
        score=float(inspection.score),
        p_value=inspection.p_value,
        limit_score=limits.score if limits else None,
        limit_review=limits.review if limits else None,
        limit_pixel=limits.pixel if limits else None,
        regions=regions_json(inspection, RegionOptions(explain=True)),
        note=inspection.note,
        height=height,
        width=width,
        brightness=job.scene and job.scene[0],
        sharpness=job.scene and job.scene[1],
    )


def make_error_record(job: Job, state: State, reason: str) -> Record:
    """Return the record of a picture that cannot be read, with the reason in words."""
    return replace(_new_record(job, state), verdict=ERROR, note=reason)


def stand_in(
    archive: Archive, product: Product, begun: PartRecord, view: str, reason: str
) -> JobResult:
    """Return an error without a picture: of a view of a part, or of a trigger, whose view is ""."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(begun.time))
    job = Job(
        product,
        archive.receive_bytes(b""),
        f"{begun.serial or begun.id}_{view}" if view else f"camera-{stamp}-unanswered",
        begun.source,
        begun.operator,
        part=begun.id if view else None,
        view=view,
        trigger=None if view else begun.id,
        serial=begun.serial,
        reference=begun.job,
        accepted=begun.time,
        started=time.perf_counter() - seconds_since(begun.time),
    )
    return JobResult(job, make_error_record(job, product.state, reason), None)


def seconds_since(moment: float) -> float:
    """Return how long ago a moment was; 0 where the clock was set back since, as by a restart."""
    return max(0.0, time.time() - moment)


def _new_record(job: Job, state: State) -> Record:
    """Return a record of what is known before the inspection."""
    return Record(
        product=job.product.key,
        name=job.name.encode("utf-8", "replace").decode(),  # a file name may be no valid text
        source=job.source,
        operator=job.operator,
        time=job.accepted,
        milliseconds=round(1000 * (time.perf_counter() - job.started), 3),
        verdict=None,
        score=None,
        p_value=None,
        limit_score=None,
        limit_review=None,
        limit_pixel=None,
        regions=[],
        note="",
        height=0,
        width=0,
        revision=state.revision,
        file_sha256=state.sha256,
        picture_sha256=job.incoming.sha256,
        picture_bytes=job.incoming.size,
        heat_sha256=None,
        frame=dict(job.facts) or None,
        part=job.part,
        view=job.view or None,
        serial=job.serial or None,
        job=job.reference or None,
    )
