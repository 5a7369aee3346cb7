"""The region of interest (ROI) of every picture: drawn once, scaled to pictures of any size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from goldensample.records import Array

MAX_CELLS = 1024
"""Most cells along the longest side."""
Polygon = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class RegionOfInterest:
    """A run-length encoded mask in cells: patches outside it are never scored.

    Args:
        shape_hw: cells along the height and the width of every picture, of any size in pixels.
        runs: run lengths in row-major order: cells outside, then inside, then outside, and so on.

    Raises:
        ValueError: the runs do not fill the cells, or the ROI is empty.
    """

    shape_hw: tuple[int, int]
    runs: tuple[int, ...]

    def __post_init__(self) -> None:
        if min(self.shape_hw) < 1 or max(self.shape_hw) > MAX_CELLS:
            raise ValueError(f"shape_hw must be in 1 to {MAX_CELLS}; got {self.shape_hw}")
        cells = self.shape_hw[0] * self.shape_hw[1]
        if any(run < 0 for run in self.runs) or sum(self.runs) != cells:
            raise ValueError(f"runs must fill {cells:,} cells; they sum to {sum(self.runs):,}")
        if not any(self.runs[1::2]):
            raise ValueError("a view must leave something to look at; it leaves nothing")

    @property
    def share(self) -> float:
        """Share of the picture inside the ROI, in (0, 1]."""
        return sum(self.runs[1::2]) / sum(self.runs)

    def contains(self, rows: Array, columns: Array) -> Array:
        """Return for a grid of points, as shares of the picture, which are inside the ROI.

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
def cells_of(roi: RegionOfInterest) -> Array:
    """Return (h, w) bool, True inside the ROI."""
    inside = np.arange(len(roi.runs)) % 2 == 1
    return np.repeat(inside, roi.runs).reshape(roi.shape_hw)


def roi_from_mask(mask: Array) -> RegionOfInterest:
    """Return the ROI of a mask, subsampled where it has more than MAX_CELLS along a side.

    Args:
        mask: (H, W) bool; not changed.

    Raises:
        ValueError: the mask is empty.
    """
    share = min(1.0, MAX_CELLS / max(mask.shape))
    sides = [max(1, round(side * share)) for side in mask.shape]
    rows, columns = (
        ((np.arange(side) + 0.5) * size / side).astype(int)
        for side, size in zip(sides, mask.shape, strict=True)
    )
    flat = mask[rows[:, None], columns].reshape(-1)
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], ends, [flat.size]]))
    return RegionOfInterest((sides[0], sides[1]), tuple([0] * bool(flat[0]) + runs.tolist()))


def draw_polygons(polygons: Sequence[Polygon], shape_hw: tuple[int, int] = (512, 512)) -> Array:
    """Return the cells whose centres lie in any of the polygons, by the even-odd rule.

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
    mask = np.zeros(shape_hw, bool)
    for polygon in polygons:
        corners = _corners(polygon)
        inside = np.zeros(shape_hw, bool)
        for (top, left), (bottom, right) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            crossed = (top <= rows) != (bottom <= rows)
            if top == bottom or not crossed.any():
                continue
            crossing = left + (rows[crossed] - top) / (bottom - top) * (right - left)
            inside[crossed] ^= columns > crossing[:, None]
        mask |= inside
    return mask


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


def match_masks(first: Array, second: Array) -> tuple[Array, Array]:
    """Return two masks resampled to one grid, the finer of the two along each side."""
    height, width = (max(pair) for pair in zip(first.shape, second.shape, strict=True))
    resampled = []
    for mask in (first, second):
        rows, columns = (
            ((np.arange(side) + 0.5) * size / side).astype(int)
            for side, size in zip((height, width), mask.shape, strict=True)
        )
        resampled.append(mask[rows[:, None], columns])
    return resampled[0], resampled[1]
