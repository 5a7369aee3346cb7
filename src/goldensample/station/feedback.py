"""Feedback: people's answers to verdicts, and learning from them."""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from goldensample.images.codec import read_image
from goldensample.inspection.revision import LEARN, LIMIT
from goldensample.learning.learn import forget, learn
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Picture
from goldensample.station.products.good_pictures import journal_of, judges_composition
from goldensample.station.products.products import Product
from goldensample.station.records.rows import ERROR, Answer, Record
from goldensample.station.station import Station, learned_name, make_note

STAYS = {"good": LEARN, "defect": LIMIT}
"""What a product may have learned of a picture, by the answer to it."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who answers.

    Args:
        name: "" if unknown.
        decides: whether the product learns at once; else "good" is a proposal to an engineer.
    """

    name: str
    decides: bool


def save_answer(station: Station, record: Record, answer: str, who: Who) -> Answer:
    """Store an answer; a false alarm (verdict "defect" or "review" on a good picture) is learned.

    Where the person does not decide, it is a proposal. A later answer other than "good" makes the
    product forget it again. Answers are serialized, so that two on one picture teach it once.

    Args:
        answer: one of `rows.ANSWERS`.

    Raises:
        ValueError: the answer is unknown.
        ArtifactError: the product's file cannot be changed now; nothing is stored then.
    """
    with station.answer_lock:
        revision, proposed = _update_product(station, record, answer, who)
        saved = station.ledger.labels.add(
            Answer(0, record.id, time.time(), who.name, answer, revision, None, proposed)
        )
    station.events.send("answer", {"record": record.id, "answer": answer})
    return saved


def save_part_answer(
    station: Station, records: Sequence[Record], answer: str, views: Collection[str], who: Who
) -> list[Answer]:
    """Store an answer to a part as answers to its views' pictures: all of them or none.

    "good" is said of every view, and views that were called odd may learn it. "defect" is said of
    the views that show it. Of the others nothing is known: those that wait for an answer are kept
    as "unsure", so that nothing is learned of them. "unsure" is said of those that wait.

    Args:
        records: of the part's views.
        answer: one of `rows.ANSWERS`.
        views: names of those that show the defect.

    Returns:
        the answers, in the order of the records.

    Raises:
        ValueError: a defect is shown by no view, or by one that the part does not have.
        ArtifactError: a product's file cannot be changed now; nothing is stored then.
    """
    names = [record.view for record in records]
    if answer == "defect" and (not views or not set(views) <= set(names)):
        raise ValueError(
            f"a defect must be shown by a view of the part ({', '.join(map(str, names))}); got "
            f"{', '.join(views) or 'none'}"
        )
    saved: list[Answer] = []
    try:
        for record in records:
            if said := _answer_to(record, answer, views):
                saved.append(save_answer(station, record, said, who))
    except Exception:
        for one in reversed(saved):
            undo_answer(station, one, who)
        raise
    return saved


def undo_answer(station: Station, answer: Answer, who: Who) -> None:
    """Undo an answer: the one before it holds again, and decides what the product has learned.

    Raises:
        ArtifactError: the product's file cannot be changed now; nothing is undone then.
    """
    record = station.ledger.get(answer.record)
    assert record, "an answer is of a record"
    with station.answer_lock:
        others = (other for other in station.ledger.labels.of(record.id) if other.id != answer.id)
        previous = next((other for other in others if other.undone is None), None)
        revision, proposed = _update_product(
            station, record, previous.answer if previous else None, who
        )
        if previous and (proposed or revision is not None):
            station.ledger.labels.settle(previous, revision, proposed)
        station.ledger.labels.undo(answer, time.time())
    station.events.send("answer", {"record": record.id, "answer": None})


def decide(station: Station, answer: Answer, learns: bool, engineer: str) -> int | None:
    """Decide on a proposal: the product learns its picture, or it does not.

    Returns:
        The revision in which it was learned; None if it was not.

    Raises:
        ArtifactError: the product's file cannot be changed now; the proposal stays then.
    """
    record = station.ledger.get(answer.record)
    assert record, "an answer is of a record"
    product, revision = station.products.get(record.product), None
    with station.answer_lock:
        if learns and product and _should_learn(station, product, record):
            by = f", proposed by {answer.operator}" if answer.operator else ""
            revision = _learn(station, product, record, (engineer, by))
        station.ledger.labels.settle(answer, revision)
    station.events.send("answer", {"record": record.id, "answer": answer.answer})
    return revision


def learned_as(product: Product, record: Record) -> str | None:
    """Return how a product has learned a record's picture: `LEARN`, `LIMIT`, or None."""
    inspector = product.state.inspector
    journal = journal_of(inspector)
    if journal is None or inspector.journal is None:
        return None
    for action in (LEARN, LIMIT):
        numbers = journal.pictures(journal.head, (action,))
        if any(inspector.pictures[number].name == learned_name(record) for number in numbers):
            return action
    return None


def would_silence(station: Station, record: Record) -> bool:
    """Tell whether the product, once it learns a picture, no longer judges what is missing."""
    product = station.products.get(record.product)
    if product is None or not judges_composition(product.state.inspector):
        return False
    return _should_learn(station, product, record)


def _update_product(
    station: Station, record: Record, answer: str | None, who: Who
) -> tuple[int | None, bool]:
    """Make a product learn a record's picture if the answer is "good", else forget it.

    Returns:
        The revision in which it was learned, None if nothing was; and whether to propose it.
    """
    product = station.products.get(record.product)
    if product is None:
        return None, False
    learned = learned_as(product, record)
    if learned and learned != STAYS.get(answer or ""):
        note = make_note(who.name, f"{record.name} was no false alarm after all")
        if learned == LIMIT:
            note = make_note(who.name, f"{record.name} was no missed defect after all")
        name = learned_name(record)
        state = product.change(lambda inspector: forget(inspector, name, note))
        station.log_change(product.key, who.name, "forget", state.revision, f"forgot {record.name}")
    if answer != "good" or not _should_learn(station, product, record):
        return None, False
    return (
        (_learn(station, product, record, (who.name, "")), False) if who.decides else (None, True)
    )


def _learn(station: Station, product: Product, record: Record, by: tuple[str, str]) -> int:
    """Make a product learn a record's picture; return the revision.

    Args:
        by: the person, and words to add on who else took part.
    """
    path = station.archive.path(record.picture_sha256)
    pixels = read_image(path, product.state.inspector.preparation.grey_range)
    note = make_note(by[0], f"false alarm on {record.name}{by[1]}")
    pictures = [Picture(learned_name(record), pixels)]
    revision = product.change(lambda inspector: learn(inspector, pictures, note)).revision
    words = f"learned {record.name} as good{by[1]}"
    station.log_change(product.key, by[0], "learn", revision, words)
    return revision


def _should_learn(station: Station, product: Product, record: Record) -> bool:
    """Tell whether a product can learn a record's picture: one that it judged, and not as good."""
    can_learn = isinstance(product.state.inspector.detector, PatchCoreDetector)
    on_disk = station.archive.path(record.picture_sha256).exists()
    is_odd = record.verdict not in ("good", ERROR)
    return can_learn and on_disk and is_odd and learned_as(product, record) is None


def _answer_to(record: Record, answer: str, views: Collection[str]) -> str:
    """Return what is said of one view; "" for nothing."""
    if answer == "good" or (answer == "defect" and record.view in views):
        return answer
    return "unsure" if record.answer is None and record.verdict != "good" else ""
