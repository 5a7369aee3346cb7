"""The size of a defect, from its mask."""

from typing import NamedTuple

import numpy as np

from goldensample.records import Array
from goldensample.regions.components import components

ANGLES = 180


class Size(NamedTuple):
    """Of the largest connected part of a mask: its area, and its longest and shortest extent."""

    area_px: float
    length_px: float
    width_px: float


def measure(mask: Array) -> Size | None:
    """Return the size of what a mask marks: of its longest part; None where it marks nothing.

    Length and width are the largest and the smallest distance between two parallel lines that
    touch the part (Feret), with whole pixels: 1 for a pixel alone along an axis. They are taken
    every degree, which is exact to 0.02 %.

    Args:
        mask: (H, W) bool.
    """
    labels, boxes = components(mask)
    parts = [_measure(labels[box] == number) for number, box in enumerate(boxes, 1)]
    return max(parts, key=lambda size: size.length_px, default=None)


def _measure(part: Array) -> Size:
    """Return the size of one connected part."""
    rows = np.arange(len(part))
    first, last = part.argmax(axis=1), part.shape[1] - part[:, ::-1].argmax(axis=1)
    filled = part.any(axis=1)
    x = np.concatenate([first[filled], last[filled]] * 2)
    y = np.concatenate([rows[filled]] * 2 + [rows[filled] + 1] * 2)
    angles = np.arange(ANGLES) * np.pi / ANGLES
    along = np.outer(np.cos(angles), x) + np.outer(np.sin(angles), y)
    extents = np.ptp(along, axis=1)
    return Size(float(part.sum()), float(extents.max()), float(extents.min()))
