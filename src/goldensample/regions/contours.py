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
    np.minimum(window, level, out=window, where=~above)  # no part of another region
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
    padded = np.pad(np.asarray(values, np.float64), 1, constant_values=level)
    loops = [_crossings(padded, level, loop) for loop in _loops(_segments(padded, level))]
    return [np.clip((loop - 0.5) * block_px, 0.0, size_hw) for loop in loops]


_SIDES = np.array(
    [
        [side for side in range(4) if (code >> side & 1) != (code >> (side + 1) % 4 & 1)][:2]
        or [0, 0]
        for code in range(16)
    ]
)
"""The first two crossed sides of a square (top, right, bottom, left), by its corners above."""
_SADDLES = (0b0101, 0b1010)


def _segments(padded: Array, level: float) -> Array:
    """Return the pairs of edges that the contour connects in each square of four neighbours.

    Edges are numbered: first those between vertical neighbours, then those between horizontal ones.
    """
    inside = (padded > level).view(np.uint8)
    height, width = padded.shape
    codes = inside[:-1, :-1] | inside[:-1, 1:] << 1 | inside[1:, 1:] << 2 | inside[1:, :-1] << 3
    rows, columns = np.divmod(np.flatnonzero((codes + 1 & 14) > 0), width - 1)  # neither 0 nor 15
    codes = codes[rows, columns]
    down, across = rows * width + columns, (height - 1) * width + rows * (width - 1) + columns
    edges = np.stack([across, down + 1, across + width - 1, down], axis=-1)  # (squares, 4)
    saddle = np.isin(codes, _SADDLES)  # all four edges are crossed
    pairs = [np.take_along_axis(edges, _SIDES[codes], axis=-1)[~saddle]]
    rows, columns, codes, edges = (part[saddle] for part in (rows, columns, codes, edges))
    centre = sum(padded[rows + down, columns + right] for down in (0, 1) for right in (0, 1)) / 4
    joined = (centre > level) == (codes & 1)  # top left is on the same side as the centre
    pairs.append(np.where(joined[:, None], edges[:, [0, 1]], edges[:, [0, 3]]))
    pairs.append(np.where(joined[:, None], edges[:, [2, 3]], edges[:, [1, 2]]))
    return np.concatenate(pairs)  # (segments, 2)


def _crossings(padded: Array, level: float, numbers: Array) -> Array:
    """Return the (k, 2) rows and columns where the level is crossed along (k,) edges."""
    height, width = padded.shape
    vertical = numbers < (height - 1) * width
    row, column = np.where(
        vertical,
        np.divmod(numbers, width),
        np.divmod(numbers - (height - 1) * width, width - 1),
    )
    start, end = padded[row, column], padded[row + vertical, column + ~vertical]
    share = (level - start) / (end - start)
    return np.stack([row + share * vertical, column + share * ~vertical], axis=1)


def _loops(segments: Array) -> list[Array]:
    """Chain segments into closed loops of edges; each edge is an end of exactly two of them."""
    names, starts, ends = np.unique(segments, return_index=True, return_inverse=True)
    ends = ends.ravel()  # 2 k and 2 k + 1 are the ends of segment k
    other_ends = ends[np.argsort(ends, kind="stable") ^ 1].reshape(-1, 2)
    firsts, seconds = other_ends.T.tolist()
    new = bytearray(b"\1") * len(names)
    loops = []
    for edge in np.argsort(starts).tolist():
        loop = []
        while new[edge]:
            loop.append(edge)
            new[edge] = 0
            edge = firsts[edge] if new[firsts[edge]] else seconds[edge]
        if loop:
            loops.append(names[loop])
    return loops
