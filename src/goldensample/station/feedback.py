"""What people say of verdicts, and what a product learns by it."""

import time

from goldensample.images.codec import read_image
from goldensample.learning.learn import forget, learn
from goldensample.learning.revisions import opened
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Picture
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Answer, Record
from goldensample.station.station import Station, learned_name, note_of


def keep_answer(station: Station, record: Record, said: str, operator: str) -> Answer:
    """Keep an answer; a picture wrongly called a defect, or to be looked at again, is learned.

    Who thinks better of it and answers otherwise makes the product forget it again. Answers come
    one at a time, so that two of one picture teach it once.

    Args:
        said: one of `rows.ANSWERS`.

    Raises:
        ValueError: the answer is unknown.
        ArtifactError: the product's file cannot be changed now; nothing is kept then.
    """
    with station.answering:
        revision = _settle(station, record, said, operator)
        kept = station.ledger.answer(record.id, said, operator, time.time(), revision)
    station.events.send("answer", {"record": record.id, "answer": said})
    return kept


def _settle(station: Station, record: Record, said: str | None, operator: str) -> int | None:
    """Let a product know a record's picture where it is called good, and only there.

    Returns:
        The revision in which it was learned; None where nothing was.
    """
    if said == "good":
        return _learn(station, record, operator)
    product = station.products.get(record.product)
    if product and _knows(product, record):
        note = note_of(operator, f"{record.name} was no false alarm after all")
        name = learned_name(record)
        state = product.change(lambda inspector: forget(inspector, name, note))
        station.note(product.key, operator, "forget", state.revision, f"forgot {record.name}")
    return None


def _learn(station: Station, record: Record, operator: str) -> int | None:
    """Let a product learn a record's picture, if it can and has reason to; return the revision."""
    product = station.products.get(record.product)
    if product is None or not _is_new(station, product, record):
        return None
    path = station.archive.path(record.picture_sha256)
    picture = read_image(path, product.state.inspector.preparation.white)
    note = note_of(operator, f"false alarm on {record.name}")
    some = [Picture(learned_name(record), picture)]
    revision = product.change(lambda inspector: learn(inspector, some, note)).revision
    station.note(product.key, operator, "learn", revision, f"learned {record.name} as good")
    return revision


def take_back(station: Station, taken: Answer, operator: str) -> None:
    """Take an answer back: the one before it holds again, and what the product learned goes by it.

    Raises:
        ArtifactError: the product's file cannot be changed now; nothing is undone then.
    """
    record = station.ledger.one(taken.record)
    assert record, "an answer is of a record"
    with station.answering:
        others = (one for one in station.ledger.answers(record.id) if one.id != taken.id)
        left = next((one.answer for one in others if one.undone is None), None)
        _settle(station, record, left, operator)
        station.ledger.undo(taken, time.time())
    station.events.send("answer", {"record": record.id, "answer": None})


def _is_new(station: Station, product: Product, record: Record) -> bool:
    """Tell whether a product can learn a record's picture, and has reason to."""
    learns = isinstance(product.state.inspector.detector, PatchCoreDetector)
    there = station.archive.path(record.picture_sha256).exists()
    return learns and there and record.verdict != "good" and not _knows(product, record)


def _knows(product: Product, record: Record) -> bool:
    """Tell whether rows of a record's picture are in use."""
    inspector = product.state.inspector
    if inspector.journal is None:
        return False
    journal = opened(inspector)
    known = journal.pictures(journal.head, ("learn",))
    return any(inspector.pictures[number].name == learned_name(record) for number in known)
