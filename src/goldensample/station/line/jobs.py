"""Pictures on their way through the line: accepted, judged, refused."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field

from goldensample.errors import GoldenError
from goldensample.records import Inspection, Picture
from goldensample.report.entry import Heat
from goldensample.station.products.products import Product, State
from goldensample.station.records.archive import Coming
from goldensample.station.records.rows import Record
from goldensample.wording.regions import RegionOptions, regions_json


class BusyError(GoldenError):
    """As many pictures wait as may; `retry_s` is when to come again."""

    def __init__(self, retry_s: int) -> None:
        super().__init__(f"the station must keep up; it is busy; try again in {retry_s} s")
        self.retry_s = retry_s


class StoppingError(GoldenError):
    """The station finishes what it accepted, and takes no more."""


@dataclass(frozen=True, slots=True)
class Job:
    """A picture that was accepted.

    Args:
        product: what judges it.
        coming: its file, which the line now owns.
        name: as told by who brought it.
        source: "api", "page", "folder" or "camera".
        operator: who brought it, or "".
        file: (path, stamp) in a watched folder, or ("", "").
        accepted: seconds since 1970.
        began: the same moment on a clock that nobody sets.
    """

    product: Product
    coming: Coming
    name: str
    source: str
    operator: str = ""
    file: tuple[str, str] = ("", "")
    accepted: float = field(default_factory=time.time)
    began: float = field(default_factory=time.perf_counter)
    answer: "Future[Record]" = field(default_factory=Future)


@dataclass(frozen=True, slots=True)
class Judged:
    """A picture that was judged and is not yet stored."""

    job: Job
    record: Record
    heat: Heat | None


def record_of(job: Job, state: State, picture: Picture, found: Inspection) -> Record:
    """Return what is stored of an inspection, but for its heat map."""
    limits = state.inspector.threshold
    height, width = picture.pixels.shape[:2]
    return Record(
        product=job.product.key,
        name=job.name.encode("utf-8", "replace").decode(),  # files may have names that are no text
        source=job.source,
        operator=job.operator,
        time=job.accepted,
        milliseconds=round(1000 * (time.perf_counter() - job.began), 3),
        verdict=found.verdict,
        score=float(found.score),
        p_value=found.p_value,
        limit_score=limits.score if limits else None,
        limit_review=limits.review if limits else None,
        limit_pixel=limits.pixel if limits else None,
        regions=regions_json(found, limits, RegionOptions(explain=True)),
        note=found.note,
        height=height,
        width=width,
        revision=state.revision,
        file_sha256=state.sha256,
        picture_sha256=job.coming.sha256,
        picture_bytes=job.coming.size,
        heat_sha256=None,
    )
