"""What every label tool's file is read into: marked pixels, each with its label.

One rule for all shapes: the outline runs through the corners as they are given, where (0, 0) is the
upper left corner of the picture and (0.5, 0.5) the centre of its first pixel; pixels whose centre
lies inside are marked. Polygons are drawn by pycocotools, which goes by a fifth of a pixel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.masks.rle import decode, encode
from goldensample.records import Array

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Mark:
    """The pixels of one defect.

    Args:
        label: the defect's name in the label tool.
        size_hw: (H, W) of the picture.
        counts: COCO's run lengths, as text.
    """

    label: str
    size_hw: Size
    counts: str

    def mask(self) -> Array:
        """Return (H, W) bool."""
        return decode(self.counts, self.size_hw)


@dataclass(frozen=True, slots=True)
class MarkedPicture:
    """A picture in a label tool's file.

    Args:
        name: its path or file name there, with "/" between folders.
        size_hw: (H, W), upright.
        marks: none where it was looked at and found good.
    """

    name: str
    size_hw: Size
    marks: tuple[Mark, ...]


def first_double(names: Iterable[str]) -> str:
    """Return the first name that comes a second time; "" where all differ."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def from_mask(label: str, mask: Array) -> Mark:
    """Return the mark of (H, W) bool."""
    return Mark(label, (mask.shape[0], mask.shape[1]), str(encode(mask)["counts"]))


def from_polygons(label: str, polygons: Sequence[Sequence[float]], size_hw: Size) -> Mark:
    """Return the mark of polygons, the union of them where there are several.

    Args:
        polygons: each x, y, x, y, … in pixels, of three corners or more.

    Raises:
        ValueError: a polygon has fewer corners.
    """
    from pycocotools import mask as coco_mask

    for polygon in polygons:
        if len(polygon) < 6 or len(polygon) % 2:
            raise ValueError(f"a polygon must have three corners or more; got {str(polygon)[:60]}")
        if not np.isfinite(polygon).all():
            raise ValueError("a polygon's corners must be numbers; one is not")
    parts = coco_mask.frPyObjects([list(map(float, p)) for p in polygons], *size_hw)
    return Mark(label, size_hw, coco_mask.merge(parts)["counts"].decode())


def from_box(label: str, box: tuple[float, float, float, float], size_hw: Size) -> Mark:
    """Return the mark of a box: left, top, right and bottom edge, in pixels."""
    left, top, right, bottom = box
    columns, rows = (np.arange(side) + 0.5 for side in size_hw[::-1])
    across = (columns >= min(left, right)) & (columns < max(left, right))
    down = (rows >= min(top, bottom)) & (rows < max(top, bottom))
    return from_mask(label, down[:, None] & across)


def from_ellipse(
    label: str, centre: tuple[float, float], radii: tuple[float, float], turn: float, size_hw: Size
) -> Mark:
    """Return the mark of an ellipse.

    Args:
        centre: x and y, in pixels.
        radii: along its own x and y, before it is turned.
        turn: clockwise, in degrees.
    """
    x, y = (np.arange(side) + 0.5 - at for side, at in zip(size_hw[::-1], centre, strict=True))
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    along = cosine * x + sine * y[:, None]
    across = -sine * x + cosine * y[:, None]
    return from_mask(label, (along / radii[0]) ** 2 + (across / radii[1]) ** 2 <= 1)


def turned_box(
    box: tuple[float, float, float, float], turn: float, pivot: tuple[float, float]
) -> list[float]:
    """Return the corners of a box turned clockwise about a point, as x, y, x, y, …"""
    left, top, right, bottom = box
    cosine, sine = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return [
        float(value)
        for x, y in ((x - pivot[0], y - pivot[1]) for x, y in corners)
        for value in (pivot[0] + cosine * x - sine * y, pivot[1] + sine * x + cosine * y)
    ]


def from_patch(label: str, patch: Array, top_left: tuple[int, int], size_hw: Size) -> Mark:
    """Return the mark of (h, w) bool whose first pixel lies at (row, column) of the picture.

    Raises:
        ValueError: it reaches beyond the picture.
    """
    (top, left), (height, width) = top_left, patch.shape
    if min(top, left) < 0 or top + height > size_hw[0] or left + width > size_hw[1]:
        raise ValueError(
            f"a mask must lie in its picture of {size_hw[1]}x{size_hw[0]} pixels; one of "
            f"{width}x{height} is at column {left}, row {top}"
        )
    mask = np.zeros(size_hw, bool)
    mask[top : top + height, left : left + width] = patch
    return from_mask(label, mask)


def bounding_box(mask: Array) -> tuple[int, int, int, int]:
    """Return top, left, height and width of what is marked; all 0 where nothing is."""
    if not mask.any():
        return 0, 0, 0, 0
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    return top, left, int(rows[-1]) + 1 - top, int(columns[-1]) + 1 - left
