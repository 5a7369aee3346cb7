"""The trade-off of limits: false alarms by held-out good pictures, misses by labelled ones."""

from dataclasses import dataclass

import numpy as np

from goldensample.calibration import conformal, tails
from goldensample.records import Array, Calibration, Threshold

RATES = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
"""Of good pictures called defect; the table has those that can be guaranteed or estimated."""
EXTRAPOLATION = 10
"""How far below the least guaranteed rate estimates go."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and its cost.

    Args:
        score: a picture is a defect when its score is larger.
        rate: of good pictures called defect, in (0, 1): expected over fits, or estimated.
        interval: rates between which that of this one fit may well lie (90 %).
        estimate: whether the rate is estimated from a tail.
        in_use: whether it is the limit that the file has.
        alarms: good pictures called defect among labelled ones; None where there are none.
        misses: defects called good among labelled ones; None where there are none.
    """

    score: float
    rate: float
    interval: tuple[float, float]
    estimate: bool
    in_use: bool = False
    alarms: int | None = None
    misses: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LabelledScores:
    """Scores of labelled pictures: (n,) of good ones, (n,) of defects."""

    good: Array
    defect: Array


def table(
    calibration: Calibration, used: Threshold | None, labelled: LabelledScores | None
) -> list[Limit]:
    """Return limits for the usual rates and the one in use, from many false alarms to few.

    Args:
        calibration: scores of good pictures held out of the fit; at least one.
        used: the limits of the file.
        labelled: scores of labelled pictures, or None.
    """
    n, limits = len(calibration.scores), []
    for rate in RATES:
        if conformal.required_count(rate) <= n:
            score = conformal.limit(calibration.scores, rate)
            limits.append(limit_at(calibration, score, labelled))
        elif n >= conformal.MIN_TAIL_SCORES and rate * (n + 1) * EXTRAPOLATION >= 1:
            score = tails.limit(calibration.scores, rate)
            interval = tails.interval(calibration.scores, rate)
            mistakes = count_mistakes(score, labelled)
            limits.append(Limit(score, rate, interval, True, False, *mistakes))
    if used is not None:
        limits = [limit for limit in limits if limit.score != used.score]
        if used.kind == "estimate" and used.false_alarms and used.interval:
            mistakes = count_mistakes(used.score, labelled)
            rate, interval = used.false_alarms, used.interval
            limits.append(Limit(used.score, rate, interval, True, True, *mistakes))
        else:
            limits.append(limit_at(calibration, used.score, labelled, True))
    return sorted(limits, key=lambda limit: (limit.score, -limit.rate))


def limit_at(
    calibration: Calibration, score: float, labelled: LabelledScores | None, in_use: bool = False
) -> Limit:
    """Return a limit with the rate that is expected over fits: (scores above it + 1) / (n + 1)."""
    rate = (1 + int(np.count_nonzero(calibration.scores > score))) / (len(calibration.scores) + 1)
    interval = conformal.rate_interval(calibration.scores, score)
    return Limit(score, rate, interval, False, in_use, *count_mistakes(score, labelled))


def count_mistakes(score: float, labelled: LabelledScores | None) -> tuple[int | None, int | None]:
    """Return how many labelled good pictures are above a limit, and how many defects are not."""
    if labelled is None:
        return None, None
    return int((labelled.good > score).sum()), int((labelled.defect <= score).sum())


def curves(
    calibration: Calibration, labelled: LabelledScores | None
) -> tuple[Array, Array, Array | None]:
    """Return limits, and for each the expected rate of false alarms and the share of misses.

    Returns:
        (k,) ascending limits; (k,) rates; (k,) shares, or None without labelled pictures.
    """
    scores = (
        [calibration.scores]
        if labelled is None
        else [calibration.scores, labelled.good, labelled.defect]
    )
    limits = np.unique(np.concatenate(scores))
    n = len(calibration.scores)
    above = n - np.searchsorted(np.sort(calibration.scores), limits, side="right")
    if labelled is None:
        return limits, (above + 1) / (n + 1), None
    missed = np.searchsorted(np.sort(labelled.defect), limits, side="right") / len(labelled.defect)
    return limits, (above + 1) / (n + 1), missed


@dataclass(frozen=True, slots=True)
class Measured:
    """What a limit does on good pictures that it was not set on.

    Args:
        pictures: how many.
        alarms: of them above the limit.
        interval: 95 % interval of their rate, of Clopper and Pearson.
        limit: that holds the promised rate on such pictures; None where they are too few.
    """

    pictures: int
    alarms: int
    interval: tuple[float, float]
    limit: float | None

    @property
    def rate(self) -> float:
        """Share of alarms."""
        return self.alarms / self.pictures


def measure(scores: Array, limit: float, promised: float | None) -> Measured:
    """Return what a limit does on the scores (n,) of good pictures that it was not set on.

    Example: of 20 scores with one above the limit, the interval is 0.13 % to 24.9 %.
    """
    from scipy.stats import binomtest

    alarms, count = int(np.count_nonzero(scores > limit)), len(scores)
    ends = binomtest(alarms, count).proportion_ci(0.95, "exact")
    holds = promised is not None and count >= conformal.required_count(promised)
    own = conformal.limit(scores, promised) if holds and promised is not None else None
    return Measured(count, alarms, (float(ends.low), float(ends.high)), own)
