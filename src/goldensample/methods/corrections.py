"""Patches of defects that were missed once: what resembles them more than what is good stands out.

A bank excuses a patch that is as near to it as good patches are. A defect taught with its mask
lowers what is excused around its own patches alone: a patch at distance d from the bank and t < d
from the nearest taught one counts as far as d·d / t, at most `MOST` times d. There is no step:
where t = d nothing changes, and nothing changes for patches that are nearer to the bank.
"""

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

MOST = 2.0
"""Largest factor; the patches taught themselves have it."""


def nearness(patches: Array, taught: Array | None) -> Array:
    """Return the distance of each patch to the nearest taught one, (k,) float32.

    Args:
        patches: (k, d) float32, NumPy or torch.
        taught: (q, d) float32; None where nothing was taught: all are infinitely far.
    """
    if taught is None:
        return np.full(len(patches), np.inf, np.float32)
    near: Array = NearestSearch(taught).find(to_numpy(patches))[0][:, 0]
    return near


def factors(distances: Array, near: Array) -> Array:
    """Return what distances to the bank are multiplied by, in [1, MOST].

    Of a patch at 0.5 from the bank and 0.4 from a taught one it is 1.25.

    Args:
        distances: (k,) float32 to the bank.
        near: (k,) float32 to the nearest taught patch.
    """
    nearer = near * MOST > distances  # else the factor is MOST, also where both are 0
    share = np.divide(distances, near, out=np.full_like(distances, MOST), where=nearer)
    factor: Array = np.maximum(share, 1)
    return factor
