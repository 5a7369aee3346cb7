"""The greedy coreset of the paper (Algorithm 1): the picks of the plain loop, many per pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample.neighbors import to_numpy
from goldensample.projection import TILE, squared_between, to_whole_numbers
from goldensample.records import Array

CELLS = 512
"""Picks made by full passes; then the rows are sorted into cells around these picks."""
FIRST_BLOCK, LEAST_BLOCK, LARGEST_BLOCK = 512, 64, 2048
"""Rows compared in the first pass, and how few and many they may become."""


@dataclass(frozen=True, slots=True)
class Coreset:
    """The chosen rows.

    Args:
        picks: (m,) int64 rows in the order of choice.
        nearest: (n,) int32, for every row, which of the picks is nearest to it (its place among
            the picks).
        radius: how far the farthest row is from its nearest pick, in units of the points given.
    """

    picks: Array
    nearest: Array
    radius: float


def greedy(
    points: Array,
    rows: int,
    block: int | None = None,
    notify: Callable[[int], None] | None = None,
    overwrite: bool = False,
) -> Coreset:
    """Pick rows so that the farthest row is as near as the greedy rule gets it (k-center).

    The first pick is the row farthest from the centre; each next pick is the row farthest from
    all picks; ties go to the lower index. It ends early when every row is a copy of a pick.

    In each pass the `block` farthest rows are compared among themselves. For as long as the best
    of them is farther than every row outside, it is the pick that the plain loop would make,
    because distances only shrink. Then matrix products update the distances: of all rows at
    first, later of those cells of rows that a pick can reach (see `_Rows.sort_into_cells`).

    Args:
        points: (n, d) floats, n >= 1; changed only with `overwrite`.
        rows: how many to pick, at least 1; never more than n are picked.
        block: rows compared in a pass; None adapts it on the way. Changes the speed only.
        notify: told the number of picks after each pass.
        overwrite: the points may be used as working space, which saves a copy of them.

    Cost: at most n·m·d multiplications for m picks; on real patches about a tenth of that.
    Source: Roth et al. 2022, Algorithm 1.
    """
    whole, step = to_whole_numbers(points, overwrite)
    state, size = _Rows(whole), block or FIRST_BLOCK
    wanted = min(rows, whole.shape[0])
    while (done := len(state.picks)) < wanted:
        limit = min(wanted, CELLS) - done if done < CELLS else wanted - done
        chosen = state.farthest(min(size, whole.shape[0]), limit if done else 1)
        if not chosen:
            break
        state.update(chosen)
        if block is None and 2 * len(chosen) > size:
            size = min(2 * size, LARGEST_BLOCK)
        elif block is None and 8 * len(chosen) < size:
            size = max(size // 2, LEAST_BLOCK)
        if len(state.picks) == CELLS and wanted > 2 * CELLS and is_numpy_array(whole):
            state.sort_into_cells()
        if notify is not None:
            notify(len(state.picks))
    return state.result(step)


class _Rows:
    """The rows with their squared distances to the picks made so far; all numbers are whole."""

    def __init__(self, whole: Array) -> None:
        xp = array_namespace(whole)
        self.whole = whole
        tiles = (whole[at : at + TILE] for at in range(0, whole.shape[0], TILE))
        self.norms = xp.concat([xp.sum(tile * tile, axis=1) for tile in tiles])
        self.squared = self.norms  # to the centre, which is 0
        self.nearest = xp.zeros(whole.shape[0], dtype=xp.int32, device=device(whole))
        self.number = np.arange(whole.shape[0])  # of each row, as the caller counts
        self.picks: list[int] = []
        self.cells: _Cells | None = None

    def farthest(self, block: int, limit: int) -> list[int]:
        """Return the picks, at most `limit`, that the farthest `block` rows give for certain."""
        xp = array_namespace(self.whole)
        now = to_numpy(self.squared)
        inside, outside_value, outside_number = _farthest(now, self.number, block)
        local = xp.take(self.whole, xp.asarray(inside, device=device(self.whole)), axis=0)
        mutual = to_numpy(squared_between(local, local))
        distance = now[inside]  # a copy: indexing with an array
        chosen: list[int] = []
        while len(chosen) < limit:
            best = int(np.argmax(distance))  # numbers ascend, so ties go to the lower one
            value, number = distance[best], int(self.number[inside[best]])
            if value <= 0 or (value, -number) < (outside_value, -outside_number):
                break
            chosen.append(int(inside[best]))
            np.minimum(distance, mutual[best], out=distance)
        return chosen

    def update(self, chosen: list[int]) -> None:
        """Make rows picks: measure the others' distances to them."""
        xp = array_namespace(self.whole)
        picked = xp.take(self.whole, xp.asarray(chosen, device=device(self.whole)), axis=0)
        norms = xp.sum(picked * picked, axis=1)
        if self.cells is not None:
            self.cells.update(self, picked, norms, len(self.picks))
        else:
            right = xp.permute_dims(-2 * picked, (1, 0))
            squared, nearest = [], []
            for at in range(0, self.whole.shape[0], TILE):
                values = xp.matmul(self.whole[at : at + TILE], right) + norms
                squared.append(xp.min(values, axis=1))
                nearest.append(xp.astype(xp.argmin(values, axis=1), xp.int32))
            found, which = xp.concat(squared) + self.norms, xp.concat(nearest) + len(self.picks)
            nearer = found < self.squared if self.picks else found >= 0
            self.squared = xp.where(nearer, found, self.squared)
            self.nearest = xp.where(nearer, which, self.nearest)
        self.picks += [int(number) for number in self.number[chosen]]

    def sort_into_cells(self) -> None:
        """Sort the rows by their nearest pick, so that a cell of rows is one slice."""
        order = np.argsort(self.nearest, kind="stable")
        for at in range(0, self.whole.shape[1], 16):  # by columns: no second copy of all
            self.whole[:, at : at + 16] = self.whole[order, at : at + 16]
        self.norms, self.squared = self.norms[order], self.squared[order]
        self.nearest, self.number = self.nearest[order], self.number[order]
        starts = np.flatnonzero(np.diff(self.nearest, prepend=-1))
        middles = np.flatnonzero(self.squared == 0)  # the picks themselves, and copies of them
        first = middles[np.searchsorted(middles, starts)]
        self.cells = _Cells(
            np.append(starts, len(order)),
            self.whole[first],
            np.sqrt(np.maximum.reduceat(self.squared, starts)),
        )

    def result(self, step: float) -> Coreset:
        """Return what was chosen, in the caller's order of rows."""
        nearest = np.empty(len(self.number), np.int32)
        nearest[self.number] = to_numpy(self.nearest)
        radius = float(to_numpy(self.squared).max()) ** 0.5 * step
        if not self.picks:  # all rows alike: the first stands for all
            return Coreset(np.zeros(1, np.int64), nearest, 0.0)
        return Coreset(np.asarray(self.picks, np.int64), nearest, radius)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Slices of rows around early picks.

    Args:
        starts: (cells + 1,) first row of each cell, and the end of the last.
        middles: (cells, d) the picks they lie around.
        reach: (cells,) how far the farthest row of each lies from its middle.
    """

    starts: Array
    middles: Array
    reach: Array

    def update(self, rows: _Rows, picked: Array, norms: Array, made: int) -> None:
        """Measure distances to new picks in the cells that they can reach.

        A pick can be nearer to a row than the row's distance D only if it lies nearer than D plus
        the cell's reach to the cell's middle (triangle inequality).
        """
        farthest = np.sqrt(np.maximum.reduceat(rows.squared, self.starts[:-1]))
        away = np.sqrt(squared_between(self.middles, picked))  # (cells, picks)
        reached = away < ((self.reach + farthest) * (1 + 1e-5))[:, None]  # roots are rounded
        for cell in np.flatnonzero(reached.any(axis=1)):
            part = slice(self.starts[cell], self.starts[cell + 1])
            among = np.flatnonzero(reached[cell])
            values = rows.whole[part] @ (-2 * picked[among]).T
            values += norms[among]
            found = values.min(axis=1) + rows.norms[part]
            nearer = np.flatnonzero(found < rows.squared[part])
            rows.squared[part][nearer] = found[nearer]
            rows.nearest[part][nearer] = among[values[nearer].argmin(axis=1)] + made


def _farthest(squared: Array, number: Array, block: int) -> tuple[Array, float, int]:
    """Return the rows of the `block` farthest by number, and the next one's distance and number."""
    n = len(squared)
    if block >= n:
        return np.argsort(number), -1.0, n
    edge = np.partition(squared, n - block)[n - block]
    above, level = np.flatnonzero(squared > edge), np.flatnonzero(squared == edge)
    level = level[np.argsort(number[level])]
    taken = block - len(above)
    inside = np.concatenate([above, level[:taken]])
    inside = inside[np.argsort(number[inside])]
    if taken < len(level):
        return inside, float(edge), int(number[level[taken]])
    below = float(np.max(squared, where=squared < edge, initial=-1.0))
    return inside, below, int(np.min(number[squared == below], initial=n))
