"""Automatic bank size: the bank grows until more rows change nothing."""

import numpy as np

from goldensample.coreset.greedy import greedy
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

FIRST, LARGEST = 0.005, 0.25
"""Shares of the patches: of the first bank, and of the largest."""
STABLE_RADIUS, STABLE_RANKS = 0.97, 0.98
"""Of a stable bank after doubling: its radius over the one before; its rank correlation with it."""
PROBES = 20


def sufficient_share(points: Array, pictures: Array) -> float:
    """Return the share of the patches at which a greedy coreset's bank stops changing.

    Every n-th picture is held out, `PROBES` at most. The bank of the others doubles until either
    its radius falls by less than 3 %, or the held-out pictures, scored by their worst patch, have
    nearly the order (Spearman's correlation of 0.98) that they had with half the bank.

    Args:
        points: (n, d) float32, the patches of all pictures, as projected; not changed.
        pictures: (n,) picture of each.

    Returns:
        A share in (0, `LARGEST`].

    Cost: as the greedy coreset of a quarter of the patches, at most, and the search in it.
    """
    names = np.unique(pictures)
    probes = names[:: max(2, -(-len(names) // PROBES))]
    held_out = np.isin(pictures, probes)
    if len(probes) < 2 or held_out.all():
        return LARGEST  # too few pictures for an order
    base, queries = points[~held_out], points[held_out]
    starts = np.flatnonzero(np.diff(pictures[held_out], prepend=pictures[held_out][0] - 1))
    share, rows, before = FIRST, 0, None
    query_distances = np.full(len(queries), np.inf, np.float32)
    base_distances = np.full(len(base), np.inf, np.float32)
    picks = greedy(base, max(1, round(LARGEST * len(base)))).picks
    while True:
        new_picks = picks[rows : max(1, round(share * len(base)))]
        if len(new_picks):
            search = NearestSearch(base[new_picks])
            query_distances = np.minimum(query_distances, search.find(queries)[0][:, 0])
            base_distances = np.minimum(base_distances, search.find(base)[0][:, 0])
            rows += len(new_picks)
        now = np.maximum.reduceat(query_distances, starts), float(base_distances.max())
        if before is not None and (
            now[1] > STABLE_RADIUS * before[1] or rank_correlation(before[0], now[0]) > STABLE_RANKS
        ):
            return share
        if share >= LARGEST or rows == len(picks):
            return share
        share, before = min(2 * share, LARGEST), now


def rank_correlation(a: Array, b: Array) -> float:
    """Return Spearman's correlation of two sets of numbers; ties go by their order."""
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable") for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
