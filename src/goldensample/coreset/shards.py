"""Shards of the rows that a coreset is chosen from: each keeps its rows' distances to the picks.

A shard lies in this process or in another; `coreset.greedy_over` drives them. All its numbers are
whole (see `projection`), so what it answers does not hang on how the rows are cut into shards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import isqrt

import numpy as np
from array_api_compat import array_namespace, device

from goldensample.arrays import to_numpy
from goldensample.coreset.projection import TILE, Grid, on_grid, squared_between
from goldensample.records import Array
from goldensample.runners import Message, Result

FEW_SHARDS, SHARD_ROWS = 4, 1500
"""See `shards_for`; measured by benchmarks/cluster.py; changes the speed only."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The farthest rows of a shard.

    Args:
        numbers: (b,) int64, ascending, as all rows are counted.
        points: (b, d) whole numbers.
        squared: (b,) distances to the nearest pick.
        outside: distance and number of the farthest other row, of equal ones the lowest; (-1, 0)
            where there is none.
    """

    numbers: Array
    points: Array
    squared: Array
    outside: tuple[float, int]


@dataclass(frozen=True, slots=True)
class Round:
    """What all shards are told in a round.

    Args:
        picked: (c, d) whole numbers, the new picks.
        block: how many candidates each shard gives.
        middles: (m, d) all picks so far, if rows are to be sorted into cells around them.
    """

    picked: Array
    block: int
    middles: Array | None


class Shard:
    """A run of rows with their squared distances to the picks made so far.

    It takes 4·d + 16 bytes a row in float32: whole numbers, norms, distances, nearest picks and
    numbers; and about 80 bytes a row more for the moment in which rows are sorted into cells.

    Args:
        points: (k, d) floats, k >= 1, the same type in all shards; changed only with `overwrite`.
        first: number of the first row: how many rows lie in the shards before.
        overwrite: the points may be used as working space, which saves a copy of them.
    """

    def __init__(self, points: Array, first: int, overwrite: bool = False) -> None:
        if not points.shape[0]:
            raise ValueError("a shard must have at least one row; got none; make fewer shards")
        self.points, self.first, self.overwrite = points, first, overwrite
        self.made = 0  # picks
        self.cells: _Cells | None = None

    def begin(self, grid: Grid) -> None:
        """Put the rows on the grid; the distances are to the centre, which is 0."""
        xp = array_namespace(self.points)
        self.points = on_grid(self.points, grid, self.overwrite)
        tiles = (self.points[at : at + TILE] for at in range(0, self.points.shape[0], TILE))
        self.norms = xp.concat([xp.sum(tile * tile, axis=1) for tile in tiles])
        self.squared = self.norms
        count = self.points.shape[0]
        self.nearest = xp.zeros(count, dtype=xp.int32, device=device(self.points))
        self.number = np.arange(count, dtype=np.int32)  # of each row in this shard

    def farthest(self, block: int) -> Candidates:
        """Return the farthest `block` rows; ties go to the lower number."""
        xp = array_namespace(self.points)
        now = to_numpy(self.squared)
        inside, value, number = farthest_of(now, self.number, block)
        points = xp.take(self.points, xp.asarray(inside, device=device(self.points)), axis=0)
        numbers = self.number[inside].astype(np.int64) + self.first
        return Candidates(numbers, points, now[inside], (value, number + self.first))

    def update(self, picked: Array) -> None:
        """Measure the rows' distances to new picks, (c, d) whole numbers."""
        xp = array_namespace(self.points)
        norms = xp.sum(picked * picked, axis=1)
        if self.cells is not None:
            self.cells.update(self, picked, norms)
        else:
            right = xp.permute_dims(-2 * picked, (1, 0))
            squared, nearest = [], []
            for at in range(0, self.points.shape[0], TILE):
                values = xp.matmul(self.points[at : at + TILE], right) + norms
                squared.append(xp.min(values, axis=1))
                nearest.append(xp.astype(xp.argmin(values, axis=1), xp.int32))
            found, which = xp.concat(squared) + self.norms, xp.concat(nearest) + self.made
            nearer = found < self.squared if self.made else found >= 0
            self.squared = xp.where(nearer, found, self.squared)
            self.nearest = xp.where(nearer, which, self.nearest)
        self.made += picked.shape[0]

    def sort_into_cells(self, picks: Array) -> None:
        """Sort the rows by their nearest pick, so that a cell of rows is one slice.

        Args:
            picks: (m, d) all picks so far.
        """
        order = np.argsort(self.nearest, kind="stable")
        for at in range(0, self.points.shape[1], 16):  # by columns: no second copy of all
            self.points[:, at : at + 16] = self.points[order, at : at + 16]
        self.norms, self.squared = self.norms[order], self.squared[order]
        self.nearest, self.number = self.nearest[order], self.number[order]
        starts = np.flatnonzero(np.diff(self.nearest, prepend=-1))
        self.cells = _Cells(
            np.append(starts, len(order)),
            picks[self.nearest[starts]],
            np.sqrt(np.maximum.reduceat(self.squared, starts)),
        )

    def result(self) -> tuple[Array, float]:
        """Return the nearest pick of each row, (k,) int32, and the largest squared distance."""
        nearest = np.empty(len(self.number), np.int32)
        nearest[self.number] = to_numpy(self.nearest)
        return nearest, float(to_numpy(self.squared).max())


def shards_for(workers: int, rows: int) -> int:
    """Return how many shards rows are cut into.

    Telling one more shard of a round costs the caller as long as a shard takes for so many rows
    that, beyond the root of rows / SHARD_ROWS, more shards would make a round longer.
    """
    return min(workers, max(FEW_SHARDS, isqrt(rows // SHARD_ROWS)))


def measured(shard: Shard, asked: tuple[Callable[[Array, Message], Result], Message]) -> Result:
    """Return a measure of a shard's points, for `projection.grid_of`."""
    measure, message = asked
    return measure(shard.points, message)


def begun(shard: Shard, grid: Grid) -> Candidates:
    """Put a shard on the grid; return its candidate for the first pick."""
    shard.begin(grid)
    return shard.farthest(1)


def advanced(shard: Shard, now: Round) -> Candidates:
    """Carry out a round in a shard; return its candidates for the next one."""
    shard.update(now.picked)
    if now.middles is not None:
        shard.sort_into_cells(now.middles)
    return shard.farthest(now.block)


def ended(shard: Shard, message: None) -> tuple[Array, float]:
    """Return what a shard knows in the end; see `Shard.result`."""
    return shard.result()


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

    def update(self, rows: Shard, picked: Array, norms: Array) -> None:
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
            values = rows.points[part] @ (-2 * picked[among]).T
            values += norms[among]
            found = values.min(axis=1) + rows.norms[part]
            nearer = np.flatnonzero(found < rows.squared[part])
            rows.squared[part][nearer] = found[nearer]
            rows.nearest[part][nearer] = among[values[nearer].argmin(axis=1)] + rows.made


def farthest_of(squared: Array, number: Array, block: int) -> tuple[Array, float, int]:
    """Return which are the `block` farthest, by number, and the next one's distance and number.

    Args:
        squared: (n,) distances.
        number: (n,) of each row; of equally far rows the lower number counts as farther.
        block: at least 1.

    Returns:
        Places of rows, by number; the next one's (-1, 0) where there is none.
    """
    n = len(squared)
    if block >= n:
        return np.argsort(number), -1.0, 0
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
