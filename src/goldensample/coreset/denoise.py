"""Leave out patches that hardly any other picture has: defects among the good pictures.

Source: after SoftPatch (Jiang et al., NeurIPS 2022), which drops the oddest 15 % of the patches
before the coreset. Here nothing is dropped by share: see `keep`.
"""

from collections.abc import Callable

import numpy as np

from goldensample.coreset.projection import to_whole_numbers
from goldensample.records import Array

SAMPLE = 20_000
"""Patches that each patch is compared with."""
WITNESSES, SHARE = 3, 0.05
"""Other pictures that must have a patch like it, at least, and as a share of all pictures: a defect
that occurs now and then is still odd."""
FAR = 5.0
"""How far is far: standard deviations above the median, by the median absolute deviation."""
NORMAL = 1.4826
"""A standard deviation over the median absolute deviation, for a normal distribution."""
TILE = 256
"""Patches compared at a time; changes the speed and the memory only."""


def keep(
    points: Array, pictures: Array, seed: int, notify: Callable[[int], None] | None = None
) -> Array:
    """Say which patches other pictures have, too.

    A patch is left out when the distance of `to_others` is farther than the median of all patches
    by more than `FAR` robust standard deviations. At least half of the patches stay, whatever
    they are; all stay where there is one picture.

    Args:
        points: (n, d) floats, n >= 1; not changed.
        pictures: (n,) int, at least 0, the picture of each.
        seed: of the sample.
        notify: told the number of patches compared after each tile.

    Returns:
        (n,) bool, True for the patches to keep.

    Cost: as `to_others`.
    """
    away = to_others(points, pictures, seed, notify)
    middle = np.median(away)
    spread = NORMAL * np.median(np.abs(away - middle))
    return away <= middle + FAR * spread


def to_others(
    points: Array,
    pictures: Array,
    seed: int,
    notify: Callable[[int], None] | None = None,
    sample: int = SAMPLE,
    tile: int = TILE,
) -> Array:
    """Measure how far each patch is from the `WITNESSES`-th nearest other picture, or from the one
    at a `SHARE` of all pictures, where that is more.

    A picture is as near as the nearest of its patches in a random sample of all patches. Of
    fewer than six pictures, those that must witness are half of them, rounded down.

    The distances are between whole numbers, exact, so that neither the tile nor a thread or a
    library changes one.

    Args:
        points, pictures, seed, notify: as for `keep`.
        sample: how many patches each is compared with.
        tile: patches compared at a time.

    Returns:
        (n,) distances in units of the points; 0 where there is one picture.

    Cost: n·sample·d multiplications; memory for a copy of the points and tile·sample floats.

    Example:
        Pictures 0, 1 and 2 with one patch each, at 0, 1 and 9: one witness, distances 1, 1, 8.
    """
    whole, step = to_whole_numbers(points)
    drawn = np.random.default_rng(seed).permutation(len(points))[:sample]
    drawn = drawn[np.argsort(pictures[drawn], kind="stable")]
    starts = np.flatnonzero(np.diff(pictures[drawn], prepend=-1))
    sampled = pictures[drawn[starts]]  # the pictures in the sample, ascending
    witnesses = min(max(WITNESSES, round(SHARE * len(sampled))), len(sampled) // 2)
    right, norms = -2 * whole[drawn].T, np.sum(whole[drawn] ** 2, axis=1)
    found = np.zeros(len(points), whole.dtype)
    for at in range(0, len(points) if witnesses else 0, tile):
        part = slice(at, at + tile)
        values = whole[part] @ right  # (tile, sample)
        values += norms
        nearest = np.minimum.reduceat(values, starts, axis=1)  # (tile, pictures)
        nearest[pictures[part, None] == sampled] = np.inf
        witness = np.partition(nearest, witnesses - 1, axis=1)[:, witnesses - 1]
        found[part] = witness + np.sum(whole[part] ** 2, axis=1)
        if notify is not None:
            notify(min(at + tile, len(points)))
    return np.sqrt(found) * step
