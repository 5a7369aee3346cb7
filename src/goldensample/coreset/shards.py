"""Shards of the rows that a coreset is selected from, each with its rows' distances to the picks.

A shard is in this process or in another; `greedy.greedy_over` drives them. All its values are
integers (see `projection`), so the results do not depend on how the rows are split into shards.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import isqrt

import numpy as np
from array_api_compat import device

from goldensample.arrays import array_namespace, to_numpy
from goldensample.coreset import compiled
from goldensample.coreset.cells import Cells
from goldensample.coreset.projection import TILE, Grid, on_grid
from goldensample.records import Array
from goldensample.runners import Message, Result

FEW_SHARDS, SHARD_ROWS = 4, 1500
"""See `shard_count`; measured by benchmarks/cluster.py; changes the speed only."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """The farthest rows of a shard.

    Args:
        numbers: (b,) int64, ascending, among the rows of all shards.
        points: (b, d) integers.
        squared: (b,) distances to the nearest pick.
        outside: squared distance and number of the farthest other row, of equal ones the lowest;
            (-1, 0) if there is none.
    """

    numbers: Array
    points: Array
    squared: Array
    outside: tuple[float, int]


@dataclass(frozen=True, slots=True)
class Round:
    """The message of a round to all shards.

    Args:
        picks: (c, d) integers, the new picks.
        block: how many candidates each shard returns.
        centres: (m, d) all picks so far, if rows are to be sorted into cells around them.
    """

    picks: Array
    block: int
    centres: Array | None


class Shard:
    """Consecutive rows with their squared distances to the picks so far.

    It takes 4·d + 20 bytes a row in float32, or in int16, twice, for compiled code: integers,
    norms, distances, nearest picks, distances to the cell's centre and numbers; and about 80 bytes
    a row more while rows are sorted into cells.

    Args:
        points: (k, d) floats, k >= 1, the same type in all shards; changed only with `overwrite`.
        first: number of the first row among the rows of all shards.
        overwrite: the points may be used as working space, which saves a copy of them.
    """

    def __init__(self, points: Array, first: int, overwrite: bool = False) -> None:
        if not points.shape[0]:
            raise ValueError("a shard must have at least one row; got none; make fewer shards")
        self.points, self.first, self.overwrite = points, first, overwrite
        self.pick_count = 0
        self.cells: Cells | None = None
        self.spare: Array | None = None  # room for a copy of integers in int16, for compiled code

    def begin(self, grid: Grid) -> None:
        """Round the rows to the grid; the distances are to the centre, which is 0."""
        xp = array_namespace(self.points)
        if compiled.is_for(self.points, grid):
            self.points, self.spare = compiled.to_int16(self.points, grid, self.overwrite)
            self.norms = compiled.squared_norms(self.points)
            self.cells = compiled.undivided(self.points, self.norms)
        else:
            self.points = on_grid(self.points, grid, self.overwrite)
            starts = range(0, self.points.shape[0], TILE)
            tiles = (self.points[start : start + TILE] for start in starts)
            self.norms = xp.concat([xp.sum(tile * tile, axis=1) for tile in tiles])
        self.squared = self.norms
        count = self.points.shape[0]
        self.nearest = xp.zeros(count, dtype=xp.int32, device=device(self.points))
        self.number = np.arange(count, dtype=np.int32)  # of each row in this shard

    def farthest(self, block: int) -> Candidates:
        """Return the farthest `block` rows; ties go to the lower number."""
        xp = array_namespace(self.points)
        squared = to_numpy(self.squared)
        inside, value, number = farthest_rows(squared, self.number, block)
        points = xp.take(self.points, xp.asarray(inside, device=device(self.points)), axis=0)
        numbers = self.number[inside].astype(np.int64) + self.first
        return Candidates(numbers, points, squared[inside], (value, number + self.first))

    def update(self, picks: Array) -> None:
        """Measure the rows' distances to new picks, (c, d) integers."""
        if self.cells is None:
            self._measure_all(picks)
        else:
            if self.pick_count == 0:
                self.squared = np.full_like(self.norms, np.inf)
            rows = self.points, self.norms, self.squared, self.nearest
            update = (
                self.cells.update if self.spare is None else partial(compiled.update, self.cells)
            )
            update(*rows, picks.astype(self.points.dtype), self.pick_count)
        self.pick_count += picks.shape[0]

    def _measure_all(self, picks: Array) -> None:
        """Measure the distances of all rows to new picks."""
        xp = array_namespace(self.points)
        picks = xp.astype(picks, self.points.dtype)
        norms, right = xp.sum(picks * picks, axis=1), xp.permute_dims(-2 * picks, (1, 0))
        squared, nearest = [], []
        for start in range(0, self.points.shape[0], TILE):
            values = xp.matmul(self.points[start : start + TILE], right) + norms
            squared.append(xp.min(values, axis=1))
            nearest.append(xp.astype(xp.argmin(values, axis=1), xp.int32))
        new_squared = xp.concat(squared) + self.norms
        new_nearest = xp.concat(nearest) + self.pick_count
        nearer = new_squared < self.squared if self.pick_count else new_squared >= 0
        self.squared = xp.where(nearer, new_squared, self.squared)
        self.nearest = xp.where(nearer, new_nearest, self.nearest)

    def sort_into_cells(self, picks: Array) -> None:
        """Sort the rows by their nearest pick, so that a cell of rows is one slice.

        Args:
            picks: (m, d) all picks so far.
        """
        order = np.lexsort((-self.squared, self.nearest))
        if self.spare is not None:
            self.points, self.spare = self.points.take(order, 0, self.spare, "clip"), self.points
        else:
            for start in range(0, self.points.shape[1], 16):  # by columns: no second copy of all
                columns = slice(start, start + 16)
                self.points[:, columns] = self.points[order, columns]
        self.norms, self.squared = self.norms[order], self.squared[order]
        self.nearest, self.number = self.nearest[order], self.number[order]
        starts = np.flatnonzero(np.diff(self.nearest, prepend=-1))
        self.cells = Cells(
            np.append(starts, len(order)),
            picks[self.nearest[starts]].astype(self.points.dtype),
            np.sqrt(self.squared),
        )

    def result(self) -> tuple[Array, float]:
        """Return the nearest pick of each row, (k,) int32, and the largest squared distance."""
        nearest = np.empty(len(self.number), np.int32)
        nearest[self.number] = to_numpy(self.nearest)
        return nearest, float(to_numpy(self.squared).max())


