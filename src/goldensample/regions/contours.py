"""Contours of a map at a level, as closed polygons (marching squares)."""

import numpy as np

from goldensample.records import Array, Region
from goldensample.regions.heatmap import region_mask


def contours(values: Array, region: Region) -> list[Array]:
    """Return the contours of one region of a heat map.

    They run between pixel centres, where the interpolated map equals the limit; along the
    picture's edge where the region touches it. By the even-odd rule they contain the centres of
    the region's pixels and of no others.

    Args:
        values: (H, W) float32 heat map; not changed.
        region: one that `heatmap.regions` found in it.

    Returns:
        Closed loops, each (k, 2) float64: row and column in pixels from the picture's upper left
        corner, so that the first pixel's centre is (0.5, 0.5).
    """
    level = float(values.dtype.type(region.limit))  # as NumPy compares it with the map
    top, left, height, width = region.box_px
    start = (max(top - 1, 0), max(left - 1, 0))
    window = values[start[0] : top + height + 1, start[1] : left + width + 1].astype(np.float64)
    above = np.zeros(window.shape, bool)
    down, right = top - start[0], left - start[1]
    above[down : down + height, right : right + width] = region_mask(values, region)
    window = np.where(above, window, np.minimum(window, level))  # no part of another region
    return [loop + start for loop in outlines(window, level, 1, window.shape)]


def outlines(values: Array, level: float, block_px: int, size_hw: tuple[int, ...]) -> list[Array]:
    """Return the contours of `values > level`, in pixels of the picture.

    Args:
        values: (h, w) float, each the value of a block of pixels; not changed.
        level: of the contour, in values interpolated between block centres.
        block_px: side of a block in pixels.
        size_hw: (H, W) of the picture; contours are clipped to it.

    Returns:
        Closed loops, each (k, 2) float64 rows and columns; none where nothing is above.

    Example:
        >>> outlines(np.array([[2.0]]), 1.0, 4, (4, 4))[0].tolist()
        [[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]]
    """
    if not (values > level).any():
        return []
    # Pad with the level itself: the crossing is on the padding, and clipping moves it to the edge.
    padded = np.pad(values.astype(np.float64), 1, constant_values=level)
    loops = [_crossings(padded, level, loop) for loop in _loops(_segments(padded, level))]
    return [np.clip((loop - 0.5) * block_px, 0.0, size_hw) for loop in loops]


def _segments(padded: Array, level: float) -> Array:
    """Return the pairs of edges that the contour connects in each square of four neighbours.

    Edges are numbered: first those between vertical neighbours, then those between horizontal ones.
    """
    inside = padded > level
    height, width = padded.shape
    corners = np.stack(
        [inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1]], axis=-1
    )
    rows, columns = np.nonzero(corners.any(axis=-1) & ~corners.all(axis=-1))
    corners = corners[rows, columns]  # (squares, 4)
    down, across = rows * width + columns, (height - 1) * width + rows * (width - 1) + columns
    edges = np.stack([across, down + 1, across + width - 1, down], axis=-1)
    crossed = corners != np.roll(corners, -1, axis=-1)  # top, right, bottom, left
    simple = crossed.sum(axis=-1) == 2
    first = np.argsort(~crossed[simple], axis=-1, kind="stable")[:, :2]
    pairs = [np.take_along_axis(edges[simple], first, axis=-1)]
    # saddles: all four edges are crossed
    rows, columns, corners, edges = (part[~simple] for part in (rows, columns, corners, edges))
    centre = sum(padded[rows + down, columns + right] for down in (0, 1) for right in (0, 1)) / 4
    joined = (centre > level) == corners[:, 0]  # top left is on the same side as the centre
    pairs.append(np.where(joined[:, None], edges[:, [0, 1]], edges[:, [0, 3]]))
    pairs.append(np.where(joined[:, None], edges[:, [2, 3]], edges[:, [1, 2]]))
    return np.concatenate(pairs)  # (segments, 2)


def _crossings(padded: Array, level: float, edges: list[int]) -> Array:
    """Return the (k, 2) rows and columns where the level is crossed along edges."""
    height, width = padded.shape
    numbers = np.asarray(edges)
    vertical = numbers < (height - 1) * width
    row, column = np.where(
        vertical,
        np.divmod(numbers, width),
        np.divmod(numbers - (height - 1) * width, width - 1),
    )
    start, end = padded[row, column], padded[row + vertical, column + ~vertical]
    share = (level - start) / (end - start)
    return np.stack([row + share * vertical, column + share * ~vertical], axis=1)


def _loops(segments: Array) -> list[list[int]]:
    """Chain segments into closed loops; each edge is an end of exactly two of them."""
    neighbours: dict[int, list[int]] = {}
    for start, end in segments.tolist():
        neighbours.setdefault(start, []).append(end)
        neighbours.setdefault(end, []).append(start)
    loops = []
    while neighbours:
        edge = next(iter(neighbours))
        loop = []
        while edge in neighbours:
            loop.append(edge)
            first, second = neighbours.pop(edge)
            edge = first if first in neighbours else second
        loops.append(loop)
    return loops
