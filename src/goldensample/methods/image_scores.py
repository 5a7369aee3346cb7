"""Image scores by name: how the patch distances of a picture become one score.

The paper's is their reweighted maximum, which a single anomalous patch decides.
"""

from collections.abc import Sequence

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.methods.bank import PatchSource
from goldensample.methods.search import Search
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

IMAGE_SCORES = ("maximum", "top", "statistics")
MIN_PICTURES = 5
"""Fewest good pictures for a reference."""
SHRINKAGE = 0.1
"""Of the correlations of statistics, which are noisy for few pictures."""


def reweighted(search: Search, count: int, patch: Array, nearest: tuple[float, int]) -> float:
    """Return the re-weighted image score (equation 7), by log-sum-exp.

    With one neighbour the formula would give 0: the distance stays as it is.

    Args:
        search: in the bank.
        count: neighbours b of the nearest row, itself included.
        patch: (d,) float32, the worst one.
        nearest: its distance to the bank, and its nearest row.
    """
    distance, row = nearest
    if count == 1:
        return distance
    _, neighbors = search.find(search.bank[row : row + 1], count)
    difference = to_numpy(search.bank[neighbors[0]]).astype(np.float64) - patch
    distances = np.sqrt(np.einsum("kd,kd->k", difference, difference))
    largest = distances.max()
    log_sum = largest + np.log(np.exp(distances - largest).sum())
    return float(distance * (1 - np.exp(distance - log_sum)))


def count_top(count: int) -> int:
    """Return how many patches the largest 1 % are, at least one."""
    return (count + 99) // 100


def mean_of_top(distances: Array) -> float:
    """Return the mean of the largest 1 % of distances; of 1 to 200 it is (199 + 200) / 2."""
    top_count = count_top(len(distances))
    return float(np.partition(distances, len(distances) - top_count)[-top_count:].mean())


def distance_statistics(distances: Array) -> Array:
    """Return (4,) float64: mean, mean of the largest 1 %, maximum, standard deviation."""
    values = distances.astype(np.float64)
    return np.array([values.mean(), mean_of_top(values), values.max(), values.std()])


def fit_reference(statistics: Sequence[Array]) -> Array:
    """Return the reference for the statistics of good pictures.

    Args:
        statistics: (4,) float64 of each picture; see `leave_one_out_statistics`.

    Returns:
        (6, 4) float64: means; standard deviations; the inverse of the correlations.

    Raises:
        ValueError: there are fewer than MIN_PICTURES.
    """
    count = len(statistics)
    if count < MIN_PICTURES:
        raise ValueError(
            f"image_score statistics must have at least {MIN_PICTURES} pictures; got {count}"
        )
    values = np.asarray(statistics)
    mean = values.mean(axis=0)
    deviation = np.maximum(values.std(axis=0), 1e-3 * mean + 1e-9)
    standardized = (values - mean) / deviation
    correlations = standardized.T @ standardized
    shrunk = (1 - SHRINKAGE) * correlations / count + SHRINKAGE * np.eye(4)
    return np.vstack([mean, deviation, np.linalg.inv(shrunk)])


def mahalanobis_score(distances: Array, reference: Array) -> float:
    """Return how far a picture's statistics lie above the reference: a Mahalanobis distance.

    What lies below counts as 0: a picture cannot be too good.

    Args:
        distances: (k,) of its patches.
        reference: see `fit_reference`.
    """
    excess = np.maximum((distance_statistics(distances) - reference[0]) / reference[1], 0)
    return float(np.sqrt(max(excess @ reference[2:] @ excess, 0.0)))


def leave_one_out_statistics(
    shared: tuple[PatchSource, Array, Array], pictures: range
) -> list[Array]:
    """Return the statistics of pictures of a fit, each compared with the others' rows alone.

    Args:
        shared: all patches; the bank (m, d) float32; its origins (m, 3), the picture first.
        pictures: their numbers.

    Raises:
        ValueError: one picture fills the whole bank.

    Cost: a copy of the bank for each picture, and the distances of all patches to it.
    """
    source, bank, origins = shared
    statistics = []
    for patches, patch_origins in source.patches(pictures):
        others = origins[:, 0] != patch_origins[0, 0]
        if not others.any():
            raise ValueError("image_score statistics must have bank rows of several pictures")
        distances, _ = NearestSearch(bank[others]).find(patches.astype(np.float32))
        statistics.append(distance_statistics(distances[:, 0]))
    return statistics
