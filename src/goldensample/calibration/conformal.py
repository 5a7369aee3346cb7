"""Conformal limits: what a rate of false alarms means on good pictures alone."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from goldensample.records import Array

FOLDS = 5
"""Parts of a cross-conformal calibration; picture i is in part i modulo FOLDS."""
WAYS = ("auto", "split", "cross")
"""How limits can be asked for."""
LEAST = 20
"""Good pictures that an estimate of the tail needs."""
APART = 50
"""Held-out pictures from which on an estimate rests on them rather than on FOLDS further fits."""


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """How the limits of a fit are set.

    Args:
        kind: "split", "cross", "estimate", or None where there are too few pictures for any.
        out: ascending indices of the pictures that stay out of the fit, possibly none.
    """

    kind: str | None
    out: Array


def needed(false_alarms: float) -> int:
    """Return how many good pictures a promised rate needs: the least n with 1 / (n + 1) <= rate."""
    return ceil(round(1 / false_alarms, 9)) - 1


def way(n: int, false_alarms: float, asked: str = "auto", crosses: bool = True) -> Way:
    """Choose how limits are set, by the number of pictures.

    "auto" takes the strongest promise to be had: split conformal where at most half of the pictures
    must stay out of the fit for it; else cross-conformal; else, from LEAST pictures on, an estimate
    of the tail. "split" and "cross" take that promise or none.

    Args:
        n: good pictures.
        false_alarms: in (0, 1).
        asked: one of WAYS.
        crosses: whether the method can be cross-fitted.

    Raises:
        ValueError: `asked` is none of WAYS, or "cross" for a method that cannot be.
    """
    if asked not in WAYS:
        raise ValueError(f"calibration must be one of {', '.join(WAYS)}; got {asked!r}")
    if asked == "cross" and not crosses:
        raise ValueError("calibration cross must go with patchcore on one network; got another")
    nobody = np.empty(0, np.int64)
    if asked != "cross" and len(out := hold_out(n, false_alarms)):
        return Way("split", out)
    if asked != "split" and crosses and n >= max(needed(false_alarms), FOLDS):
        return Way("cross", nobody)
    if asked == "auto" and n >= LEAST:
        return Way("estimate", drawn(n, n // 5) if n // 5 >= APART else nobody)
    return Way(None, nobody)


def limit(scores: Array, false_alarms: float) -> float:
    """Return the limit that a new good picture exceeds with at most the given probability.

    It is the k-th smallest of n scores, k = ceil((n + 1)·(1 - rate)). For exchangeable pictures
    the probability, over the choice of held-out pictures and of the new one, is at most the rate.
    Of the scores 1 to 19 at 0.05, k is 19.

    Args:
        scores: (n,) scores of good pictures that did not build the bank; not changed.
        false_alarms: in (0, 1).

    Raises:
        ValueError: fewer scores than `needed(false_alarms)`.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005.
    """
    if len(scores) < needed(false_alarms):
        raise ValueError(
            f"a false-alarm rate of {false_alarms:g} must rest on at least {needed(false_alarms)} "
            f"held-out pictures; got {len(scores)}"
        )
    rank = ceil(round((len(scores) + 1) * (1 - false_alarms), 9))
    return float(np.sort(scores)[rank - 1])


def proven(kind: str, false_alarms: float, n: int) -> float | None:
    """Return the rate of false alarms, on average over fits, that is proven for exchangeable ones.

    Cross-conformal with K parts proves 2a + 2(1 - a)(K - 1) / (n + K): the parts' p-values are
    valid but depend on each other, and twice their mean is what remains valid. Usually the rate is
    below a all the same. Of 95 pictures at 0.05, 0.1 + 2·0.95·4 / 100 = 0.176 is proven.

    Args:
        kind: of the limits, as in `records.Threshold`.
        false_alarms: a, in (0, 1).
        n: good pictures that the limits rest on.

    Returns:
        In (0, 1]; None where nothing is proven.

    Source: Vovk, Cross-conformal predictors, 2015; Vovk and Wang, Combining p-values via
        averaging, 2020; Gasparin and Ramdas, 2025, for the bound as it stands here.
    """
    if kind == "split":
        return false_alarms
    if kind != "cross":
        return None
    return min(1.0, 2 * false_alarms + 2 * (1 - false_alarms) * (FOLDS - 1) / (n + FOLDS))


def p_value(scores: Array, score: float) -> float:
    """Return the conformal p-value of a score: (1 + held-out scores as high) / (n + 1).

    For exchangeable good pictures it is at most a with probability at most a, over the choice of
    held-out pictures and of the new one. p_value([1, 2, 3], 2.5) is (1 + 1) / 4.

    Args:
        scores: (n,) of good pictures that did not build the bank.
        score: of a new picture.
    """
    return (1 + int(np.count_nonzero(scores >= score))) / (len(scores) + 1)


def crossed(own: Array, scores: Array) -> float:
    """Return the score by which a picture is held against the held-out scores of all folds.

    The cross-conformal p-value counts, fold by fold, the held-out scores that reach the picture's
    score by the same fold. This is the mean of the picture's scores, moved no farther than it takes
    for as many of all held-out scores together to reach it: so `p_value` of it is that p-value.
    Of 1 and 5 by two folds, where 2 and 3 were held out of the first, 9 and 8 of the second, all
    four reach it: the mean, 3, is moved to 2.

    Args:
        own: (K,) scores of the picture, by fold.
        scores: (n,) held-out scores, that of picture i by fold i modulo K.

    Source: Vovk, Cross-conformal predictors, 2015, equation 4; Barber, Candès, Ramdas and
        Tibshirani, Predictive inference with the jackknife+, 2021 (CV+).
    """
    folds = len(own)
    count = sum(int((scores[k::folds] >= one).sum()) for k, one in enumerate(own))
    falling = np.sort(scores)[::-1]
    least = np.nextafter(falling[count], np.inf) if count < len(scores) else -np.inf
    most = falling[count - 1] if count else np.inf
    return float(min(max(float(np.mean(own, dtype=np.float64)), least), most))


def spread(scores: Array, at: float, level: float = 0.9) -> tuple[float, float]:
    """Return between which rates of false alarms a limit lies in most fits.

    The rate of one fit is a draw: with j of n scores above a limit that is one of them, it is
    distributed as Beta(j + 1, n - j), whose mean is the promised (j + 1) / (n + 1). Above all
    scores nothing but 0 to the rate at the largest can be said.

    Args:
        scores: (n,) of held-out good pictures, at least one.
        at: the limit.
        level: share of fits, in (0, 1).

    Returns:
        The ends of the central interval.

    Source: Vovk, Conditional validity of inductive conformal predictors, 2012.
    """
    from scipy.stats import beta

    above = int(np.count_nonzero(scores > at))
    law = beta(above + 1, max(len(scores) - above, 1))
    low, high = law.ppf((0.5 - level / 2, 0.5 + level / 2)).tolist()
    return (0.0 if at > scores.max() else low), high


def hold_out(n: int, false_alarms: float) -> Array:
    """Choose the good pictures that stay out of the bank for split conformal.

    A fifth of them, or as many as the rate needs if that is more; none where that would be more
    than half.

    Returns:
        Ascending int64 indices, possibly empty.
    """
    wanted = max(needed(false_alarms), n // 5)
    return np.empty(0, np.int64) if 2 * wanted > n else drawn(n, wanted)


def drawn(n: int, count: int) -> Array:
    """Draw `count` of n pictures, always the same: exchangeable pictures need no other luck."""
    return np.sort(np.random.default_rng(0).choice(n, count, replace=False))
