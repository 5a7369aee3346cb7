"""Exact nearest neighbours, by one matrix product and float64 distances of near ties."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from threading import RLock

import numpy as np
from array_api_compat import device, is_numpy_array

from goldensample.arrays import array_namespace, to_numpy
from goldensample.native.library import library
from goldensample.records import Array
from goldensample.search.compiled import MOST, CompiledSearch
from goldensample.search.pruned import PrunedSearch, cells_for, product_error

BLOCK_VALUES = 2**20
"""Distances in memory at a time; changes the speed only."""
LEAST_BLOCK = 32
"""Fewest queries in a product, however large the bank; changes the speed only."""
TILE = 2048
"""Rows centred at a time; changes the speed only."""
LEAST_ROWS = 1024
"""Smaller banks are searched in full; changes the speed only."""
QUERIES_PER_CELL = 16
"""Queries for each cell after which sorting the bank pays; changes the speed only."""
LEAST_QUERIES = 32
"""Fewest queries of a thread; changes the speed only."""
_threads = ContextVar("threads", default=1)


@contextmanager
def search_in_threads(count: int) -> Iterator[None]:
    """Let searches that this thread starts use `count` threads; changes the speed only."""
    token = _threads.set(count)
    try:
        yield
    finally:
        _threads.reset(token)


class NearestSearch:
    """Exact nearest neighbours in a bank; ties go to the lower row.

    A float32 matrix product gives every distance up to a rounding error with a proven bound. All
    candidates within the bound (mostly one a query) are computed again in float64.

    In a NumPy array a part of that work is enough once enough queries came to amortise sorting the
    bank: see `CompiledSearch`, and `PrunedSearch` where the package was built without a compiler.
    The results are the same.

    Args:
        bank: (m, d) float32, m >= 1; a NumPy array or a torch tensor; not changed.

    Attributes:
        share: of the q·m·d multiplications of a full search that the last `find` made.

    Cost: a second copy of the bank, until it is sorted by compiled code.
    """

    def __init__(self, bank: Array) -> None:
        xp = array_namespace(bank)
        self.bank = bank
        self.share = 1.0
        self._mean = xp.mean(bank, axis=0)  # shorter vectors make smaller errors
        columns = self._columns()
        self._max_norm = float(xp.max(columns[:, -1])) ** 0.5
        self._full: tuple[Array, Array] | None = columns, np.arange(bank.shape[0])
        self._compiled: CompiledSearch | None = None
        self._pruned: PrunedSearch | None = None
        self._query_count = 0
        self._lock = RLock()  # several threads may search

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32 of the bank's kind; not changed.
            count: neighbours; at most m.

        Returns:
            (q, count) float32 distances, ascending, and (q, count) int64 rows, as NumPy arrays.

        Cost: at most q·m·d multiplications, and (q + m)·d·√m more where cells are used.
        """
        squared, rows = self._search(queries, count, False)
        return np.sqrt(squared).astype(np.float32), rows

    def find_squared(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows as `find` does, with their squared distances in float64.

        A squared distance depends on its query and row alone, not on the other rows of the bank.
        """
        return self._search(queries, count, True)

    def sort(self) -> None:
        """Sort a bank of NumPy rows into cells; `find` does it once worth it. For speed only."""
        if library() is not None:
            self._full = None  # made again where it is needed
            self._compiled = CompiledSearch(self.bank, self._mean, self._max_norm)
        else:
            self._pruned = PrunedSearch(self._columns())
            self._full = self._pruned.columns, self._pruned.rows  # frees that in the old order

    def _columns(self) -> Array:
        """Return (m, d + 1) [-2 b, |b|²] of each centred row: [q, 1] @ its transpose is
        |q - b|² - |q|²."""
        xp = array_namespace(self.bank)
        shape = self.bank.shape[0], self.bank.shape[1] + 1
        columns = xp.empty(shape, dtype=self.bank.dtype, device=device(self.bank))
        for start in range(0, shape[0], TILE):
            centred = self.bank[start : start + TILE] - self._mean
            columns[start : start + TILE, :-1] = -2 * centred
            columns[start : start + TILE, -1] = xp.sum(centred * centred, axis=1)
        return columns

    def _search(self, queries: Array, count: int, is_ranked: bool) -> tuple[Array, Array]:
        """Return squared distances, in float64, and rows.

        Where `is_ranked`, each distance is summed in one order, whichever way the row was found;
        else it may differ in a bit that float32 does not have.
        """
        self._sort_once_worth_it(queries.shape[0])
        threads = min(_threads.get(), queries.shape[0] // LEAST_QUERIES)
        if threads < 2 or not is_numpy_array(queries):
            squared, rows, self.share = self._search_part(queries, count, is_ranked)
            return squared, rows
        parts = [slice(k, None, threads) for k in range(threads)]  # equally hard: neighbours alike
        with ThreadPoolExecutor(threads) as pool:
            found = list(
                pool.map(lambda part: self._search_part(queries[part], count, is_ranked), parts)
            )
        squared, rows = np.empty((len(queries), count)), np.empty((len(queries), count), np.int64)
        for part, (part_squared, part_rows, _) in zip(parts, found, strict=True):
            squared[part], rows[part] = part_squared, part_rows
        self.share = sum(share for *_, share in found) / threads
        return squared, rows

    def _search_part(
        self, queries: Array, count: int, is_ranked: bool
    ) -> tuple[Array, Array, float]:
        """Return squared distances, rows, and the share of the multiplications; in one thread."""
        quick = self._compiled.find(queries, count) if self._compiled and count <= MOST else None
        if quick is None:
            return self._multiply(queries, count)
        squared, rows, sure, share = quick
        if not sure.all():
            squared[~sure], rows[~sure], _ = self._multiply(queries[~sure], count)
            share += 1 - float(sure.mean())
        if is_ranked:
            query = np.repeat(np.arange(len(rows)), count)
            squared, rows = self._rank(queries, query, rows.ravel(), count)
        return squared, rows, share

    def _sort_once_worth_it(self, queries: int) -> None:
        rows = self.bank.shape[0]
        with self._lock:
            self._query_count += queries
            is_sorted = self._compiled or self._pruned or not is_numpy_array(self.bank)
            is_worth_it = self._query_count >= QUERIES_PER_CELL * cells_for(rows)
            if not is_sorted and rows >= LEAST_ROWS and is_worth_it:
                self.sort()

    def _multiply(self, queries: Array, count: int) -> tuple[Array, Array, float]:
        """Return squared distances, rows and share by products with all rows, or a few cells'."""
        xp = array_namespace(queries)
        left = queries - self._mean
        ones = xp.ones((left.shape[0], 1), dtype=left.dtype, device=device(left))
        left = xp.concat([left, ones], axis=1)
        pruned = self._pruned if count == 1 else None
        largest = self.bank.shape[0] if pruned is None else pruned.largest
        step = max(LEAST_BLOCK, BLOCK_VALUES // largest)
        parts, total = [], 0
        for start in range(0, left.shape[0], step):
            block = left[start : start + step]
            pairs = pruned.find(block) if pruned is not None else None
            query, row, products = pairs or self._candidates(block, count)
            parts.append(self._rank(queries[start : start + step], query, row, count))
            total += products
        squared, rows = (np.concatenate(part) for part in zip(*parts, strict=True))
        return squared, rows, total / (left.shape[0] * self.bank.shape[0])

    def _candidates(self, left: Array, count: int) -> tuple[Array, Array, int]:
        """Return the candidate (query, row) pairs by the full product, and its size."""
        xp = array_namespace(left)
        with self._lock:
            self._full = self._full or (self._columns(), np.arange(self.bank.shape[0]))
            columns, rows = self._full
        right = xp.permute_dims(columns, (1, 0))
        max_norm = float(xp.max(xp.sum(left * left, axis=1))) ** 0.5
        error = product_error(self.bank.shape[1], max_norm, self._max_norm)
        step = max(LEAST_BLOCK, BLOCK_VALUES // len(rows))
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