def shard_count(workers: int, rows: int) -> int:
    """Return the number of shards for the rows.

    Sending a round to one more shard takes the caller as long as a shard needs for so many rows
    that, beyond the square root of rows / SHARD_ROWS, more shards would make a round longer.
    """
    return min(workers, max(FEW_SHARDS, isqrt(rows // SHARD_ROWS)))


def measure_points(
    shard: Shard, request: tuple[Callable[[Array, Message], Result], Message]
) -> Result:
    """Return a measure of a shard's points, for `projection.grid_of`."""
    measure, message = request
    return measure(shard.points, message)


def begin_selection(shard: Shard, grid: Grid) -> Candidates:
    """Round a shard to the grid; return its candidate for the first pick."""
    shard.begin(grid)
    return shard.farthest(1)


def advance_selection(shard: Shard, message: Round) -> Candidates:
    """Carry out a round in a shard; return its candidates for the next one."""
    shard.update(message.picks)
    if message.centres is not None:
        shard.sort_into_cells(message.centres)
    return shard.farthest(message.block)


def finish_selection(shard: Shard, message: None) -> tuple[Array, float]:
    """Return the result of a shard; see `Shard.result`."""
    return shard.result()


def farthest_rows(squared: Array, number: Array, block: int) -> tuple[Array, float, int]:
    """Return the `block` farthest rows, and the next one's squared distance and number.

    Args:
        squared: (n,) distances.
        number: (n,) of each row; of equally far rows the lower number counts as farther.
        block: at least 1.

    Returns:
        Indices of rows, by number; the next one's distance and number, (-1, 0) if there is none.
    """
    n = len(squared)
    if block >= n:
        return np.argsort(number), -1.0, 0
    edge = np.partition(squared, n - block)[n - block]
    above, ties = np.flatnonzero(squared > edge), np.flatnonzero(squared == edge)
    ties = ties[np.argsort(number[ties])]
    tie_count = block - len(above)
    inside = np.concatenate([above, ties[:tie_count]])
    inside = inside[np.argsort(number[inside])]
    if tie_count < len(ties):
        return inside, float(edge), int(number[ties[tie_count]])
    below = float(np.max(squared, where=squared < edge, initial=-1.0))
    return inside, below, int(np.min(number[squared == below], initial=n))
