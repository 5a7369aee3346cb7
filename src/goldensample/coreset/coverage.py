"""The covering radius of a bank: how far the good patches lie from it, in full depth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldensample.records import Array
from goldensample.search.exact import NearestSearch

BLOCK = 64


@dataclass
class Coverage:
    """Measures the largest distance of any patch to its nearest bank row.

    A patch cannot be farther from its nearest row than from any other, so a row known to be close
    gives an upper bound at the cost of one distance. Only patches whose bound exceeds the largest
    distance so far are searched for, largest bound first.

    Args:
        bank: (m, d) float32; not changed.
        radius: largest distance so far.
    """

    bank: Array
    radius: float = 0.0

    @cached_property
    def _search(self) -> NearestSearch:
        return NearestSearch(self.bank)

    def add(self, patches: Array, rows: Array) -> None:
        """Measure more patches.

        Args:
            patches: (k, d) float32; not changed.
            rows: (k,) for each a bank row close to it; any row is correct, a close one is fast.

        Cost: k·d, and m·d for every patch searched for.
        """
        difference = patches - self.bank[rows]
        bounds = np.sqrt(np.einsum("kd,kd->k", difference, difference))
        order = np.argsort(-bounds)
        for start in range(0, len(order), BLOCK):
            block = order[start : start + BLOCK]
            block = block[bounds[block] > self.radius * (1 - 1e-5)]  # bounds are rounded
            if not len(block):
                return
            distances, _ = self._search.find(patches[block])
            self.radius = max(self.radius, float(distances.max()))
