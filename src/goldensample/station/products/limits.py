"""Other limits for a product: what they promise, and what they would have changed."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import case, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from goldensample.calibration.conformal import needed
from goldensample.calibration.tradeoff import RATES
from goldensample.inspection.inspector import Inspector
from goldensample.learning.relimit import calibration, kind_of, proposed, tells_of
from goldensample.records import Threshold
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.rows import Filter, Record
from goldensample.station.records.tables import records
from goldensample.wording.limits import percent, promise

SHOWN = 12
"""Records that are named among those that would change."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A rate of false alarms that a product's good pictures can tell something of.

    Args:
        rate: in (0, 1).
        words: the rate as people read it.
        estimate: whether it is estimated, without a promise.
        in_use: whether the product has it.
    """

    rate: float
    words: str
    estimate: bool
    in_use: bool


@dataclass(frozen=True, slots=True)
class Moved:
    """How many stored pictures would get another verdict.

    Args:
        before: verdict by the limits in use, or "none".
        after: verdict by the limits proposed.
        count: of pictures.
        answers: how many of them people called good, and how many a defect.
    """

    before: str
    after: str
    count: int
    answers: dict[str, int]


def choices(inspector: Inspector) -> list[Choice]:
    """Return the rates to choose from, many false alarms first.

    Raises:
        ValueError: no scores of good pictures are kept.
    """
    known, used = calibration(inspector), inspector.threshold
    n, guessed = len(known.scores), kind_of(inspector, known) == "estimate"
    rate = used.false_alarms if used else None
    rates = {*RATES, *([] if rate is None else [rate])}
    return [
        Choice(one, percent(one), guessed or needed(one) > n, one == rate)
        for one in sorted(rates, reverse=True)
        if tells_of(n, one)
    ]


def preview(
    ledger: Ledger, key: str, inspector: Inspector, false_alarms: float, review: float | None
) -> dict[str, Any]:
    """Return what other limits promise, and what they would have said of the stored pictures.

    The scores are those that were stored: pictures judged before the product last learned may
    score a little differently now.

    Raises:
        ValueError: the rates cannot be had.
    """
    then = proposed(inspector, calibration(inspector), false_alarms, review)
    now = inspector.threshold
    groups = moved(ledger, key, now, then)
    changed = [one for one in groups if one.before != one.after]
    return {
        "false_alarms": false_alarms,
        "review": review,
        "score": then.score,
        "review_score": then.review,
        "promise": promise(then),
        "estimate": then.kind == "estimate",
        "same": now is not None and (then.score, then.review) == (now.score, now.review),
        "records": sum(one.count for one in groups),
        "changed": sum(one.count for one in changed),
        "changes": [asdict(one) for one in changed],
        "examples": [
            {
                "id": record.id,
                "name": record.name,
                "score": record.score,
                "before": now.verdict(record.score) if now else "none",
                "after": then.verdict(record.score),
                "answer": record.answer,
            }
            for record in examples(ledger, key, now, then)
        ],
        **answered(groups),
    }


def moved(ledger: Ledger, key: str, now: Threshold | None, then: Threshold) -> list[Moved]:
    """Count the stored pictures of a product by their verdicts before and after."""
    each = select(
        _verdict(now).label("was"), _verdict(then).label("becomes"), records.c.answer
    ).where(records.c.product == key)
    found_in = each.subquery()
    query = select(*found_in.c, func.count()).group_by(*found_in.c)
    found: dict[tuple[str, str], Moved] = {}
    for was, becomes, answer, count in ledger.rows(query):
        kept = found.get((was, becomes), Moved(was, becomes, 0, {}))
        answers = {**kept.answers, answer: count} if answer else kept.answers
        found[was, becomes] = replace(kept, count=kept.count + count, answers=answers)
    return sorted(found.values(), key=lambda one: -one.count)


def answered(groups: list[Moved]) -> dict[str, int]:
    """Return how many pictures that people answered are judged wrongly, before and after."""
    counts = {"good": 0, "defects": 0, "alarms_before": 0, "alarms_after": 0}
    counts |= {"misses_before": 0, "misses_after": 0}
    for one in groups:
        good, defects = one.answers.get("good", 0), one.answers.get("defect", 0)
        counts["good"] += good
        counts["defects"] += defects
        for when, verdict in (("before", one.before), ("after", one.after)):
            counts[f"alarms_{when}"] += good * (verdict == "defect")
            counts[f"misses_{when}"] += defects * (verdict == "good")
    return {f"answered_{name}": number for name, number in counts.items()}


def examples(ledger: Ledger, key: str, now: Threshold | None, then: Threshold) -> list[Record]:
    """Return the newest stored pictures that would get another verdict."""
    differ: ColumnElement[bool] = _verdict(now) != _verdict(then)
    return ledger.find(Filter(product=key), SHOWN, differ)


def _verdict(limits: Threshold | None) -> ColumnElement[str]:
    """Return what limits say of a stored score, as `Threshold.verdict` does."""
    if limits is None:
        return literal_column("'none'")
    ways: list[tuple[Any, Any]] = [(records.c.score > limits.score, literal_column("'defect'"))]
    if limits.review is not None:
        ways.append((records.c.score > limits.review, literal_column("'review'")))
    return case(*ways, else_=literal_column("'good'"))
