"""The true nearest neighbours, by one matrix product and a second look at the close calls."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample.pruning import PrunedSearch, cells_for, product_error
from goldensample.records import Array

BLOCK_VALUES = 2**21
"""Distances held at a time; changes the speed only."""
LEAST_ROWS = 1024
"""Smaller banks are searched in full; changes the speed only."""


class NearestSearch:
    """Finds the nearest rows of a bank, exactly; of equally near ones the lower row.

    A float32 matrix product gives every distance up to a rounding error with a proven bound. All
    rows that the bound leaves in question (mostly one a query) are measured anew in float64.

    The one nearest row in a NumPy array takes a part of that product, see `PrunedSearch`, once
    enough queries were asked to pay for sorting the bank. The answers are the same.

    Args:
        bank: (m, d) float32, m >= 1; a NumPy array or a torch tensor; not changed.

    Attributes:
        share: of the q·m products of a full search, how many the last `find` made.

    Cost: a second copy of the bank.
    """

    def __init__(self, bank: Array) -> None:
        xp = array_namespace(bank)
        self.bank = bank
        self.share = 1.0
        self._middle = xp.mean(bank, axis=0)  # shorter vectors make smaller errors
        centred = bank - self._middle
        squared = xp.sum(centred * centred, axis=1)
        self._longest = float(xp.max(squared)) ** 0.5
        # [q, 1] @ [-2 b, |b|^2] is |q - b|^2 - |q|^2
        columns = xp.concat([-2 * centred, squared[:, None]], axis=1)
        self._columns, self._rows = columns, np.arange(bank.shape[0])
        self._pruned: PrunedSearch | None = None
        self._asked = 0

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32 of the bank's kind; not changed.
            count: neighbours wanted; at most m.

        Returns:
            (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

        Cost: at most q·m·d multiplications, and (q + m)·d·√m more where cells are used.
        """
        xp = array_namespace(queries)
        left = queries - self._middle
        ones = xp.ones((left.shape[0], 1), dtype=left.dtype, device=device(left))
        left = xp.concat([left, ones], axis=1)
        pruned = self._cells(left) if count == 1 else None
        rows = self.bank.shape[0] if pruned is None else pruned.largest
        step = max(1, BLOCK_VALUES // rows)
        parts, made = [], 0
        for at in range(0, left.shape[0], step):
            part = left[at : at + step]
            query, row, products = pruned.find(part) if pruned else self._close(part, count)
            parts.append(self._measure(queries[at : at + step], query, row, count))
            made += products
        self.share = made / (left.shape[0] * self.bank.shape[0])
        distances, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return distances, rows

    def sort(self) -> None:
        """Sort the bank into cells now; `find` does it when it pays. Changes the speed only."""

    def _measure(self, queries: Array, query: Array, row: Array, count: int) -> tuple[Array, Array]:
        """Measure (query, row) pairs in float64; return each query's first by (distance, row)."""
        squared = np.empty(len(query))
        for at in range(0, len(query), 4096):
            part = slice(at, at + 4096)
            asked = to_numpy(queries[query[part]]).astype(np.float64)
            difference = asked - to_numpy(self.bank[row[part]])
            squared[part] = np.einsum("kd,kd->k", difference, difference)
        order = np.lexsort((row, squared, query))
        starts = np.searchsorted(query[order], np.arange(queries.shape[0]))
        taken = order[starts[:, None] + np.arange(count)]  # (q, count)
        return np.sqrt(squared[taken]).astype(np.float32), row[taken].astype(np.int64)


def to_numpy(values: Any) -> Array:
    """Return an array of any kind as a NumPy array."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
