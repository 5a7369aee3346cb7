"""How many bank rows are enough: grow the bank until more of it changes nothing."""

import numpy as np

from goldensample.coreset.greedy import greedy
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

FIRST, LARGEST = 0.005, 0.25
"""Shares of the patches: where growing starts, and where it ends in any case."""
STEADY_RADIUS, STEADY_RANKS = 0.97, 0.98
"""Of a bank twice as large: the radius, as a share of the smaller bank's; the rank correlation."""
PROBES = 20


def enough(points: Array, pictures: Array) -> float:
    """Return the share of the patches at which a greedy coreset's bank stops changing.

    Every n-th picture is kept out, `PROBES` at most. The bank of the others doubles until either
    its radius falls by less than 3 %, or the pictures kept out, scored by their worst patch, come
    in nearly the order (Spearman's correlation of 0.98) that they had with half the bank.

    Args:
        points: (n, d) float32, the patches of all pictures, as projected; not changed.
        pictures: (n,) picture of each.

    Returns:
        A share in (0, `LARGEST`].

    Cost: as the greedy coreset of a quarter of the patches, at most, and the search in it.
    """
    names = np.unique(pictures)
    probes = names[:: max(2, -(-len(names) // PROBES))]
    held = np.isin(pictures, probes)
    if len(probes) < 2 or held.all():
        return LARGEST  # too few pictures to see an order
    base, queries = points[~held], points[held]
    starts = np.flatnonzero(np.diff(pictures[held], prepend=pictures[held][0] - 1))
    share, rows, before = FIRST, 0, None
    away = np.full(len(queries), np.inf, np.float32)
    picks = greedy(base, max(1, round(LARGEST * len(base)))).picks
    rest = np.full(len(base), np.inf, np.float32)
    while True:
        more = picks[rows : max(1, round(share * len(base)))]
        if len(more):
            search = NearestSearch(base[more])
            away = np.minimum(away, search.find(queries)[0][:, 0])
            rest = np.minimum(rest, search.find(base)[0][:, 0])
            rows += len(more)
        now = np.maximum.reduceat(away, starts), float(rest.max())
        if before is not None and (
            now[1] > STEADY_RADIUS * before[1] or rank_correlation(before[0], now[0]) > STEADY_RANKS
        ):
            return share
        if share >= LARGEST or rows == len(picks):
            return share
        share, before = min(2 * share, LARGEST), now


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's correlation of two sets of numbers; ties go by their order."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
