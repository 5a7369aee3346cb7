"""How far the good patches lie from the bank: the coreset's radius, in full depth."""

from collections.abc import Iterable

import numpy as np

from goldensample.records import Array
from goldensample.search.exact import NearestSearch

BLOCK = 64


class Coverage:
    """Measures the largest distance of any patch to its nearest bank row.

    A patch cannot be farther from its nearest row than from any one row, so a row known to be near
    gives an upper bound at the cost of one distance. Only patches whose bound exceeds the largest
    distance found so far are searched for, largest bound first.

    Args:
        bank: (m, d) float32; not changed.
    """

    def __init__(self, bank: Array) -> None:
        self._search = NearestSearch(bank)
        self.radius = 0.0
        self.searched = 0

    def add(self, patches: Array, near: Array) -> None:
        """Take more patches.

        Args:
            patches: (k, d) float32; not changed.
            near: (k,) for each a bank row thought to be near; any row will do, a near one is quick.

        Cost: k·d, and m·d for every patch searched for.
        """
        away = patches - self._search.bank[near]
        bounds = np.sqrt(np.einsum("kd,kd->k", away, away))
        order = np.argsort(-bounds)
        for at in range(0, len(order), BLOCK):
            part = order[at : at + BLOCK]
            part = part[bounds[part] > self.radius * (1 - 1e-5)]  # bounds are rounded
            if not len(part):
                return
            found, _ = self._search.find(patches[part])
            self.radius = max(self.radius, float(found.max()))
            self.searched += len(part)


def radius(bank: Array, parts: Iterable[tuple[Array, Array]]) -> float:
    """Return the radius of a bank over parts of (patches, rows near them), see `Coverage.add`."""
    coverage = Coverage(bank)
    for patches, near in parts:
        coverage.add(patches, near)
    return coverage.radius
