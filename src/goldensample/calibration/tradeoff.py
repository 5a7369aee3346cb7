"""What each limit costs: false alarms, as far as good pictures tell, and misses, where known."""

from dataclasses import dataclass

import numpy as np

from goldensample.calibration import conformal, tails
from goldensample.records import Array, Calibration, Threshold

RATES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
"""Of good pictures called defect, of which the table has those that can be told."""
BEYOND = 10
"""How far below the least rate that can be promised estimates go."""


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
class Labelled:
    """Scores of pictures of which the truth is known: (n,) of good ones, (n,) of defects."""

    good: Array
    defect: Array


def table(known: Calibration, used: Threshold | None, truth: Labelled | None) -> list[Limit]:
    """Return limits for the usual rates and the one in use, from many false alarms to few.

    Args:
        known: scores of good pictures that did not build what scored them; at least one.
        used: the limits of the file.
        truth: labelled pictures, or None.
    """
    n, found = len(known.scores), []
    for rate in RATES:
        if conformal.needed(rate) <= n:
            found.append(told(known, conformal.limit(known.scores, rate), truth))
        elif n >= conformal.LEAST and rate * (n + 1) * BEYOND >= 1:
            score = tails.limit(known.scores, rate)
            interval = tails.interval(known.scores, rate)
            found.append(Limit(score, rate, interval, True, False, *counted(score, truth)))
    if used is not None:
        found = [limit for limit in found if limit.score != used.score]
        if used.kind == "estimate" and used.false_alarms and used.interval:
            own = Limit(used.score, used.false_alarms, used.interval, True, True)
        else:
            own = told(known, used.score, None, True)
        alarms, misses = counted(used.score, truth)
        found.append(Limit(own.score, own.rate, own.interval, own.estimate, True, alarms, misses))
    return sorted(found, key=lambda limit: (limit.score, -limit.rate))


def told(known: Calibration, score: float, truth: Labelled | None, in_use: bool = False) -> Limit:
    """Return a limit with the rate that is expected over fits: (scores above it + 1) / (n + 1)."""
    rate = (1 + int(np.count_nonzero(known.scores > score))) / (len(known.scores) + 1)
    interval = conformal.spread(known.scores, score)
    return Limit(score, rate, interval, False, in_use, *counted(score, truth))


def counted(score: float, truth: Labelled | None) -> tuple[int | None, int | None]:
    """Return how many labelled good pictures are above a limit, and how many defects are not."""
    if truth is None:
        return None, None
    return int((truth.good > score).sum()), int((truth.defect <= score).sum())


def curves(known: Calibration, truth: Labelled | None) -> tuple[Array, Array, Array | None]:
    """Return limits, and for each the expected rate of false alarms and the share of misses.

    Returns:
        (k,) ascending limits; (k,) rates; (k,) shares, or None without labelled pictures.
    """
    among = [known.scores] if truth is None else [known.scores, truth.good, truth.defect]
    limits = np.unique(np.concatenate(among))
    n = len(known.scores)
    above = n - np.searchsorted(np.sort(known.scores), limits, side="right")
    if truth is None:
        return limits, (above + 1) / (n + 1), None
    missed = np.searchsorted(np.sort(truth.defect), limits, side="right") / len(truth.defect)
    return limits, (above + 1) / (n + 1), missed
