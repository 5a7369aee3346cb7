"""Nearest rows without measuring all: whole cells of the bank are ruled out, with proof."""

import numpy as np

from goldensample.records import Array

SAMPLE, STEPS = 16, 2
"""Rows per cell that the middles are made from, and how often they move; change the speed only."""
BLOCK_VALUES = 2**20
"""Products held at a time, or a cell's with all queries if more; changes the speed only."""
WORTH = 0.6
"""Share of products above which one full product is as quick; changes the speed only."""
TILE = 4096
"""Rows sorted into cells at a time; changes the speed only."""


class PrunedSearch:
    """Finds the rows that can be nearest to a query, by products with few cells of rows.

    The rows lie in about √m cells, each row in that of the nearest middle. A query is compared
    with all middles, then with its own cell, whose best row gives an upper bound; then with those
    other cells that the bound leaves in question.

    Proof. For a query q whose nearest middle is a, and a row b in the cell of another middle c,
    |x - a|² - |x - c|² = 2 x·(c - a) + |a|² - |c|², so that

        2 (b - q)·(c - a) = (|b - a|² - |b - c|²) + |q - c|² - |q - a|².

    The left side is at most 2 |b - q| |c - a|; the bracket is at least its minimum over the cell,
    the `gap` of c as seen from a. The cell is out of question where
    |q - c|² - |q - a|² + gap > 2 |c - a| · upper bound.

    Rounding. With E from `product_error`, each product |x - y|² - |x|² errs by at most E. The left
    side has four of them and three float32 sums of terms below 4 (|x| + |y|)², together less
    than 2 E: 6 E are taken off. The squared upper bound has one product (E), the float32 sum |q|²
    (E) and, by centring and for ties after rounding in float64, less than 2 E more: 4 E are added.
    Roots and |c - a| err by less than 1e-5 of their size, by which the bound is stretched. Within
    a cell, rows up to 2 E above the least product are kept, as in the full search.

    Args:
        columns: (m, d + 1) float32, [-2 b, |b|²] for each centred row b, m >= 1; not changed.

    Cost: √m·m·d multiplications and a sorted copy of the columns.
    """

    def __init__(self, columns: Array) -> None:
        count = cells_for(len(columns))
        middles = _middles(columns[:: max(1, len(columns) // (SAMPLE * count)), :-1] / -2, count)
        right = _columns(middles)
        own, gap = _sort(columns, right)
        filled = np.bincount(own, minlength=len(middles)) > 0
        self.rows = np.argsort(own, kind="stable")
        self.columns = columns[self.rows]
        starts = np.flatnonzero(np.diff(own[self.rows], prepend=-1))
        self._starts = np.append(starts, len(columns))
        self._right = np.ascontiguousarray(right[filled].T)
        self._gap = gap[np.ix_(filled, filled)]
        self._twice_apart = _twice_apart(middles[filled])
        longest = max(columns[:, -1].max(), right[filled, -1].max())
        self._longest = float(longest) ** 0.5

    @property
    def largest(self) -> int:
        """Rows of the largest cell."""
        return int(np.diff(self._starts).max())

    def find(self, left: Array) -> tuple[Array, Array, int] | None:
        """Find all rows that can be nearest to each query.

        Args:
            left: (q, d + 1) float32, [q, 1] for each query, centred as the rows; not changed.

        Returns:
            (p,) query and (p,) row of each pair in question, at least one pair a query, and how
            many products of depth d were made; None where too few rows can be ruled out to be
            quicker than the full product.

        Cost: memory for q·(√m + rows of the largest cell) values.
        """
        squared = np.einsum("qd,qd->q", left[:, :-1], left[:, :-1])
        longest = max(float(squared.max()) ** 0.5, self._longest)
        error = product_error(left.shape[1] - 1, longest, self._longest)
        near = left @ self._right  # (q, cells): |q - c|² - |q|²
        own, all_queries = near.argmin(axis=1), np.arange(len(left))
        order = np.argsort(own, kind="stable")
        best = np.full(len(left), np.inf, np.float32)
        found = self._visit(own[order], order, left, best, 2 * error)
        upper = np.sqrt(np.maximum(best + squared + 4 * error, 0)) * (1 + 1e-5)
        near -= near[all_queries, own][:, None]
        near += self._gap[own]
        near -= 6 * error
        near[all_queries, own] = np.inf  # visited
        cell, query = np.nonzero((near <= self._twice_apart[own] * upper[:, None]).T)
        sizes = np.diff(self._starts)
        products = near.size + int(sizes[own].sum() + sizes[cell].sum())
        if products > WORTH * len(left) * len(self.rows):
            return None
        found += self._visit(cell, query, left, best, 2 * error)
        queries, rows, values = (np.concatenate(part) for part in zip(*found, strict=True))
        kept = values <= best[queries] + 2 * error
        return queries[kept], self.rows[rows[kept]], products

    def _visit(
        self, cell: Array, query: Array, left: Array, best: Array, slack: float
    ) -> list[tuple[Array, Array, Array]]:
        """Compare queries with cells, given in the order of the cells, and lower their best value.

        Returns:
            Parts of (query, row, value), where the value is within the slack of the best so far.
        """
        sizes = np.diff(self._starts)
        pairs = np.bincount(cell, minlength=len(sizes))
        cells, ends = np.flatnonzero(pairs), np.cumsum(pairs)
        block = np.cumsum((pairs * sizes)[cells]) // BLOCK_VALUES
        found = []
        for group in np.split(cells, np.flatnonzero(np.diff(block)) + 1) if len(cells) else ():
            part = slice(ends[group[0]] - pairs[group[0]], ends[group[-1]])
            among, rows = query[part], sizes[cell[part]]
            starts = np.cumsum(rows) - rows  # of each pair's values
            values = self._multiply(group, pairs[group], left[among])
            np.minimum.at(best, among, np.minimum.reduceat(values, starts))
            close = np.flatnonzero(values <= np.repeat(best[among] + slack, rows))
            pair = np.searchsorted(starts, close, side="right") - 1
            row = self._starts[cell[part][pair]] + close - starts[pair]
            found.append((among[pair], row, values[close]))
        return found

    def _multiply(self, cells: Array, queries: Array, left: Array) -> Array:
        """Return, cell after cell and query after query, the products with the cell's rows."""
        firsts, lasts = self._starts[cells], self._starts[cells + 1]
        values = np.empty(int(((lasts - firsts) * queries).sum()), np.float32)
        at = begin = 0
        bounds = zip(firsts.tolist(), lasts.tolist(), queries.tolist(), strict=True)
        for first, last, count in bounds:
            end = at + count * (last - first)
            out = values[at:end].reshape(count, last - first)
            np.matmul(left[begin : begin + count], self.columns[first:last].T, out=out)
            at, begin = end, begin + count
        return values


def cells_for(rows: int) -> int:
    """Return into how many cells a bank is sorted."""
    return max(1, round(rows**0.5))


def product_error(depth: int, longest_left: float, longest_right: float) -> float:
    """Return a bound on the rounding error of |q - b|² - |q|² by a float32 product.

    A float32 sum of k products errs by at most gamma_k = k·u / (1 - k·u), u = 2^-24, times the
    sum of their sizes (Higham, Accuracy and Stability, 3.1). There are two such sums, the
    column |b|² and the product; centring adds two roundings.
    """
    unit = (2 * depth + 8) * 2.0**-24
    return unit / (1 - unit) * (longest_left + longest_right) ** 2


def _columns(points: Array) -> Array:
    """Return [-2 b, |b|²] for each row."""
    squared = np.einsum("md,md->m", points, points)
    return np.concatenate([-2 * points, squared[:, None]], axis=1)


def _middles(points: Array, count: int) -> Array:
    """Return at most `count` middles of groups of alike points, by a few steps of k-means."""
    middles = points[:: max(1, len(points) // count)][:count]
    for _ in range(STEPS):
        right = _columns(middles)
        own = (points @ right[:, :-1].T + right[:, -1]).argmin(axis=1)
        order = np.argsort(own, kind="stable")
        starts = np.flatnonzero(np.diff(own[order], prepend=-1))
        sizes = np.diff(np.append(starts, len(order))).astype(np.float32)
        middles = np.add.reduceat(points[order], starts, axis=0) / sizes[:, None]
    return middles


def _sort(columns: Array, right: Array) -> tuple[Array, Array]:
    """Return each row's nearest middle (m,) and the gaps (from middle a, of the cell of c)."""
    own = np.empty(len(columns), np.int64)
    gap = np.full((len(right), len(right)), np.inf, np.float32)
    for at in range(0, len(columns), TILE):
        left = columns[at : at + TILE] / -2
        left[:, -1] = 1
        values = left @ right.T  # (rows, middles)
        cell = own[at : at + TILE] = values.argmin(axis=1)
        values -= values[np.arange(len(cell)), cell][:, None]
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
        among = cell[order[starts]]
        gap[among] = np.minimum(gap[among], np.minimum.reduceat(values[order], starts, axis=0))
    return own, np.ascontiguousarray(gap.T)


def _twice_apart(middles: Array) -> Array:
    """Return twice the distances between middles; 1 between copies, whose bounds are never above 0.

    Differences are taken first, so that near copies have exact distances too.
    """
    whole = middles.astype(np.float64)
    apart = np.stack([np.sqrt(np.square(whole - middle).sum(axis=1)) for middle in whole])
    return np.where(apart > 0, 2 * apart, 1).astype(np.float32)
