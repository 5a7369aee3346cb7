"""Conformal calibration: limits with a guaranteed false-alarm rate, from good pictures alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from goldensample.records import Array

FOLDS = 5
"""Folds of a cross-conformal calibration; picture i is in fold i modulo FOLDS."""
SCHEMES = ("auto", "split", "cross")
"""Calibration schemes that can be requested."""
MIN_TAIL_SCORES = 20
"""Fewest good pictures for an estimate of the tail; of fewer, each is judged without it alone."""
MIN_ESTIMATED = 2
"""Fewest good pictures for any estimate."""
MIN_HELD_OUT = 50
"""Fewest held-out pictures for an estimate from them; below, it is from FOLDS further fits."""

NEAR_COPIES = "near-copies"
"""What makes groups of pictures where nothing else was asked for."""


@dataclass(frozen=True, slots=True, eq=False)
class Scheme:
    """How the limits of a fit are calibrated.

    Args:
        kind: "split", "cross", "estimate", or None where there are too few pictures for any.
        held_out: ascending indices of the pictures that are held out of the fit, possibly none.
    """

    kind: str | None
    held_out: Array


@dataclass(frozen=True, slots=True)
class HoldOut:
    """Which pictures were held out of a fit.

    Args:
        pictures: how many.
        by: what made groups of the pictures, which were held out whole: folder, day, name:PATTERN,
            column:NAME or NEAR_COPIES; "" where they were drawn one by one.
        groups: number of groups among all pictures; 0 where pictures were drawn one by one.
        held_out: number of groups held out.
    """

    pictures: int
    by: str = ""
    groups: int = 0
    held_out: int = 0


def required_count(false_alarms: float) -> int:
    """Return how many good pictures guarantee a rate: the least n with 1 / (n + 1) <= rate."""
    return ceil(round(1 / false_alarms, 9)) - 1


def choose_scheme(
    n: int,
    false_alarms: float,
    requested: str = "auto",
    can_cross_fit: bool = True,
    groups: Sequence[str] = (),
) -> Scheme:
    """Choose the calibration scheme by the number of pictures.

    "auto" takes the strongest guarantee possible: split conformal where it needs at most half of
    the pictures held out of the fit; else cross-conformal; else, from MIN_TAIL_SCORES pictures on,
    an estimate of the tail; else, from MIN_ESTIMATED on, an estimate from pictures that are each
    judged without it, of methods that can be cross-fitted. "split" and "cross" take that guarantee
    or none.

    Args:
        n: good pictures.
        false_alarms: in (0, 1).
        requested: one of SCHEMES.
        can_cross_fit: whether the method can be cross-fitted.
        groups: of each picture, to be held out whole; empty for pictures one by one.

    Raises:
        ValueError: `requested` is none of SCHEMES, or "cross" for a method without cross-fitting.
    """
    if requested not in SCHEMES:
        raise ValueError(f"calibration must be one of {', '.join(SCHEMES)}; got {requested!r}")
    if requested == "cross" and not can_cross_fit:
        raise ValueError("calibration cross must go with patchcore on one network; got another")
    none = np.empty(0, np.int64)
    if requested != "cross" and len(held_out := hold_out(n, false_alarms, groups)):
        return Scheme("split", held_out)
    if requested != "split" and can_cross_fit and n >= max(required_count(false_alarms), FOLDS):
        return Scheme("cross", none)
    if requested == "auto" and n >= MIN_TAIL_SCORES:
        drawn = draw_indices(n, n // 5, groups) if n // 5 >= MIN_HELD_OUT else none
        return Scheme("estimate", drawn)
    if requested == "auto" and can_cross_fit and n >= MIN_ESTIMATED:
        return Scheme("estimate", none)
    return Scheme(None, none)


def limit(scores: Array, false_alarms: float) -> float:
    """Return the limit that a new good picture exceeds with at most this probability.

    It is the k-th smallest of n scores, k = ceil((n + 1)·(1 - rate)). For exchangeable pictures
    the probability, over the choice of held-out pictures and of the new one, is at most the rate.
    Of the scores 1 to 19 at 0.05, k is 19.

    Args:
        scores: (n,) scores of good pictures that did not build the bank; not changed.
        false_alarms: in (0, 1).

    Raises:
        ValueError: fewer scores than `required_count(false_alarms)`.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005.
    """
    if len(scores) < required_count(false_alarms):
        raise ValueError(
            f"a false-alarm rate of {false_alarms:g} must rest on at least "
            f"{required_count(false_alarms)} held-out pictures; got {len(scores)}"
        )
    rank = ceil(round((len(scores) + 1) * (1 - false_alarms), 9))
    return float(np.sort(scores)[rank - 1])


def proven_rate(kind: str, false_alarms: float, n: int) -> float | None:
    """Return the proven rate of false alarms, on average over fits, of exchangeable pictures.

    Cross-conformal with K folds proves 2a + 2(1 - a)(K - 1) / (n + K): the folds' p-values are
    valid but dependent, so that only twice their mean is valid. Usually the rate is below a all
    the same. Of 95 pictures at 0.05, 0.1 + 2·0.95·4 / 100 = 0.176 is proven.

    Args:
        kind: of the limits, as in `records.Threshold`.
        false_alarms: a, in (0, 1).
        n: good pictures that the limits are calibrated on.

    Returns:
        In (0, 1]; None where nothing is proven.

    Source: Vovk, Cross-conformal predictors, 2015; Vovk and Wang, Combining p-values via
        averaging, 2020; Gasparin and Ramdas, 2025, for the bound in this form.
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


