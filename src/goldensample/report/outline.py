"""Outlines of what is above a level, as closed paths (marching squares)."""

import numpy as np

from goldensample.records import Array


def outline(values: Array, level: float, block_px: int, size_hw: tuple[int, int]) -> str:
    """Return the outlines of `values > level` as the `d` of an SVG path, in pixels of the picture.

    Args:
        values: (h, w) float, each the value of a block of pixels; not changed.
        level: the outline runs where values, interpolated between block centres, reach it.
        block_px: side of a block in pixels.
        size_hw: (H, W) of the picture; what would leave it runs along its edge.

    Returns:
        One closed loop after another, or "" where nothing is above.

    Example:
        >>> outline(np.array([[2.0]]), 1.0, 4, (4, 4))
        'M2 0L0 2 2 4 4 2Z'
    """
    if not (values > level).any():
        return ""
    # A rim at the level itself: the crossing lies on the rim, and clipping brings it to the edge.
    padded = np.pad(values.astype(np.float64), 1, constant_values=level)
    points = (_crossings(padded, level) - 0.5) * block_px
    points = np.clip(points, 0.0, np.asarray(size_hw[::-1], dtype=np.float64))
    loops = _loops(_segments(padded, level))
    return "".join(_path(points[loop]) for loop in loops)


def _crossings(padded: Array, level: float) -> Array:
    """Return (x, y) of the level between neighbours: first those below each other."""
    rows, columns = np.meshgrid(*(np.arange(float(side)) for side in padded.shape), indexing="ij")
    found = []
    for upper, lower in ((np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])):
        start, end = padded[upper], padded[lower]
        with np.errstate(divide="ignore", invalid="ignore"):
            share = np.where((start > level) != (end > level), (level - start) / (end - start), 0)
        x = columns[upper] + share * (columns[lower] - columns[upper])
        y = rows[upper] + share * (rows[lower] - rows[upper])
        found.append(np.stack([x.ravel(), y.ravel()], axis=1))
    return np.concatenate(found)  # (edges, 2)


def _segments(padded: Array, level: float) -> Array:
    """Return the pairs of edges that the outline joins inside each square of four neighbours."""
    inside = padded > level
    height, width = padded.shape
    down = np.arange((height - 1) * width).reshape(height - 1, width)
    across = down.size + np.arange(height * (width - 1)).reshape(height, width - 1)
    edges = np.stack([across[:-1], down[:, 1:], across[1:], down[:, :-1]], axis=-1)
    corners = np.stack(
        [inside[:-1, :-1], inside[:-1, 1:], inside[1:, 1:], inside[1:, :-1]], axis=-1
    )
    crossed = corners != np.roll(corners, -1, axis=-1)  # top, right, bottom, left
    number = crossed.sum(axis=-1)
    simple = number == 2
    first = np.argsort(~crossed[simple], axis=-1, kind="stable")[:, :2]
    pairs = [np.take_along_axis(edges[simple], first, axis=-1)]
    saddle = number == 4
    middle = (padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, 1:] + padded[1:, :-1]) / 4 > level
    joined = (middle == corners[..., 0])[saddle]  # top left belongs to the same side as the middle
    four = edges[saddle]
    pairs.append(np.where(joined[:, None], four[:, [0, 1]], four[:, [0, 3]]))
    pairs.append(np.where(joined[:, None], four[:, [2, 3]], four[:, [1, 2]]))
    return np.concatenate(pairs)  # (segments, 2)


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


def _path(points: Array) -> str:
    """Write one closed loop."""
    start, *others = (
        f"{x:.1f}".removesuffix(".0") + " " + f"{y:.1f}".removesuffix(".0") for x, y in points
    )
    return f"M{start}L{' '.join(others)}Z"
