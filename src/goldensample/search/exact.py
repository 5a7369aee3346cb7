"""Exact nearest neighbours, by one matrix product and float64 distances of near ties."""

from threading import Lock

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample.arrays import to_numpy
from goldensample.records import Array
from goldensample.search.pruned import PrunedSearch, cells_for, product_error

BLOCK_VALUES = 2**21
"""Distances in memory at a time; changes the speed only."""
LEAST_ROWS = 1024
"""Smaller banks are searched in full; changes the speed only."""


class NearestSearch:
    """Exact nearest neighbours in a bank; ties go to the lower row.

    A float32 matrix product gives every distance up to a rounding error with a proven bound. All
    candidates within the bound (mostly one a query) are computed again in float64.

    For the one nearest row in a NumPy array, part of that product is enough, see `PrunedSearch`,
    once enough queries came to amortise sorting the bank. The results are the same.

    Args:
        bank: (m, d) float32, m >= 1; a NumPy array or a torch tensor; not changed.

    Attributes:
        share: of the q·m products of a full search that the last `find` computed.

    Cost: a second copy of the bank.
    """

    def __init__(self, bank: Array) -> None:
        xp = array_namespace(bank)
        self.bank = bank
        self.share = 1.0
        self._mean = xp.mean(bank, axis=0)  # shorter vectors make smaller errors
        centred = bank - self._mean
        squared = xp.sum(centred * centred, axis=1)
        self._max_norm = float(xp.max(squared)) ** 0.5
        # [q, 1] @ [-2 b, |b|^2] is |q - b|^2 - |q|^2
        columns = xp.concat([-2 * centred, squared[:, None]], axis=1)
        self._full = columns, np.arange(bank.shape[0])  # and the row of each column
        self._pruned: PrunedSearch | None = None
        self._query_count = 0
        self._lock = Lock()  # several threads may search

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32 of the bank's kind; not changed.
            count: neighbours; at most m.

        Returns:
            (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

        Cost: at most q·m·d multiplications, and (q + m)·d·√m more where cells are used.
        """
        squared, rows = self.find_squared(queries, count)
        return np.sqrt(squared).astype(np.float32), rows

    def find_squared(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows as `find` does, with their squared distances in float64.

        A squared distance depends on its query and row alone, not on the other rows of the bank.
        """
        xp = array_namespace(queries)
        left = queries - self._mean
        ones = xp.ones((left.shape[0], 1), dtype=left.dtype, device=device(left))
        left = xp.concat([left, ones], axis=1)
        pruned = self._pruned_search(left.shape[0]) if count == 1 else None
        step = max(1, BLOCK_VALUES // (self.bank.shape[0] if pruned is None else pruned.largest))
        parts, total = [], 0
        for start in range(0, left.shape[0], step):
            block = left[start : start + step]
            pairs = pruned.find(block) if pruned is not None else None
            query, row, products = pairs or self._candidates(block, count)
            parts.append(self._rank(queries[start : start + step], query, row, count))
            total += products
        self.share = total / (left.shape[0] * self.bank.shape[0])
        squared, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return squared, rows

    def sort(self) -> None:
        """Sort a bank of NumPy rows into cells; `find` does it once worth it. For speed only."""
        self._pruned = PrunedSearch(self._full[0])
        self._full = self._pruned.columns, self._pruned.rows  # frees the copy in the old order

    def _pruned_search(self, queries: int) -> PrunedSearch | None:
        """Return the search over the sorted bank; None before that is worth it."""
        self._query_count += queries
        rows = self.bank.shape[0]
        worthwhile = rows >= LEAST_ROWS and self._query_count >= 2 * cells_for(rows)
        with self._lock:
            if worthwhile and self._pruned is None and is_numpy_array(self.bank):
                self.sort()
        return self._pruned

    def _candidates(self, left: Array, count: int) -> tuple[Array, Array, int]:
        """Return the candidate (query, row) pairs by the full product, and its size."""
        xp = array_namespace(left)
        columns, rows = self._full
        right = xp.permute_dims(columns, (1, 0))
        max_norm = float(xp.max(xp.sum(left * left, axis=1))) ** 0.5
        error = product_error(self.bank.shape[1], max_norm, self._max_norm)
        step = max(1, BLOCK_VALUES // len(rows))
        pairs = []
        for start in range(0, left.shape[0], step):
            values = xp.matmul(left[start : start + step], right)  # (q, m)
            last = xp.min(values, axis=1) if count == 1 else xp.sort(values, axis=1)[:, count - 1]
            close = xp.reshape(values <= (last + 2 * error)[:, None], (-1,))
            query, column = np.divmod(to_numpy(xp.nonzero(close)[0]), len(rows))
            pairs.append((query + start, rows[column]))
        query, row = (np.concatenate(part) for part in zip(*pairs, strict=True))
        return query, row, left.shape[0] * len(rows)

    def _rank(self, queries: Array, query: Array, row: Array, count: int) -> tuple[Array, Array]:
        """Rank (query, row) pairs by (float64 distance, row); return the first of each query."""
        squared = np.empty(len(query))
        for start in range(0, len(query), 4096):
            part = slice(start, start + 4096)
            left = to_numpy(queries[query[part]]).astype(np.float64)
            difference = left - to_numpy(self.bank[row[part]])
            squared[part] = np.einsum("kd,kd->k", difference, difference)
        order = np.lexsort((row, squared, query))
        starts = np.searchsorted(query[order], np.arange(queries.shape[0]))
        nearest = order[starts[:, None] + np.arange(count)]  # (q, count)
        return squared[nearest], row[nearest].astype(np.int64)