def cross_conformal_score(fold_scores: Array, scores: Array) -> float:
    """Return the score of a picture to compare with the pooled held-out scores of all folds.

    The cross-conformal p-value counts, fold by fold, the held-out scores that reach the picture's
    score by the same fold. This is the mean of the picture's scores, moved by the least amount for
    which as many of all held-out scores reach it: so `p_value` of it is that p-value.
    Of 1 and 5 by two folds, where 2 and 3 were held out of the first, 9 and 8 of the second, all
    four reach it: the mean, 3, is moved to 2.

    Args:
        fold_scores: (K,) scores of the picture, by fold.
        scores: (n,) held-out scores, that of picture i by fold i modulo K.

    Source: Vovk, Cross-conformal predictors, 2015, equation 4; Barber, Candès, Ramdas and
        Tibshirani, Predictive inference with the jackknife+, 2021 (CV+).
    """
    folds = len(fold_scores)
    count = sum(int((scores[k::folds] >= score).sum()) for k, score in enumerate(fold_scores))
    descending = np.sort(scores)[::-1]
    lower = np.nextafter(descending[count], np.inf) if count < len(scores) else -np.inf
    upper = descending[count - 1] if count else np.inf
    return float(min(max(float(np.mean(fold_scores, dtype=np.float64)), lower), upper))


def rate_interval(scores: Array, limit: float, level: float = 0.9) -> tuple[float, float]:
    """Return the central interval of the rate of false alarms of a limit, over fits.

    The rate of one fit is random: with j of n scores above a limit that is one of them, it is
    distributed as Beta(j + 1, n - j), whose mean is the guaranteed (j + 1) / (n + 1). Above all
    scores it is only known to be between 0 and the rate at the largest.

    Args:
        scores: (n,) of held-out good pictures, at least one.
        limit: in the unit of the scores.
        level: share of fits, in (0, 1).

    Returns:
        Its ends.

    Source: Vovk, Conditional validity of inductive conformal predictors, 2012.
    """
    from scipy.stats import beta

    above = int(np.count_nonzero(scores > limit))
    distribution = beta(above + 1, max(len(scores) - above, 1))
    low, high = distribution.ppf((0.5 - level / 2, 0.5 + level / 2)).tolist()
    return (0.0 if limit > scores.max() else low), high


def hold_out(n: int, false_alarms: float, groups: Sequence[str] = ()) -> Array:
    """Choose the good pictures to hold out of the bank for split conformal.

    A fifth of them, or as many as the rate needs if that is more; none where that would be more
    than half. Of groups, whole ones, until they are as many.

    Returns:
        Ascending int64 indices, possibly empty.
    """
    count = max(required_count(false_alarms), n // 5)
    drawn = np.empty(0, np.int64) if 2 * count > n else draw_indices(n, count, groups)
    return drawn if len(drawn) >= required_count(false_alarms) else drawn[:0]


def draw_indices(n: int, count: int, groups: Sequence[str] = ()) -> Array:
    """Draw `count` of n indices, with a fixed seed, which exchangeable pictures allow.

    Of groups, whole ones are drawn until there are at least `count`, and none that would make them
    more than half. The number that is drawn, given as `count`, draws the same again.
    """
    if groups:
        order, numbers = group_order(groups)
        drawn = np.zeros(n, bool)
        for group in order:
            members = numbers == group
            if drawn.sum() < count and 2 * (drawn.sum() + members.sum()) <= n:
                drawn |= members
        return np.flatnonzero(drawn)
    return np.sort(np.random.default_rng(0).choice(n, count, replace=False))


def group_order(groups: Sequence[str]) -> tuple[Array, Array]:
    """Return the numbers of groups in the order in which they are drawn, and that of each item."""
    labels, numbers = np.unique(np.asarray(groups), return_inverse=True)
    return np.random.default_rng(0).permutation(len(labels)), numbers
