"""Corrections by missed defects: patches that resemble them more than good ones score higher.

A defect taught with its mask raises the distances around its own patches alone: a patch at distance
d from the bank and t < d from the nearest defect patch gets the distance d·d / t, at most
`MAX_FACTOR` times d. There is no step: where t = d nothing changes, and nothing changes for patches
that are nearer to the bank.
"""

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

MAX_FACTOR = 2.0
"""Largest factor; the defect patches themselves have it."""


def distance_to_defects(patches: Array, defect_patches: Array | None) -> Array:
    """Return the distance of each patch to the nearest defect patch, (k,) float32.

    Args:
        patches: (k, d) float32, NumPy or torch.
        defect_patches: (q, d) float32; None gives infinite distances.
    """
    if defect_patches is None:
        return np.full(len(patches), np.inf, np.float32)
    distances: Array = NearestSearch(defect_patches).find(to_numpy(patches))[0][:, 0]
    return distances


def defect_factors(bank_distances: Array, defect_distances: Array) -> Array:
    """Return the factors of the distances to the bank, in [1, MAX_FACTOR].

    For a patch at 0.5 from the bank and 0.4 from a defect patch it is 1.25.

    Args:
        bank_distances: (k,) float32 to the bank.
        defect_distances: (k,) float32 to the nearest defect patch.
    """
    below = defect_distances * MAX_FACTOR > bank_distances  # else MAX_FACTOR, also where both are 0
    limit = np.full_like(bank_distances, MAX_FACTOR)
    ratio = np.divide(bank_distances, defect_distances, out=limit, where=below)
    factors: Array = np.maximum(ratio, 1)
    return factors
