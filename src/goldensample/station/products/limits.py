"""Candidate limits of a product: their promise, and their effect on the stored pictures."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import case, func, literal_column, select
from sqlalchemy.sql import ColumnElement

from goldensample.calibration.conformal import required_count
from goldensample.inspection.inspector import Inspector
from goldensample.learning.relimit import (
    calibration_of,
    limits_for_rates,
    promise_kind,
)
from goldensample.records import Threshold
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.rows import Filter, Record
from goldensample.station.records.tables import records
from goldensample.wording.limits import percent, promise

STEPS = (0.2, 0.15, 0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02, 0.015, 0.01, 0.005, 0.002, 0.001)
"""Rates of false alarms that a product may offer, where its pictures can show them."""
REVIEWS = (0.3,)
"""Larger rates, of good pictures to look at again, that are offered besides."""
EXAMPLES = 12
"""Records that are listed as examples of changed verdicts."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A rate of false alarms that a product's held-out pictures support.

    Args:
        rate: in (0, 1).
        words: the rate as text.
        estimate: whether its limit is estimated, without a promise.
        in_use: whether it is the product's current rate.
    """

    rate: float
    words: str
    estimate: bool
    in_use: bool


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """Number of stored pictures by their verdict with the current and with the candidate limits.

    Args:
        before: verdict with the current limits, or "none".
        after: verdict with the candidate limits.
        count: of pictures.
        answers: number of pictures by people's answer.
    """

    before: str
    after: str
    count: int
    answers: dict[str, int]


def choices(inspector: Inspector) -> list[Choice]:
    """Return the rates to choose from, the largest first, each with a limit of its own.

    They are those that the held-out pictures can show, and the one in use. Of n pictures, rates
    from k to k + 1 in n + 1 have one limit: the smallest is offered.

    Raises:
        ValueError: the file has no scores of held-out pictures.
    """
    calibration, current = calibration_of(inspector), inspector.threshold
    count, is_estimate = len(calibration.scores), promise_kind(inspector, calibration) == "estimate"
    current_rate = current.false_alarms if current else None
    of_step = {_step(rate, count): rate for rate in STEPS}  # the smallest rate of each
    of_step.pop(0, None)
    if current_rate is not None:
        of_step[_step(current_rate, count)] = current_rate
    return [
        Choice(
            rate, percent(rate), is_estimate or required_count(rate) > count, rate == current_rate
        )
        for rate in sorted(of_step.values(), reverse=True)
    ]


def _step(rate: float, count: int) -> int:
    """Return how many of `count` held-out pictures may lie above the limit for a rate; 0: none."""
    return int(rate * (count + 1) + 1e-9)


def preview(
    ledger: Ledger, key: str, inspector: Inspector, false_alarms: float, review: float | None
) -> dict[str, Any]:
    """Return the promise of candidate limits, and their verdicts on the stored pictures.

    The scores are those that were stored: pictures judged before the product last learned may
    score a little differently now.

    Raises:
        ValueError: the scores do not support the rates.
    """
    candidate = limits_for_rates(inspector, calibration_of(inspector), false_alarms, review)
    current = inspector.threshold
    groups = count_verdict_changes(ledger, key, current, candidate)
    changed = [group for group in groups if group.before != group.after]
    return {
        "false_alarms": false_alarms,
        "review": review,
        "score": candidate.score,
        "review_score": candidate.review,
        "promise": promise(candidate),
        "estimate": candidate.kind == "estimate",
        "same": current is not None
        and (candidate.score, candidate.review) == (current.score, current.review),
        "records": sum(group.count for group in groups),
        "changed": sum(group.count for group in changed),
        "changes": [asdict(group) for group in changed],
        "examples": [
            {
                "id": record.id,
                "name": record.name,
                "score": record.score,
                "before": current.verdict(record.score) if current else "none",
                "after": candidate.verdict(record.score),
                "answer": record.answer,
            }
            for record in examples(ledger, key, current, candidate)
            if record.score is not None
        ],
        **count_mistakes(groups),
    }


def count_verdict_changes(
    ledger: Ledger, key: str, current: Threshold | None, candidate: Threshold
) -> list[VerdictChange]:
    """Count the stored pictures of a product by verdict before and after."""
    selected = select(
        _verdict_column(current).label("was"),
        _verdict_column(candidate).label("becomes"),
        records.c.answer,
    ).where(records.c.product == key, records.c.score.is_not(None))
    verdicts = selected.subquery()
    query = select(*verdicts.c, func.count()).group_by(*verdicts.c)
    groups: dict[tuple[str, str], VerdictChange] = {}
    for was, becomes, answer, count in ledger.fetch(query):
        group = groups.get((was, becomes), VerdictChange(was, becomes, 0, {}))
        answers = {**group.answers, answer: count} if answer else group.answers
        groups[was, becomes] = replace(group, count=group.count + count, answers=answers)
    return sorted(groups.values(), key=lambda group: -group.count)


def count_mistakes(groups: list[VerdictChange]) -> dict[str, int]:
    """Count false alarms and misses among the pictures with an answer, before and after."""
    counts = {"good": 0, "defects": 0, "alarms_before": 0, "alarms_after": 0}
    counts |= {"misses_before": 0, "misses_after": 0}
    for group in groups:
        good, defects = group.answers.get("good", 0), group.answers.get("defect", 0)
        counts["good"] += good
        counts["defects"] += defects
        for when, verdict in (("before", group.before), ("after", group.after)):
            counts[f"alarms_{when}"] += good * (verdict == "defect")
            counts[f"misses_{when}"] += defects * (verdict == "good")
    return {f"answered_{name}": number for name, number in counts.items()}


def examples(
    ledger: Ledger, key: str, current: Threshold | None, candidate: Threshold
) -> list[Record]:
    """Return the newest stored pictures that would get another verdict."""
    is_changed: ColumnElement[bool] = _verdict_column(current) != _verdict_column(candidate)
    return ledger.find(Filter(product=key), EXAMPLES, is_changed & records.c.score.is_not(None))


def _verdict_column(limits: Threshold | None) -> ColumnElement[str]:
    """Return the verdict on a stored score as an SQL expression, as `Threshold.verdict` does."""
    if limits is None:
        return literal_column("'none'")
    cases: list[tuple[Any, Any]] = [(records.c.score > limits.score, literal_column("'defect'"))]
    if limits.review is not None:
        cases.append((records.c.score > limits.review, literal_column("'review'")))
    return case(*cases, else_=literal_column("'good'"))
