"""Missed defects: where they are, what it would cost to find such ones, and teaching them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from goldensample.artifact.store import load
from goldensample.errors import ArtifactError
from goldensample.images.codec import read_image
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.revision import LIMIT
from goldensample.learning.misses import SELECTION_STEP, Proposal
from goldensample.learning.revisions import Note, open_journal
from goldensample.learning.teach_miss import analyse_miss
from goldensample.masks.drawing import Shape, draw_shapes
from goldensample.records import Array, Picture
from goldensample.station.feedback import learned_as
from goldensample.station.products.products import Product, revision_of
from goldensample.station.records.rows import Answer, Filter, Mark, Record
from goldensample.station.records.tables import marks, records
from goldensample.station.station import Station, learned_name, make_note

MIN_GOOD, MAX_GOOD = 10, 90
"""Good pictures that a cost is counted on: at least, and the newest at most."""
COST = 0.01
"""Largest share of good pictures that may become false alarms, where there are enough to tell."""

_STALE = (
    "a defect must be taught at the cost that was looked at; it was counted anew, or the product "
    "has changed since; look at the cost again"
)


@dataclass(frozen=True, slots=True)
class Cost:
    """What teaching a missed defect would do.

    Args:
        revision: of the product that was tried.
        found: whether the defect is found then.
        alarms: good pictures that become false alarms.
        tested: good pictures that took part.
    """

    revision: int
    found: bool
    alarms: int
    tested: int


def is_miss(record: Record) -> bool:
    """Return whether a person called a part a defect that was not judged one."""
    return record.verdict in ("good", "review") and record.answer == "defect"


def find_misses(station: Station, product: Product, limit: int) -> list[dict[str, Any]]:
    """Return the newest misses of a product: the record, its mark or None, and if it is taught.

    Of parts that were to be looked at again, they are those that somebody marked.
    """
    is_listed = (records.c.verdict == "good") | (
        (records.c.verdict == "review") & records.c.id.in_(select(marks.c.record))
    )
    missed = station.ledger.find(Filter(product=product.key, answer="defect"), limit, is_listed)
    drawn = station.ledger.labels.marks([record.id for record in missed])
    return [
        {
            "record": record,
            "mark": drawn.get(record.id),
            "taught": learned_as(product, record) == LIMIT,
        }
        for record in missed
    ]


def save_mark(
    station: Station, record: Record, shapes: list[dict[str, Any]], operator: str
) -> None:
    """Store where a missed defect is.

    Args:
        shapes: the fields of `masks.drawing.Shape`.

    Raises:
        ValueError: the record is no miss, or the shapes mark nothing of the picture, or all.
    """
    if not is_miss(record):
        raise ValueError(
            "a mark must be of a missed defect: not judged a defect, and answered with Defect; "
            f"record {record.id} is not; answer it first"
        )
    mark = Mark(record.id, time.time(), operator, shapes)
    mask = mark_mask(mark, record)
    if not mask.any():
        raise ValueError("a mark must lie on the picture; this one does not; draw over the defect")
    if mask.all():
        raise ValueError(
            "a mark must leave something of the picture unmarked; this one covers all of it; draw "
            "over the defect alone"
        )
    station.ledger.labels.mark(mark)


def mark_mask(mark: Mark, record: Record) -> Array:
    """Return (H, W) bool: the pixels of a record's picture that are marked."""
    return draw_shapes([Shape(**shape) for shape in mark.strokes], (record.height, record.width))


def cost_of(station: Station, record: Record, engineer: str) -> Cost:
    """Try to teach a missed defect; return what it would cost. Nothing is changed.

    The change is kept until another one is tried, so that `teach` does what was looked at.

    Cost: two or three times that of scoring `MAX_GOOD` pictures.

    Raises:
        ValueError: it is no marked miss, or too few good pictures are at hand.
        ArtifactError: the cost of another miss is being counted.
    """
    product = _product_of(station, record)
    with only_one(station):
        station.tried = None
        inspector = load(product.path)  # the line uses that of the product
        proposal = _propose(station, record, inspector, engineer)
        cost = _cost(inspector, proposal)
        station.tried = (record.id, cost, proposal.inspector) if proposal else None
    return cost


