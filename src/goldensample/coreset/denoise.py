"""Denoising: remove patches that hardly any other picture has, defects among the good pictures.

Source: after SoftPatch (Jiang et al., NeurIPS 2022), which drops the 15 % of the patches with the
highest outlier scores before the coreset. Here no fixed share is dropped: see `inlier_mask`.
"""

from collections.abc import Callable

import numpy as np

from goldensample.coreset.projection import to_integers
from goldensample.records import Array

SAMPLE = 20_000
"""Number of patches that each patch is compared with."""
SUPPORT, SUPPORT_SHARE = 3, 0.05
"""Other pictures that must have a similar patch, at least, and as a share of all pictures: a defect
that occurs now and then is still an outlier."""
CUTOFF = 5.0
"""Of outliers: standard deviations above the median, by the median absolute deviation."""
NORMAL = 1.4826
"""A standard deviation over the median absolute deviation, for a normal distribution."""
TILE = 256
"""Patches compared at a time; changes the speed and the memory only."""


def inlier_mask(
    points: Array, pictures: Array, seed: int, notify: Callable[[int], None] | None = None
) -> Array:
    """Return which patches other pictures have, too.

    A patch is an outlier if its `distance_to_other_pictures` is above the median of all patches by
    more than `CUTOFF` robust standard deviations. At least half of the patches are inliers in any
    case; all are where there is one picture.

    Args:
        points: (n, d) floats, n >= 1; not changed.
        pictures: (n,) int, at least 0, the picture of each.
        seed: of the sample.
        notify: told the number of patches compared after each tile.

    Returns:
        (n,) bool, True for inliers.

    Cost: as `distance_to_other_pictures`.
    """
    distances = distance_to_other_pictures(points, pictures, seed, notify)
    median = np.median(distances)
    deviation = NORMAL * np.median(np.abs(distances - median))
    return distances <= median + CUTOFF * deviation


def distance_to_other_pictures(
    points: Array,
    pictures: Array,
    seed: int,
    notify: Callable[[int], None] | None = None,
    sample: int = SAMPLE,
    tile: int = TILE,
) -> Array:
    """Return the distance of each patch to the `SUPPORT`-th nearest other picture, or to the one
    at a `SUPPORT_SHARE` of all pictures, where that is more.

    The distance to a picture is that to the nearest of its patches in a random sample of all
    patches. With fewer than six pictures, the support is half of them, rounded down.

    The distances are between integers, exact, so that neither the tile nor a thread or a library
    changes one.

    Args:
        points, pictures, seed, notify: as for `inlier_mask`.
        sample: number of patches each is compared with.
        tile: patches compared at a time.

    Returns:
        (n,) distances in units of the points; 0 where there is one picture.

    Cost: n·sample·d multiplications; memory for a copy of the points and tile·sample floats.

    Example:
        Pictures 0, 1 and 2 with one patch each, at 0, 1 and 9: support 1, distances 1, 1, 8.
    """
    integers, step = to_integers(points)
    drawn = np.random.default_rng(seed).permutation(len(points))[:sample]
    drawn = drawn[np.argsort(pictures[drawn], kind="stable")]
    starts = np.flatnonzero(np.diff(pictures[drawn], prepend=-1))
    sampled = pictures[drawn[starts]]  # the pictures in the sample, ascending
    support = min(max(SUPPORT, round(SUPPORT_SHARE * len(sampled))), len(sampled) // 2)
    right, norms = -2 * integers[drawn].T, np.sum(integers[drawn] ** 2, axis=1)
    squared = np.zeros(len(points), integers.dtype)
    for start in range(0, len(points) if support else 0, tile):
        rows = slice(start, start + tile)
        values = integers[rows] @ right  # (tile, sample)
        values += norms
        nearest = np.minimum.reduceat(values, starts, axis=1)  # (tile, pictures)
        nearest[pictures[rows, None] == sampled] = np.inf
        supporting = np.partition(nearest, support - 1, axis=1)[:, support - 1]
        squared[rows] = supporting + np.sum(integers[rows] ** 2, axis=1)
        if notify is not None:
            notify(min(start + tile, len(points)))
    return np.sqrt(squared) * step
