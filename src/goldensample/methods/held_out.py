"""Good pictures of a fit, each judged without the bank rows of its own part of them.

What is usual of distances and of nearest rows is learned from them: with its own rows in the bank
every picture would look better than a new one does.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.methods.bank import PatchSource
from goldensample.methods.image_scores import reweighted
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Notify
from goldensample.runners import Runner
from goldensample.search.exact import NearestSearch

LEAST_PICTURES, MOST_PICTURES = 10, 100
"""Fewest good pictures that are judged, and most."""
FOLDS = 5
"""Parts of the pictures; each is judged by the rows of the others."""


class HeldOut(NamedTuple):
    """What the other parts' rows say of n pictures.

    Args:
        distances: (n, h, w) float32 to the nearest row; NaN where there is no patch.
        rows: (n, h, w) int32 nearest rows of the bank; -1 where there is no patch.
        limits: (n, h, w) float32, what zones divide distances by; 1 without zones.
        weights: (n,) float64, the picture's score over its largest distance.
    """

    distances: Array
    rows: Array
    limits: Array
    weights: Array


def judge_held_out(
    source: PatchSource, rows: tuple[Array, Array], notify: Notify, runner: Runner
) -> HeldOut | None:
    """Judge at most MOST_PICTURES pictures of a fit; None where they are too few.

    Args:
        source: all patches of the fit.
        rows: the bank (m, d) float32, and its origins (m, 3), the picture first.
        notify: told ("usual", pictures judged, pictures).

    Cost: about that of inspecting as many pictures, without the network.
    """
    count = len(source.counts)
    if count < LEAST_PICTURES:
        return None
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(int))
    edges = np.linspace(0, count, FOLDS + 1).astype(int)
    tasks = [(range(*edge), chosen) for edge in pairwise(edges.tolist())]
    judged: list[HeldOut] = []
    for found in runner.run(judge_part, (source, *rows), tasks):
        judged += found
        notify("usual", len(judged), len(chosen))
    if len(judged) < len(chosen):
        return None
    return HeldOut(*(np.stack(parts) for parts in zip(*judged, strict=True)))


def judge_part(
    shared: tuple[PatchSource, Array, Array], task: tuple[range, Array]
) -> Sequence[HeldOut]:
    """Judge the chosen ones of a part of the pictures by the others' rows.

    Returns:
        What is said of each; nothing if all rows are of this part.
    """
    (source, bank, origins), (pictures, chosen) = shared, task
    others = np.flatnonzero(~np.isin(origins[:, 0].astype(int), pictures))
    if not len(others):
        return []
    search, judged = NearestSearch(bank[others]), []
    for batch in source.batches(pictures):
        for index in np.flatnonzero(np.isin(batch.first + np.arange(len(batch)), chosen)):
            patches, _ = source.settings.patches_of(batch, int(index))
            half = to_numpy(patches).astype(np.float16).astype(np.float32)
            found, row = (column[:, 0] for column in search.find(half))
            valid = batch.valid[index, :: source.settings.stride, :: source.settings.stride]
            distances = np.full(valid.shape, np.nan, np.float32)
            nearest = np.full(valid.shape, -1, np.int32)
            limits = np.ones(valid.shape, np.float32)
            distances[valid], nearest[valid] = found, others[row]
            limits[valid] = patch_limits(batch, int(index), source.settings.stride)
            worst = int(np.argmax(found))
            neighbours = min(source.settings.neighbors, len(others))
            pair = float(found[worst]), int(row[worst])
            score = reweighted(search, neighbours, half[worst], pair)
            weight = np.asarray(score / pair[0] if pair[0] > 0 else 1.0)
            judged.append(HeldOut(distances, nearest, limits, weight))
    return judged
