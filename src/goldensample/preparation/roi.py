"""Which part of every picture is looked at: drawn once, laid over pictures of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from goldensample.records import Array

FINEST = 1024
"""Cells along the longest side, at most."""
Polygon = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class View:
    """A picture's plan in cells: which are looked at, and which are never scored.

    Args:
        shape_hw: cells along the height and the width of every picture, whatever its pixels.
        runs: how many cells, row by row, are left out, then looked at, then left out, and so on.

    Raises:
        ValueError: the runs do not fill the cells, or nothing is looked at.
    """

    shape_hw: tuple[int, int]
    runs: tuple[int, ...]

    def __post_init__(self) -> None:
        if min(self.shape_hw) < 1 or max(self.shape_hw) > FINEST:
            raise ValueError(f"shape_hw must be in 1 to {FINEST}; got {self.shape_hw}")
        cells = self.shape_hw[0] * self.shape_hw[1]
        if any(run < 0 for run in self.runs) or sum(self.runs) != cells:
            raise ValueError(f"runs must fill {cells:,} cells; they sum to {sum(self.runs):,}")
        if not any(self.runs[1::2]):
            raise ValueError("a view must leave something to look at; it leaves nothing")

    @property
    def share(self) -> float:
        """Share of the picture that is looked at, in (0, 1]."""
        return sum(self.runs[1::2]) / sum(self.runs)

    def at(self, rows: Array, columns: Array) -> Array:
        """Tell for points, given as shares of the picture, whether they are looked at.

        Args:
            rows: (k,) in [0, 1], from the top.
            columns: (l,) in [0, 1], from the left.

        Returns:
            (k, l) bool.
        """
        height, width = self.shape_hw
        down = np.clip((rows * height).astype(int), 0, height - 1)
        across = np.clip((columns * width).astype(int), 0, width - 1)
        return np.take(np.take(cells_of(self), down, axis=0), across, axis=1)


@lru_cache(maxsize=64)
def cells_of(view: View) -> Array:
    """Return (h, w) bool, True where a view looks."""
    kinds = np.arange(len(view.runs)) % 2 == 1
    return np.repeat(kinds, view.runs).reshape(view.shape_hw)


def view_of(looked_at: Array) -> View:
    """Return the view of a mask; one of more than FINEST cells a side is thinned out.

    Args:
        looked_at: (H, W) bool; not changed.

    Raises:
        ValueError: nothing is looked at.
    """
    share = min(1.0, FINEST / max(looked_at.shape))
    sides = [max(1, round(side * share)) for side in looked_at.shape]
    rows, columns = (
        ((np.arange(side) + 0.5) * whole / side).astype(int)
        for side, whole in zip(sides, looked_at.shape, strict=True)
    )
    flat = looked_at[rows[:, None], columns].reshape(-1)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]]))
    return View((sides[0], sides[1]), tuple([0] * bool(flat[0]) + runs.tolist()))


def drawn(polygons: Sequence[Polygon], shape_hw: tuple[int, int] = (512, 512)) -> Array:
    """Return the cells whose centres lie in any of some polygons, by the even-odd rule.

    Args:
        polygons: each of three corners or more, (row, column) as shares of the picture.
        shape_hw: cells along the height and the width.

    Returns:
        (h, w) bool.

    Raises:
        ValueError: a polygon has fewer corners, or a corner is no pair in [0, 1].

    Example: the polygon (0, 0), (0, 0.5), (1, 0.5), (1, 0) is the left half.
    """
    rows, columns = ((np.arange(side) + 0.5) / side for side in shape_hw)
    found = np.zeros(shape_hw, bool)
    for polygon in polygons:
        corners = _corners(polygon)
        within = np.zeros(shape_hw, bool)
        for (top, left), (low, right) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            crossed = (top <= rows) != (low <= rows)
            if top == low or not crossed.any():
                continue
            at = left + (rows[crossed] - top) / (low - top) * (right - left)
            within[crossed] ^= columns > at[:, None]
        found |= within
    return found


def _corners(polygon: Polygon) -> Array:
    """Return a polygon as (k, 2) float64."""
    try:
        corners = np.asarray(polygon, np.float64)
    except (TypeError, ValueError):
        corners = np.empty(0)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise ValueError(f"a polygon must be three pairs or more; got {str(polygon)[:60]}")
    if not ((corners >= 0) & (corners <= 1)).all():
        raise ValueError(
            f"a corner must be (row, column) as shares of the picture, in [0, 1]; got {polygon}"
        )
    return corners


def overlaid(one: Array, other: Array) -> tuple[Array, Array]:
    """Return two masks in the cells of the finer one along each side."""
    height, width = (max(pair) for pair in zip(one.shape, other.shape, strict=True))
    spread = []
    for mask in (one, other):
        rows, columns = (
            ((np.arange(side) + 0.5) * old / side).astype(int)
            for side, old in zip((height, width), mask.shape, strict=True)
        )
        spread.append(mask[rows[:, None], columns])
    return spread[0], spread[1]
