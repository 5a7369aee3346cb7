"""Feedback: people's answers to verdicts, and learning from them."""

import time

from goldensample.images.codec import read_image
from goldensample.learning.learn import forget, learn
from goldensample.learning.revisions import open_journal
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Picture
from goldensample.station.products.products import Product
from goldensample.station.records.rows import ERROR, Answer, Record
from goldensample.station.station import Station, learned_name, make_note


def save_answer(station: Station, record: Record, answer: str, operator: str) -> Answer:
    """Store an answer; a false alarm (verdict "defect" or "review" on a good picture) is learned.

    A later answer other than "good" makes the product forget it again. Answers are serialized, so
    that two on one picture teach it once.

    Args:
        answer: one of `rows.ANSWERS`.

    Raises:
        ValueError: the answer is unknown.
        ArtifactError: the product's file cannot be changed now; nothing is stored then.
    """
    with station.answer_lock:
        revision = _update_product(station, record, answer, operator)
        saved = station.ledger.add_answer(record.id, answer, operator, time.time(), revision)
    station.events.send("answer", {"record": record.id, "answer": answer})
    return saved


def _update_product(
    station: Station, record: Record, answer: str | None, operator: str
) -> int | None:
    """Make a product learn a record's picture if the answer is "good", else forget it.

    Returns:
        The revision in which it was learned; None if nothing was.
    """
    if answer == "good":
        return _learn_record(station, record, operator)
    product = station.products.get(record.product)
    if product and _has_learned(product, record):
        note = make_note(operator, f"{record.name} was no false alarm after all")
        name = learned_name(record)
        state = product.change(lambda inspector: forget(inspector, name, note))
        station.log_change(product.key, operator, "forget", state.revision, f"forgot {record.name}")
    return None


def _learn_record(station: Station, record: Record, operator: str) -> int | None:
    """Make a product learn a record's picture, if it should; return the revision."""
    product = station.products.get(record.product)
    if product is None or not _should_learn(station, product, record):
        return None
    path = station.archive.path(record.picture_sha256)
    pixels = read_image(path, product.state.inspector.preparation.grey_range)
    note = make_note(operator, f"false alarm on {record.name}")
    pictures = [Picture(learned_name(record), pixels)]
    revision = product.change(lambda inspector: learn(inspector, pictures, note)).revision
    station.log_change(product.key, operator, "learn", revision, f"learned {record.name} as good")
    return revision


def undo_answer(station: Station, answer: Answer, operator: str) -> None:
    """Undo an answer: the one before it holds again, and decides what the product has learned.

    Raises:
        ArtifactError: the product's file cannot be changed now; nothing is undone then.
    """
    record = station.ledger.get(answer.record)
    assert record, "an answer is of a record"
    with station.answer_lock:
        others = (other for other in station.ledger.answers(record.id) if other.id != answer.id)
        previous = next((other.answer for other in others if other.undone is None), None)
        _update_product(station, record, previous, operator)
        station.ledger.undo_answer(answer, time.time())
    station.events.send("answer", {"record": record.id, "answer": None})


def _should_learn(station: Station, product: Product, record: Record) -> bool:
    """Tell whether a product can learn a record's picture: one that it judged, and not as good."""
    can_learn = isinstance(product.state.inspector.detector, PatchCoreDetector)
    on_disk = station.archive.path(record.picture_sha256).exists()
    is_odd = record.verdict not in ("good", ERROR)
    return can_learn and on_disk and is_odd and not _has_learned(product, record)


def _has_learned(product: Product, record: Record) -> bool:
    """Tell whether a record's picture is among those that a product has learned."""
    inspector = product.state.inspector
    if inspector.journal is None:
        return False
    journal = open_journal(inspector)
    numbers = journal.pictures(journal.head, ("learn",))
    return any(inspector.pictures[number].name == learned_name(record) for number in numbers)
