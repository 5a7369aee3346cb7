"""Masks from shapes that a person drew on a picture: rectangles, polygons, strokes of a brush.

The rule is that of `label_tools.marks`: the outline runs through the points as they are given,
where (0, 0) is the upper left corner of the picture and (0.5, 0.5) the centre of its first pixel;
pixels whose centre lies inside are marked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goldensample.preparation.roi import draw_polygons
from goldensample.records import Array

KINDS = ("brush", "rectangle", "polygon")
MAX_PASSES = 16
"""How often all pixels of a picture may be looked at, about, to draw on it; and as many pixels
more as a small picture may cost."""
SMALL_PX = 10_000_000
BAND_PX = 2**18
"""Pixels that are looked at in one go, about, which bounds the memory."""
Point = Sequence[float]


@dataclass(frozen=True, slots=True)
class Shape:
    """What was drawn at once.

    Args:
        points: columns and rows in pixels of the picture: those that a brush passed, two opposite
            corners of a rectangle, or the corners of a polygon, by the even-odd rule.
        kind: one of KINDS.
        width: of the round brush, in pixels.
        erase: whether it takes away what was drawn before it.

    Raises:
        ValueError: the kind is unknown, or has other points or another width.
    """

    points: Sequence[Point]
    kind: str = "brush"
    width: float = 0.0
    erase: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a shape must be one of {', '.join(KINDS)}; got {self.kind!r}")
        needs = {"brush": "one point or more, and a width", "rectangle": "two corners"}
        fits = {"brush": len(self.points) >= 1 and self.width > 0}
        fits |= {"rectangle": len(self.points) == 2, "polygon": len(self.points) >= 3}
        if not fits[self.kind] or any(len(point) != 2 for point in self.points):
            words = needs.get(self.kind, "three corners or more")
            raise ValueError(
                f"a {self.kind} must have {words}, each a column and a row; got "
                f"{len(self.points)} and a width of {self.width:g}; draw it again"
            )


def draw_shapes(shapes: Sequence[Shape], size_hw: tuple[int, int]) -> Array:
    """Return (H, W) bool: what is marked after all shapes, in their order.

    Raises:
        ValueError: a corner lies outside the picture, or the shapes are too many for it.
    """
    height, width = size_hw
    if sum(_passed(shape, size_hw) for shape in shapes) > MAX_PASSES * height * width + SMALL_PX:
        raise ValueError(
            f"a drawing on a picture of {width}x{height} pixels must be simpler; this one passes "
            "over the same places too often; draw it with a polygon, or a smaller brush"
        )
    mask = np.zeros(size_hw, bool)
    for shape in shapes:
        touched = mask.copy() if shape.kind == "brush" and not shape.erase else np.zeros_like(mask)
        if shape.kind == "brush":
            for window, inside in _brushed(shape, size_hw):
                touched[window] |= inside
        else:
            touched = draw_polygons([_corners(shape, size_hw)], size_hw)
        mask = mask & ~touched if shape.erase else mask | touched
    return mask


def _corners(shape: Shape, size_hw: tuple[int, int]) -> list[tuple[float, float]]:
    """Return the corners of a rectangle or polygon, (row, column) as shares of the picture."""
    points = shape.points
    if shape.kind == "rectangle":
        (left, top), (right, bottom) = points
        points = [(left, top), (right, top), (right, bottom), (left, bottom)]
    height, width = size_hw
    for column, row in points:
        if not (0 <= column <= width and 0 <= row <= height):
            raise ValueError(
                f"a corner must lie on the picture of {width}x{height} pixels; one is at column "
                f"{column:g}, row {row:g}; draw it again"
            )
    return [(row / height, column / width) for column, row in points]


def _brushed(shape: Shape, size_hw: tuple[int, int]) -> Iterator[tuple[tuple[slice, slice], Array]]:
    """Give windows of the picture, and in each the pixels whose centre a piece has touched."""
    points, radius = np.asarray(shape.points, np.float64), shape.width / 2
    for start, end in zip(points, np.vstack([points[1:], points[-1:]]), strict=True):
        low = np.floor(np.minimum(start, end) - radius).astype(int)
        high = np.ceil(np.maximum(start, end) + radius).astype(int)
        left, top = np.maximum(low, 0)
        right, bottom = np.minimum(high, (size_hw[1], size_hw[0]))
        if left >= right or top >= bottom:
            continue
        line, band = end - start, max(BAND_PX // (right - left), 1)
        for first in range(top, bottom, band):
            last = min(first + band, bottom)
            rows, columns = np.mgrid[first:last, left:right] + 0.5
            along = np.stack([columns, rows], -1) - start
            share = np.clip(along @ line / max(float(line @ line), 1e-12), 0, 1)
            away = along - share[..., None] * line
            yield np.s_[first:last, left:right], np.square(away).sum(axis=-1) <= radius * radius


def _passed(shape: Shape, size_hw: tuple[int, int]) -> float:
    """Return about how many pixels are looked at to draw a shape."""
    height, width = size_hw
    pieces = pairwise([*shape.points, shape.points[0]])
    if shape.kind != "brush":
        return sum(min(abs(b[1] - a[1]), height) * width for a, b in pieces)
    return sum(
        min(abs(b[0] - a[0]) + shape.width, width) * min(abs(b[1] - a[1]) + shape.width, height)
        for a, b in pieces
    )
