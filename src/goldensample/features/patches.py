"""Feature maps to patch vectors: the paper's locally aware patch features, levels concatenated."""

from functools import lru_cache
from math import ceil, gcd
from typing import Any

import numpy as np
from array_api_compat import device

from goldensample.arrays import array_namespace
from goldensample.records import Array


def mean_matrix(size: int, width: int) -> Array:
    """Return the (size, size) float64 matrix of a centred mean over `width` cells.

    Cells beyond the border count as 0, as in the authors' code: patches at the border, which are
    averaged over fewer cells and see the network's own padding, are noisier, and so weigh less.
    mean_matrix(3, 3)[0] is (1/3, 1/3, 0).
    """
    cells = np.arange(size)
    window = (np.abs(cells[:, None] - cells[None, :]) <= width // 2).astype(np.float64)
    return window / width


def linear_matrix(size: int, positions: Array) -> Array:
    """Return the (len(positions), size) float64 matrix that interpolates linearly between cells.

    Args:
        size: number of cells; cell i has its centre at i + 0.5.
        positions: to sample at; beyond the outer centres the outer cell is repeated.
    """
    clipped = np.clip(np.asarray(positions, np.float64) - 0.5, 0, size - 1)
    low = np.minimum(clipped.astype(int), max(size - 2, 0))
    weight = clipped - low
    matrix = np.zeros((len(clipped), size))
    rows = np.arange(len(clipped))
    matrix[rows, low] += 1 - weight
    matrix[rows, np.minimum(low + 1, size - 1)] += weight
    return matrix


def resize_matrix(size: int, new_size: int) -> Array:
    """Return the (new_size, size) matrix of bilinear resizing (pixel centres at one half)."""
    return linear_matrix(size, (np.arange(new_size) + 0.5) * size / new_size)


def apply_to_axes(maps: Array, rows: Array, columns: Array) -> Array:
    """Apply a matrix to each axis of the grid, rows @ map @ columns.T: (d, h, w) -> (d, h', w')."""
    xp = array_namespace(maps)
    d, h, w = maps.shape
    right = xp.asarray(columns.T, dtype=maps.dtype, device=device(maps))
    left = xp.asarray(rows, dtype=maps.dtype, device=device(maps))
    resized = xp.matmul(xp.reshape(maps, (d * h, w)), right)  # (d·h, w')
    return xp.matmul(left, xp.reshape(resized, (d, h, right.shape[1])))  # (d, h', w')


def join_levels(maps: tuple[Array, ...], neighbourhood: int, stride: int, depth: int) -> Array:
    """Turn the feature maps of one picture into patches.

    Args:
        maps: one (d_j, h_j, w_j) array per level, finest first; not changed.
        neighbourhood: side p of the window around each cell that is averaged; odd.
        stride: only patches whose row and column are multiples of it are returned.
        depth: 0 concatenates the averaged levels (depth = sum of d_j); otherwise the patch
            has this many values, reduced as in the authors' code (see `reduce_depth`).

    Returns:
        (h, w, d) float32 on the finest level's grid, subsampled by the stride.

    Source: Roth et al. 2022, section 3.1; the reduction is that of the authors' code.
    """
    xp = array_namespace(*maps)
    _, h, w = maps[0].shape
    joined = []
    for level in maps:
        size_hw = (level.shape[1], level.shape[2])
        width = 0 if depth else neighbourhood
        sides = zip(size_hw, (h, w), strict=True)
        rows, columns = (_grid_matrix(size, side, stride, width) for size, side in sides)
        values = reduce_depth(level, neighbourhood, AUTHORS_DEPTH) if depth else level
        identity = depth and size_hw == (h, w) and stride == 1  # of both matrices
        joined.append(values if identity else apply_to_axes(values, rows, columns))
    patches = xp.concat(joined, axis=0)  # (d, h, w)
    if depth and depth != len(patches):
        patches = pool_first(patches, depth, gcd(len(patches), depth))
    return xp.permute_dims(patches, (1, 2, 0))  # (d, h, w) -> (h, w, d)


@lru_cache(maxsize=32)
def _grid_matrix(size: int, side: int, stride: int, width: int) -> Array:
    """Return the (patches, size) float64 matrix from a level's axis to the patches'.

    Args:
        size: cells of the level.
        side: cells of the finest level, of which every stride-th is a patch.
        width: of a mean of the level's cells beforehand; 0 for none.
    """
    rows = resize_matrix(size, side)[np.arange(0, side, stride)]
    return rows @ mean_matrix(size, width) if width else rows


AUTHORS_DEPTH = 1024
"""Depth of each level before concatenation, when the depth is reduced."""


def reduce_depth(level: Array, neighbourhood: int, depth: int) -> Array:
    """Pool each cell's neighbourhood and channels, read as one vector, to `depth` values.

    The vector of d·p·p values runs over channels, then over the window's rows and columns; it is
    pooled adaptively (segment k of K covers floor(k·N/K) to ceil((k+1)·N/K)). Beyond the border
    it holds zeros.

    Args:
        level: (d, h, w); not changed.

    Returns:
        (depth, h, w).
    """
    xp = array_namespace(level)
    d, h, w = level.shape
    shifts = []
    padded = _pad(level, neighbourhood // 2)
    for down in range(neighbourhood):
        for right in range(neighbourhood):
            shifts.append(padded[:, down : down + h, right : right + w])
    windows = xp.stack(shifts, axis=1)  # (d, p·p, h, w)
    return pool_first(xp.reshape(windows, (-1, h, w)), depth, gcd(d, depth))


def _pad(level: Array, width: int) -> Array:
    """Zero-pad (d, h, w) on all sides of the grid."""
    xp = array_namespace(level)
    for axis in (1, 2):
        shape = list(level.shape)
        shape[axis] = width
        edge = xp.zeros(tuple(shape), dtype=level.dtype, device=device(level))
        level = xp.concat([edge, level, edge], axis=axis)
    return level


def pool_first(values: Array, size: int, groups: int) -> Array:
    """Pool the first axis adaptively to `size` values, as torch's AdaptiveAvgPool1d its last.

    pool_first([1, 2, 3, 4, 5], 2, 1) is [2, 4]: the means of (1, 2, 3) and (3, 4, 5).

    Args:
        values: (N, h, w); not changed.
        groups: divides N and `size`: the segments repeat with every group.

    Returns:
        (size, h, w).
    """
    xp = array_namespace(values)
    length, h, w = values.shape
    weights = pool_matrix(length // groups, size // groups).T
    left = xp.asarray(weights, dtype=values.dtype, device=device(values))
    grouped = xp.reshape(values, (groups, length // groups, h * w))
    return xp.reshape(xp.matmul(left, grouped), (size, h, w))


@lru_cache(maxsize=16)
def pool_matrix(length: int, size: int) -> Array:
    """Return the (length, size) float64 matrix of adaptive mean pooling; not to be changed."""
    matrix = np.zeros((length, size))
    for k in range(size):
        low, high = k * length // size, ceil((k + 1) * length / size)
        matrix[low:high, k] = 1 / (high - low)
    return matrix


def flatten(patches: Array, valid: Array) -> tuple[Array, Any]:
    """Return the valid patches as rows, and their (row, column) cells.

    Args:
        patches: (h, w, d).
        valid: (h, w) bool, NumPy.

    Returns:
        (k, d) patches and (k, 2) int16 cells, in reading order.
    """
    xp = array_namespace(patches)
    cells = np.argwhere(valid)
    flat = xp.reshape(patches, (-1, patches.shape[2]))  # (h, w, d) -> (h·w, d)
    if not valid.all():
        flat = xp.take(flat, xp.asarray(np.flatnonzero(valid), device=device(patches)), axis=0)
    return flat, cells.astype(np.int16)
