"""Limits from very few scores: an estimate, for scores whose logarithms are normal."""

import numpy as np

from goldensample.records import Array

DRAWS = 4000
"""Samples drawn for an interval."""
LEAST = 1e-6
"""Share of the largest score below which scores count as equal: 0 has no logarithm."""


def limit(scores: Array, rate: float) -> float:
    """Return the limit with an estimated rate of false alarms; never below the largest score.

    The logarithms' mean, and Student's t for n - 1 degrees of freedom times their deviation times
    sqrt(1 + 1 / n) above it: of normal logarithms, a new one is above it with just this
    probability, over the choice of all of them.

    Args:
        scores: (n,) at or above 0, of good pictures that the bank was not built from, at least 2.
        rate: in (0, 1).
    """
    largest = float(scores.max())
    if largest <= 0:
        return largest
    logs = np.log(np.maximum(scores, LEAST * largest))
    return max(largest, float(np.exp(_log_limits(logs[None], rate)[0])))


def interval(count: int, rate: float, level: float = 0.9) -> tuple[float, float]:
    """Return the central interval of the true rate of such a limit, over the choice of scores.

    It depends on nothing but the number of scores: limits are set on samples of normal numbers,
    drawn with a fixed seed, and the true rate of each is known.

    Args:
        count: of the scores, at least 2.
        rate: that the limit is set for, in (0, 1).
        level: of the interval, in (0, 1).
    """
    from scipy.special import ndtr

    logs = np.random.default_rng(0).normal(size=(DRAWS, count))
    rates = ndtr(-np.maximum(_log_limits(logs, rate), logs.max(axis=1)))
    low, high = np.quantile(rates, (0.5 - level / 2, 0.5 + level / 2)).tolist()
    return low, high


def _log_limits(logs: Array, rate: float) -> Array:
    """Return the upper prediction limit of each row of (k, n)."""
    from scipy.special import stdtrit

    n = logs.shape[1]
    factor = float(stdtrit(n - 1, 1 - rate)) * (1 + 1 / n) ** 0.5
    limits: Array = logs.mean(axis=1) + factor * logs.std(axis=1, ddof=1)
    return limits
