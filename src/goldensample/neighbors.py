"""The true nearest neighbours, by one matrix product and a second look at the close calls."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from goldensample.records import Array

BLOCK_VALUES = 2**21
"""Distances held at a time; changes the speed only."""


class NearestSearch:
    """Finds the nearest rows of a bank, exactly; of equally near ones the lower row.

    A float32 matrix product gives every distance up to a rounding error with a proven bound. All
    rows that the bound leaves in question (mostly one a query) are measured anew in float64.

    Args:
        bank: (m, d) float32, m >= 1; a NumPy array or a torch tensor; not changed.

    Cost: a second copy of the bank.
    """

    def __init__(self, bank: Array) -> None:
        xp = array_namespace(bank)
        self.bank = bank
        self._middle = xp.mean(bank, axis=0)  # shorter vectors make smaller errors
        centred = bank - self._middle
        squared = xp.sum(centred * centred, axis=1)
        self._longest = float(xp.max(squared)) ** 0.5
        # [q, 1] @ [-2 b; |b|^2] is |q - b|^2 - |q|^2
        self._right = xp.permute_dims(xp.concat([-2 * centred, squared[:, None]], axis=1), (1, 0))

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32 of the bank's kind; not changed.
            count: neighbours wanted; at most m.

        Returns:
            (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

        Cost: q·m·d multiplications.
        """
        xp = array_namespace(queries)
        left = queries - self._middle
        ones = xp.ones((left.shape[0], 1), dtype=left.dtype, device=device(left))
        left = xp.concat([left, ones], axis=1)
        error = self._largest_error(left)
        step = max(1, BLOCK_VALUES // self.bank.shape[0])
        parts = []
        for at in range(0, left.shape[0], step):
            values = xp.matmul(left[at : at + step], self._right)  # (q, m)
            worst = xp.min(values, axis=1) if count == 1 else xp.sort(values, axis=1)[:, count - 1]
            close = xp.reshape(values <= (worst + 2 * error)[:, None], (-1,))
            query, row = np.divmod(to_numpy(xp.nonzero(close)[0]), self.bank.shape[0])
            parts.append(self._measure(queries[at : at + step], query, row, count))
        distances, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return distances, rows

    def _largest_error(self, left: Array) -> float:
        """Return a bound on the product's rounding error.

        A float32 sum of k products errs by at most gamma_k = k·u / (1 - k·u), u = 2^-24, times the
        sum of their sizes (Higham, Accuracy and Stability, 3.1). There are two such sums, the
        column |b|^2 and the product; centring adds two roundings.
        """
        xp = array_namespace(left)
        longest = float(xp.max(xp.sum(left * left, axis=1))) ** 0.5
        unit = (2 * self.bank.shape[1] + 8) * 2.0**-24
        return unit / (1 - unit) * (longest + self._longest) ** 2

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
