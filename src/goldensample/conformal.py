"""Split-conformal limits: what a rate of false alarms means on good pictures alone."""

from math import ceil

import numpy as np

from goldensample.records import Array


def needed(false_alarms: float) -> int:
    """Return how many held-out good pictures a rate needs: the least n with 1 / (n + 1) <= rate."""
    return ceil(round(1 / false_alarms, 9)) - 1


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


def p_value(scores: Array, score: float) -> float:
    """Return the conformal p-value of a score: (1 + held-out scores as high) / (n + 1).

    For exchangeable good pictures it is at most a with probability at most a, over the choice of
    held-out pictures and of the new one. p_value([1, 2, 3], 2.5) is (1 + 1) / 4.

    Args:
        scores: (n,) of good pictures that did not build the bank.
        score: of a new picture.
    """
    return (1 + int(np.count_nonzero(scores >= score))) / (len(scores) + 1)


def hold_out(n: int, false_alarms: float) -> Array:
    """Choose the good pictures that stay out of the bank.

    A fifth of them, or as many as the rate needs if that is more; none where that would be more
    than half (then there is a score and no verdict). Drawn at random, always the same for one n:
    exchangeable pictures need no other luck.

    Returns:
        Ascending int64 indices, possibly empty.
    """
    wanted = max(needed(false_alarms), n // 5)
    if 2 * wanted > n:
        return np.empty(0, np.int64)
    chosen = np.random.default_rng(0).choice(n, wanted, replace=False)
    return np.sort(chosen)
