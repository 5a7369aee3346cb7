"""Outlines of what is above a level, as closed polygons (marching squares)."""

import numpy as np

from goldensample.records import Array, Region
from goldensample.regions.heatmap import inside


def contours(values: Array, limit: float, region: Region, holes: bool = True) -> list[Array]:
    """Return the outlines of one region of a heat map.

    They run between the centres of pixels, where the map, interpolated, reaches the limit; along
    the picture's edge where the region touches it. By the even-odd rule they hold the centres of
    the region's pixels and of no others.

    Args:
        values: (H, W) float32 heat map; not changed.
        limit: what the region was found with.
        region: one that `heatmap.regions` found in it.
        holes: False fills them, so that each outline stands for an area of its own.

    Returns:
        Closed loops, each (k, 2) float64: row and column in pixels from the picture's upper left
        corner, so that the first pixel's centre is (0.5, 0.5).
    """
    from scipy.ndimage import binary_fill_holes

    level = float(values.dtype.type(limit))  # as NumPy compares it with the map
    top, left, height, width = region.box_px
    start = (max(top - 1, 0), max(left - 1, 0))
    window = values[start[0] : top + height + 1, start[1] : left + width + 1].astype(np.float64)
    above = np.zeros(window.shape, bool)
    down, right = top - start[0], left - start[1]
    above[down : down + height, right : right + width] = inside(values, limit, region)
    if not holes:
        above = binary_fill_holes(above)
        window = np.where(above & (window <= level), region.peak, window)
    window = np.where(above, window, np.minimum(window, level))  # no part of another region
    return [loop + start for loop in outlines(window, level, 1, window.shape)]


def outlines(values: Array, level: float, block_px: int, size_hw: tuple[int, ...]) -> list[Array]:
    """Return the outlines of `values > level`, in pixels of the picture.

    Args:
        values: (h, w) float, each the value of a block of pixels; not changed.
        level: the outline runs where values, interpolated between block centres, reach it.
        block_px: side of a block in pixels.
        size_hw: (H, W) of the picture; what would leave it runs along its edge.

    Returns:
        Closed loops, each (k, 2) float64 rows and columns; none where nothing is above.

    Example:
        >>> outlines(np.array([[2.0]]), 1.0, 4, (4, 4))[0].tolist()
        [[0.0, 2.0], [2.0, 0.0], [4.0, 2.0], [2.0, 4.0]]
    """
    if not (values > level).any():
        return []
    # A rim at the level itself: the crossing lies on the rim, and clipping brings it to the edge.
    padded = np.pad(values.astype(np.float64), 1, constant_values=level)
    loops = [_crossings(padded, level, loop) for loop in _loops(_segments(padded, level))]
    return [np.clip((loop - 0.5) * block_px, 0.0, size_hw) for loop in loops]


def _segments(padded: Array, level: float) -> Array:
    """Return the pairs of edges that the outline joins inside each square of four neighbours.

    Edges are numbered: first those between values below each other, then between those beside.
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
    rows, columns, corners, four = (part[~simple] for part in (rows, columns, corners, edges))
    middle = sum(padded[rows + down, columns + right] for down in (0, 1) for right in (0, 1)) / 4
    joined = (middle > level) == corners[:, 0]  # top left is on the same side as the middle
    pairs.append(np.where(joined[:, None], four[:, [0, 1]], four[:, [0, 3]]))
    pairs.append(np.where(joined[:, None], four[:, [2, 3]], four[:, [1, 2]]))
    return np.concatenate(pairs)  # (segments, 2)


def _crossings(padded: Array, level: float, edges: list[int]) -> Array:
    """Return the (k, 2) rows and columns where the level is reached along some edges."""
    height, width = padded.shape
    numbers = np.asarray(edges)
    below = numbers < (height - 1) * width
    row, column = np.where(
        below,
        np.divmod(numbers, width),
        np.divmod(numbers - (height - 1) * width, width - 1),
    )
    start, end = padded[row, column], padded[row + below, column + ~below]
    share = (level - start) / (end - start)
    return np.stack([row + share * below, column + share * ~below], axis=1)


def _loops(segments: Array) -> list[list[int]]:
    """Chain segments into closed loops; each edge is the end of exactly two of them."""
    neighbours: dict[int, list[int]] = {}
    for one, other in segments.tolist():
        neighbours.setdefault(one, []).append(other)
        neighbours.setdefault(other, []).append(one)
    loops = []
    while neighbours:
        at = next(iter(neighbours))
        loop = []
        while at in neighbours:
            loop.append(at)
            one, other = neighbours.pop(at)
            at = one if one in neighbours else other
        loops.append(loop)
    return loops