def teach(station: Station, record: Record, seen: Cost, engineer: str) -> int:
    """Teach a missed defect at the cost that an engineer has seen; return the revision.

    Raises:
        ValueError: it is no miss any more.
        ArtifactError: the product or the cost is another by now.
    """
    product, tried = _product_of(station, record), station.tried

    def change(inspector: Inspector) -> Inspector:
        if not (tried and seen.found and tried[:2] == (record.id, seen)):
            raise ArtifactError(_STALE)
        changed = open_journal(tried[2]).revisions
        if open_journal(inspector).revisions != changed[:-1]:
            raise ArtifactError(_STALE)
        return tried[2]

    with station.answer_lock:
        revision = product.change(change).revision
        station.ledger.labels.settle(_answer(station, record), revision)
    station.tried = None
    station.log_change(product.key, engineer, "limit", revision, f"taught the miss {record.name}")
    station.events.send("answer", {"record": record.id, "answer": record.answer})
    return revision


def _answer(station: Station, record: Record) -> Answer:
    """Return the answer by which a record is a miss."""
    answers = station.ledger.labels.of(record.id)
    return next(one for one in answers if one.undone is None and one.answer == "defect")


def _product_of(station: Station, record: Record) -> Product:
    """Return the product that missed a defect.

    Raises:
        ValueError: the record is no miss, or its product is gone.
    """
    product = station.products.get(record.product)
    if product is None or not is_miss(record):
        raise ValueError(
            "a missed defect must be a part that a product in service did not judge a defect, and "
            f"that was answered with Defect; record {record.id} is not"
        )
    return product


@contextmanager
def only_one(station: Station) -> Iterator[None]:
    """Try one change at a time: each takes a network of its own, and seconds."""
    if not station.teaching_lock.acquire(blocking=False):
        raise ArtifactError("one change is tried at a time; another is now; try again in a minute")
    try:
        yield
    finally:
        station.teaching_lock.release()


def _propose(
    station: Station, record: Record, inspector: Inspector, engineer: str
) -> Proposal | None:
    """Return the tested change that teaches a missed defect; None where there is none."""
    mark = station.ledger.labels.marks([record.id]).get(record.id)
    path = station.archive.path(record.picture_sha256)
    if mark is None or not path.exists():
        raise ValueError("a missed defect must be marked, on a picture that is still kept; mark it")
    grey_range = inspector.preparation.grey_range
    mask = mark_mask(mark, record)
    missed = Picture(learned_name(record), read_image(path, grey_range))
    good = _good_pictures(station, record, inspector)
    tested = len(good) - -(-len(good) // SELECTION_STEP)
    words = make_note(engineer, f"missed defect on {record.name}")
    note = Note(words.time, words.reason, max(COST, 1 / (tested + 1)))  # of few, no false alarm
    try:
        analysis = analyse_miss(inspector, missed, mask, good, note)
    except ValueError as error:
        raise ValueError(str(error).replace(missed.name, record.name)) from None
    return next((one for one in analysis.proposals if one.action == LIMIT), None)


def _good_pictures(station: Station, record: Record, inspector: Inspector) -> Folder:
    """Return the newest pictures of a product that were judged good, and not answered otherwise.

    Raises:
        ValueError: there are too few.
    """
    is_good = records.c.kept & (records.c.answer.is_(None) | (records.c.answer == "good"))
    found = station.ledger.find(Filter(product=record.product, verdict="good"), MAX_GOOD, is_good)
    paths = {one.picture_sha256: station.archive.path(one.picture_sha256) for one in found}
    there = {digest: path for digest, path in paths.items() if path.exists()}
    if len(there) < MIN_GOOD:
        raise ValueError(
            f"a cost must be counted on {MIN_GOOD} good parts or more that were inspected here; "
            f"{len(there)} are at hand; inspect more good parts, and try again"
        )
    grey_range = inspector.preparation.grey_range
    return Folder(tuple(there), tuple(there.values()), grey_range)


def _cost(inspector: Inspector, proposal: Proposal | None) -> Cost:
    """Return what a change would do."""
    if proposal is None:
        return Cost(revision_of(inspector), False, 0, 0)
    limits = inspector.threshold
    found = limits is not None and proposal.score > limits.score
    return Cost(revision_of(inspector), found, len(proposal.alarms), proposal.tested)
