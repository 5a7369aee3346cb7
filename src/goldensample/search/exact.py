"""The true nearest neighbours, by one matrix product and a second look at the close calls."""

from threading import Lock

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample.arrays import to_numpy
from goldensample.records import Array
from goldensample.search.pruned import PrunedSearch, cells_for, product_error

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
        self._full = columns, np.arange(bank.shape[0])  # and which row each column is
        self._pruned: PrunedSearch | None = None
        self._asked = 0
        self._lock = Lock()  # several threads may ask

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32 of the bank's kind; not changed.
            count: neighbours wanted; at most m.

        Returns:
            (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

        Cost: at most q·m·d multiplications, and (q + m)·d·√m more where cells are used.
        """
        squared, rows = self.find_squared(queries, count)
        return np.sqrt(squared).astype(np.float32), rows

    def find_squared(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows as `find` does, with their squared distances in float64.

        A squared distance hangs on its query and row alone, not on what else is in the bank.
        """
        xp = array_namespace(queries)
        left = queries - self._middle
        ones = xp.ones((left.shape[0], 1), dtype=left.dtype, device=device(left))
        left = xp.concat([left, ones], axis=1)
        pruned = self._sorted(left.shape[0]) if count == 1 else None
        step = max(1, BLOCK_VALUES // (self.bank.shape[0] if pruned is None else pruned.largest))
        parts, made = [], 0
        for at in range(0, left.shape[0], step):
            part = left[at : at + step]
            pairs = pruned.find(part) if pruned is not None else None
            query, row, products = pairs or self._close(part, count)
            parts.append(self._measure(queries[at : at + step], query, row, count))
            made += products
        self.share = made / (left.shape[0] * self.bank.shape[0])
        squared, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return squared, rows

    def sort(self) -> None:
        """Sort a bank of NumPy rows into cells; `find` does it when it pays. For speed only."""
        self._pruned = PrunedSearch(self._full[0])
        self._full = self._pruned.columns, self._pruned.rows  # frees the copy in the old order

    def _sorted(self, queries: int) -> PrunedSearch | None:
        """Return the sorted bank, if there is one by now."""
        self._asked += queries
        rows = self.bank.shape[0]
        worth = rows >= LEAST_ROWS and self._asked >= 2 * cells_for(rows)
        with self._lock:
            if worth and self._pruned is None and is_numpy_array(self.bank):
                self.sort()
        return self._pruned

    def _close(self, left: Array, count: int) -> tuple[Array, Array, int]:
        """Return the (query, row) pairs in question by the full product, and its size."""
        xp = array_namespace(left)
        columns, rows = self._full
        right = xp.permute_dims(columns, (1, 0))
        longest = float(xp.max(xp.sum(left * left, axis=1))) ** 0.5
        error = product_error(self.bank.shape[1], longest, self._longest)
        step = max(1, BLOCK_VALUES // len(rows))
        found = []
        for at in range(0, left.shape[0], step):
            values = xp.matmul(left[at : at + step], right)  # (q, m)
            last = xp.min(values, axis=1) if count == 1 else xp.sort(values, axis=1)[:, count - 1]
            close = xp.reshape(values <= (last + 2 * error)[:, None], (-1,))
            query, column = np.divmod(to_numpy(xp.nonzero(close)[0]), len(rows))
            found.append((query + at, rows[column]))
        queries, picked = (np.concatenate(part) for part in zip(*found, strict=True))
        return queries, picked, left.shape[0] * len(rows)

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
        return squared[taken], row[taken].astype(np.int64)
