"""Image scores by name: what a picture's patch distances come to.

The paper's is their weighed maximum, which a single odd patch decides.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from goldensample.records import Array
from goldensample.search.exact import NearestSearch

IMAGE_SCORES = ("maximum", "top", "statistics")
FEWEST = 5
"""Good pictures that must tell what is usual."""
SHRINKAGE = 0.1
"""Of the correlations of statistics, which few pictures know badly."""


def count_top(count: int) -> int:
    """Return how many patches the largest 1 % are, at least one."""
    return (count + 99) // 100


def top(distances: Array) -> float:
    """Return the mean of the largest 1 % of distances; of 1 to 200 it is (199 + 200) / 2."""
    wanted = count_top(len(distances))
    return float(np.partition(distances, len(distances) - wanted)[-wanted:].mean())


def statistics(distances: Array) -> Array:
    """Return (4,) float64: mean, mean of the largest 1 %, maximum, standard deviation."""
    values = distances.astype(np.float64)
    return np.array([values.mean(), top(values), values.max(), values.std()])


def usual_of(found: Sequence[Array]) -> Array:
    """Return what is usual for statistics of good pictures.

    Args:
        found: (4,) float64 of each picture, whose patches were compared with others' alone.

    Returns:
        (6, 4) float64: means; standard deviations; the inverse of the correlations.

    Raises:
        ValueError: there are fewer than FEWEST.
    """
    if len(found) < FEWEST:
        raise ValueError(
            f"image_score statistics must have at least {FEWEST} pictures; got {len(found)}"
        )
    values = np.asarray(found)
    middle = values.mean(axis=0)
    spread = np.maximum(values.std(axis=0), 1e-3 * middle + 1e-9)
    apart = (values - middle) / spread
    together = (1 - SHRINKAGE) * (apart.T @ apart) / len(found) + SHRINKAGE * np.eye(4)
    return np.vstack([middle, spread, np.linalg.inv(together)])


def oddness(distances: Array, usual: Array) -> float:
    """Return how far a picture's statistics lie above the usual ones: a Mahalanobis distance.

    What lies below is as usual: a picture cannot be too good.

    Args:
        distances: (k,) of its patches.
        usual: see `usual_of`.
    """
    above = np.maximum((statistics(distances) - usual[0]) / usual[1], 0)
    return float(np.sqrt(max(above @ usual[2:] @ above, 0.0)))


def among_others(
    bank: Array, origins: Array, pictures: Iterable[tuple[Array, Array]]
) -> list[Array]:
    """Return the statistics of pictures of a fit, each compared with the others' rows alone.

    Args:
        bank: (m, d) float32.
        origins: (m, 3), the picture first.
        pictures: for each its patches (k, d) and their origins (k, 3).

    Raises:
        ValueError: one picture fills the whole bank.

    Cost: a copy of the bank for each picture, and the distances of all patches to it.
    """
    found = []
    for patches, own in pictures:
        others = origins[:, 0] != own[0, 0]
        if not others.any():
            raise ValueError("image_score statistics must have bank rows of several pictures")
        distances, _ = NearestSearch(bank[others]).find(patches.astype(np.float32))
        found.append(statistics(distances[:, 0]))
    return found
