"""Exact nearest rows with pruning: cells of the bank are ruled out by a proven bound."""

import numpy as np

from goldensample.records import Array

SAMPLE, STEPS = 16, 2
"""Rows sampled per cell for k-means, and its iterations; change the speed only."""
BLOCK_VALUES = 2**18
"""Products in memory at a time, or a cell's with all queries if more; changes the speed only."""
WORTH = 0.6
"""Share of products above which one full product is as fast; changes the speed only."""
TILE = 4096
"""Rows sorted into cells at a time; changes the speed only."""


class Cells:
    """The rows of a bank, assigned to about √m cells, each row to that of its nearest centroid.

    Args:
        columns: (m, d + 1) float32, [-2 b, |b|²] for each centred row b, m >= 1; not changed.
        count: most cells, at least 1; √m by default.

    Attributes:
        rows: (m,) int64, by cell.
        starts: (cells + 1,) int64: where each cell begins among them.
        right: (d + 1, cells) float32, [-2 c, |c|²] of each centroid c, as columns.
        gap: (cells, cells) float32; see `PrunedSearch`.
        twice_distances: (cells, cells) float32, twice the distances between the centroids.

    Cost: √m·m·d multiplications.
    """

    def __init__(self, columns: Array, count: int | None = None) -> None:
        count = count or cells_for(len(columns))
        sample = columns[:: max(1, len(columns) // (SAMPLE * count)), :-1] / -2
        centroids = _centroids(sample, count)
        right = _columns(centroids)
        home_cell, gap = _assign(columns, right)
        filled = np.bincount(home_cell, minlength=len(centroids)) > 0
        self.rows = np.argsort(home_cell, kind="stable")
        starts = np.flatnonzero(np.diff(home_cell[self.rows], prepend=-1))
        self.starts = np.append(starts, len(columns))
        self.right = np.ascontiguousarray(right[filled].T)
        self.gap = gap[np.ix_(filled, filled)]
        self.twice_distances = _twice_distances(centroids[filled])


class PrunedSearch:
    """Finds the candidate nearest rows of a query, by products with few cells of rows.

    The rows are assigned to about √m cells, each row to that of its nearest centroid. A query is
    compared with all centroids, then with its home cell, whose best row gives an upper bound; then
    with those other cells that the bound does not rule out.

    Proof. For a query q whose nearest centroid is a, and a row b in the cell of another centroid c,
    |x - a|² - |x - c|² = 2 x·(c - a) + |a|² - |c|², so that

        2 (b - q)·(c - a) = (|b - a|² - |b - c|²) + |q - c|² - |q - a|².

    The left side is at most 2 |b - q| |c - a|; the bracket is at least its minimum over the cell,
    the `gap` of c from a. The cell is ruled out where
    |q - c|² - |q - a|² + gap > 2 |c - a| · upper bound.

    Rounding. With E from `product_error`, each product |x - y|² - |x|² errs by at most E. The left
    side has four of them and three float32 sums of terms below 4 (|x| + |y|)², together less
    than 2 E: 6 E are subtracted. The squared upper bound has one product (E), the float32 sum |q|²
    (E) and, by centring and for ties after rounding in float64, less than 2 E more: 4 E are added.
    Roots and |c - a| err by less than 1e-5 of their size, by which the bound is scaled up. Within
    a cell, rows up to 2 E above the least product are candidates, as in the full search.

    Args:
        columns: (m, d + 1) float32, [-2 b, |b|²] for each centred row b, m >= 1; not changed.

    Cost: √m·m·d multiplications and a sorted copy of the columns.
    """

    def __init__(self, columns: Array) -> None:
        cells = Cells(columns)
        self.rows = cells.rows
        self.columns = columns[self.rows]
        self._starts, self._right = cells.starts, cells.right
        self._gap, self._twice_distances = cells.gap, cells.twice_distances
        max_squared = max(columns[:, -1].max(), cells.right[-1].max())
        self._max_norm = float(max_squared) ** 0.5

    @property
    def largest(self) -> int:
        """Rows of the largest cell."""
        return int(np.diff(self._starts).max())

    def find(self, left: Array) -> tuple[Array, Array, int] | None:
        """Find the candidate nearest rows of each query.

        Args:
            left: (q, d + 1) float32, [q, 1] for each query, centred as the rows; not changed.

        Returns:
            (p,) query and (p,) row of each candidate pair, at least one pair a query, and the
            number of products of depth d computed; None where too few rows can be ruled out to
            be faster than the full product.

        Cost: memory for q·(√m + rows of the largest cell) values.
        """
        squared = np.einsum("qd,qd->q", left[:, :-1], left[:, :-1])
        max_norm = max(float(squared.max()) ** 0.5, self._max_norm)
        error = product_error(left.shape[1] - 1, max_norm, self._max_norm)
        bounds = left @ self._right  # (q, cells): |q - c|² - |q|²
        home_cell, all_queries = bounds.argmin(axis=1), np.arange(len(left))
        order = np.argsort(home_cell, kind="stable")
        best = np.full(len(left), np.inf, np.float32)
        parts = self._visit(home_cell[order], order, left, best, 2 * error)
        upper = np.sqrt(np.maximum(best + squared + 4 * error, 0)) * (1 + 1e-5)
        bounds -= bounds[all_queries, home_cell][:, None]
        bounds += self._gap[home_cell]
        bounds -= 6 * error
        bounds[all_queries, home_cell] = np.inf  # visited
        cell, query = np.nonzero((bounds <= self._twice_distances[home_cell] * upper[:, None]).T)
        sizes = np.diff(self._starts)
        products = bounds.size + int(sizes[home_cell].sum() + sizes[cell].sum())
        if products > WORTH * len(left) * len(self.rows):
            return None
        parts += self._visit(cell, query, left, best, 2 * error)
        queries, rows, values = (np.concatenate(part) for part in zip(*parts, strict=True))
        candidates = values <= best[queries] + 2 * error
        return queries[candidates], self.rows[rows[candidates]], products

    def _visit(
        self, cell: Array, query: Array, left: Array, best: Array, slack: float
    ) -> list[tuple[Array, Array, Array]]:
        """Compare pairs of query and cell, sorted by cell, and lower the best value of each query.

        Returns:
            Parts of (query, row, value), where the value is within the slack of the best so far.
        """
        sizes = np.diff(self._starts)
        pairs = np.bincount(cell, minlength=len(sizes))
        cells, ends = np.flatnonzero(pairs), np.cumsum(pairs)
        block = np.cumsum((pairs * sizes)[cells]) // BLOCK_VALUES
        candidates = []
        for group in np.split(cells, np.flatnonzero(np.diff(block)) + 1) if len(cells) else ():
            part = slice(ends[group[0]] - pairs[group[0]], ends[group[-1]])
            queries, rows = query[part], sizes[cell[part]]
            starts = np.cumsum(rows) - rows  # of each pair's values
            values = self._multiply(group, pairs[group], left[queries])
            np.minimum.at(best, queries, np.minimum.reduceat(values, starts))
            close = np.flatnonzero(values <= np.repeat(best[queries] + slack, rows))
            pair = np.searchsorted(starts, close, side="right") - 1
            row = self._starts[cell[part][pair]] + close - starts[pair]
            candidates.append((queries[pair], row, values[close]))
        return candidates

    def _multiply(self, cells: Array, counts: Array, left: Array) -> Array:
        """Return the products with the rows of each cell, by cell and then by query."""
        firsts, lasts = self._starts[cells], self._starts[cells + 1]
        values = np.empty(int(((lasts - firsts) * counts).sum()), np.float32)
        start = begin = 0
        bounds = zip(firsts.tolist(), lasts.tolist(), counts.tolist(), strict=True)
        for first, last, count in bounds:
            end = start + count * (last - first)
            out = values[start:end].reshape(count, last - first)
            np.matmul(left[begin : begin + count], self.columns[first:last].T, out=out)
            start, begin = end, begin + count
        return values


def cells_for(rows: int) -> int:
    """Return the number of cells of a bank."""
    return max(1, round(rows**0.5))


def product_error(depth: int, max_norm_left: float, max_norm_right: float) -> float:
    """Return a bound on the rounding error of |q - b|² - |q|² by a float32 product.

    A float32 sum of k products errs by at most gamma_k = k·u / (1 - k·u), u = 2^-24, times the
    sum of their sizes (Higham, Accuracy and Stability, 3.1). There are two such sums, the
    column |b|² and the product; centring adds two roundings.
    """
    unit = (2 * depth + 8) * 2.0**-24
    return unit / (1 - unit) * (max_norm_left + max_norm_right) ** 2


def _columns(points: Array) -> Array:
    """Return [-2 b, |b|²] for each row."""
    squared = np.einsum("md,md->m", points, points)
    return np.concatenate([-2 * points, squared[:, None]], axis=1)


def _centroids(points: Array, count: int) -> Array:
    """Return at most `count` centroids of clusters of points, by a few steps of k-means."""
    centroids = points[:: max(1, len(points) // count)][:count]
    for _ in range(STEPS):
        right = _columns(centroids)
        cluster = (points @ right[:, :-1].T + right[:, -1]).argmin(axis=1)
        order = np.argsort(cluster, kind="stable")
        starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))
        sizes = np.diff(np.append(starts, len(order))).astype(np.float32)
        centroids = np.add.reduceat(points[order], starts, axis=0) / sizes[:, None]
    return centroids


def _assign(columns: Array, right: Array) -> tuple[Array, Array]:
    """Return each row's nearest centroid (m,) and the gaps (from centroid a, of the cell of c)."""
    home_cell = np.empty(len(columns), np.int64)
    gap = np.full((len(right), len(right)), np.inf, np.float32)
    for start in range(0, len(columns), TILE):
        left = columns[start : start + TILE] / -2
        left[:, -1] = 1
        values = left @ right.T  # (rows, centroids)
        cell = home_cell[start : start + TILE] = values.argmin(axis=1)
        values -= values[np.arange(len(cell)), cell][:, None]
        order = np.argsort(cell, kind="stable")
        starts = np.flatnonzero(np.diff(cell[order], prepend=-1))
        cells = cell[order[starts]]
        gap[cells] = np.minimum(gap[cells], np.minimum.reduceat(values[order], starts, axis=0))
    return home_cell, np.ascontiguousarray(gap.T)


def _twice_distances(centroids: Array) -> Array:
    """Return twice the distances between centroids; 1 between duplicates, whose bounds are <= 0.

    Differences are taken first, so that near duplicates have exact distances too.
    """
    points = centroids.astype(np.float64)
    distances = np.stack([np.sqrt(np.square(points - point).sum(axis=1)) for point in points])
    return np.where(distances > 0, 2 * distances, 1).astype(np.float32)
