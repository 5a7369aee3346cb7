"""Cells: slices of rows around early picks, so that a new pick is compared with few of the rows."""

from dataclasses import dataclass

import numpy as np

from goldensample.coreset.projection import squared_between
from goldensample.records import Array

BLOCK_VALUES = 2**20
"""Distances in memory at a time, or one row's with all picks if more; changes the speed only."""
ROUNDED = 1 + 1e-5
"""More than the roundings of a sum of roots."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Slices of rows, each around a centre.

    A pick can be nearer to a row than the row's nearest pick only if it lies nearer to the centre
    than that pick's distance and the row's own distance to the centre together (triangle
    inequality).

    Args:
        starts: (cells + 1,) int64 first row of each cell, and the end of the last.
        centres: (cells, d) integers.
        offsets: (n,) distance of each row to the centre of its cell.
    """

    starts: Array
    centres: Array
    offsets: Array

    def update(
        self, points: Array, norms: Array, squared: Array, nearest: Array, picks: Array, first: int
    ) -> None:
        """Measure rows' distances to new picks, in the cells that these can affect.

        Args:
            points: (n, d) integers as floats.
            norms: (n,) their squared lengths.
            squared: (n,) squared distances to the nearest pick; updated.
            nearest: (n,) int32 numbers of the nearest picks; updated.
            picks: (c, d) integers as floats.
            first: number of the first of them.
        """
        reach = np.maximum.reduceat(self.offsets + np.sqrt(squared), self.starts[:-1])
        distances = np.sqrt(squared_between(self.centres, picks))  # (cells, picks)
        affected = distances < (reach * ROUNDED)[:, None]
        pick_norms = np.sum(picks * picks, axis=1)
        for cell in np.flatnonzero(affected.any(axis=1)):
            chosen = np.flatnonzero(affected[cell])
            right, end = (-2 * picks[chosen]).T, self.starts[cell + 1]
            step = max(1, BLOCK_VALUES // len(chosen))
            for start in range(self.starts[cell], end, step):
                rows = slice(start, min(start + step, end))
                values = points[rows] @ right
                values += pick_norms[chosen]
                new_squared = values.min(axis=1) + norms[rows]
                nearer = np.flatnonzero(new_squared < squared[rows])
                squared[rows][nearer] = new_squared[nearer]
                nearest[rows][nearer] = chosen[values[nearer].argmin(axis=1)] + first
