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
        if not depth:
            grid = xp.permute_dims(apply_to_axes(level, rows, columns), (1, 2, 0))  # -> (h, w, d)
        else:
            grid = _reduced(level, neighbourhood, depth, len(maps))
            if size_hw != (h, w) or stride > 1:
                grid = _resized(grid, rows, columns)
        joined.append(grid)
    patches = _concatenate(joined)
    if depth and depth != patches.shape[2]:
        patches = pool_last(patches, depth, gcd(patches.shape[2], depth))
    return patches


def _concatenate(grids: list[Array]) -> Array:
    """Join grids (h, w, d_j) along their depth, each patch at one place in memory."""
    h, w, _ = grids[0].shape
    ends = np.cumsum([grid.shape[2] for grid in grids]).tolist()
    xp, like = array_namespace(grids[0]), grids[0]
    patches = xp.empty((h, w, ends[-1]), dtype=like.dtype, device=device(like))
    for grid, end in zip(grids, ends, strict=True):
        patches[:, :, end - grid.shape[2] : end] = grid
    return patches


def _reduced(level: Array, neighbourhood: int, depth: int, levels: int) -> Array:
    """Return (h, w, k) of a level: AUTHORS_DEPTH values, or its share of the depth.

    A share is pooled before resizing, which is less work and the same but for rounding.
    """
    grid = array_namespace(level).permute_dims(level, (1, 2, 0))
    values = reduce_depth(grid, neighbourhood, AUTHORS_DEPTH)
    share, rest = divmod(depth, levels)
    is_whole = rest == 0 and share > 0 and AUTHORS_DEPTH % share == 0
    return pool_last(values, share, share) if is_whole else values


def _resized(grid: Array, rows: Array, columns: Array) -> Array:
    """Apply a matrix to each axis of the grid: (h, w, d) -> (h', w', d)."""
    xp = array_namespace(grid)
    h, _, d = grid.shape
    left, right = (xp.asarray(m, dtype=grid.dtype, device=device(grid)) for m in (rows, columns))
    resized = xp.reshape(xp.matmul(right, grid), (h, -1))  # (h, w'·d)
    return xp.reshape(xp.matmul(left, resized), (left.shape[0], right.shape[0], d))


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


def reduce_depth(grid: Array, neighbourhood: int, depth: int) -> Array:
    """Pool each cell's neighbourhood and channels, read as one vector, to `depth` values.

    The vector of d·p·p values runs over channels, then over the window's rows and columns; it is
    pooled adaptively (segment k of K covers floor(k·N/K) to ceil((k+1)·N/K)). Beyond the border
    it holds zeros.

    Args:
        grid: (h, w, d); not changed.

    Returns:
        (h, w, depth).
    """
    h, w, d = grid.shape
    groups, window = gcd(d, depth), range(neighbourhood)  # the segments repeat with every group
    xp = array_namespace(grid)
    padded = _pad(grid, neighbourhood // 2)
    padded = xp.reshape(padded, (*padded.shape[:2], groups, d // groups))
    values = [
        padded[down : down + h, right : right + w, :, channel]
        for channel in range(d // groups)
        for down in window
        for right in window
    ]
    return xp.reshape(_adaptive_means(values, depth // groups), (h, w, depth))


def _pad(grid: Array, width: int) -> Array:
    """Zero-pad (h, w, d) on all sides of the grid."""
    xp = array_namespace(grid)
    h, w, d = grid.shape
    shape = (h + 2 * width, w + 2 * width, d)
    padded = xp.zeros(shape, dtype=grid.dtype, device=device(grid))
    padded[width : width + h, width : width + w, :] = grid
    return padded


def pool_last(values: Array, size: int, groups: int) -> Array:
    """Pool the last axis adaptively to `size` values, as torch's AdaptiveAvgPool1d.

    pool_last([1, 2, 3, 4, 5], 2, 1) is [2, 4]: the means of (1, 2, 3) and (3, 4, 5).

    Args:
        values: (h, w, N); not changed.
        groups: divides N and `size`: the segments repeat with every group.

    Returns:
        (h, w, size).
    """
    xp = array_namespace(values)
    h, w, length = values.shape
    grouped = xp.reshape(values, (h, w, groups, length // groups))
    pooled = _adaptive_means([grouped[..., k] for k in range(length // groups)], size // groups)
    return xp.reshape(pooled, (h, w, size))


def _adaptive_means(values: list[Array], size: int) -> Array:
    """Return the means of `size` adaptive segments of a list of arrays, as a new last axis."""
    means = []
    for k in range(size):
        low, high = _segment(len(values), size, k)
        means.append(sum(values[low + 1 : high], values[low]) / (high - low))
    return means[0][..., None] if size == 1 else array_namespace(means[0]).stack(means, axis=-1)


def _segment(length: int, size: int, k: int) -> tuple[int, int]:
    """Return the first index of segment k of adaptive pooling, and the one after its last."""
    return k * length // size, ceil((k + 1) * length / size)


@lru_cache(maxsize=16)
def pool_matrix(length: int, size: int) -> Array:
    """Return the (length, size) float64 matrix of adaptive mean pooling; not to be changed."""
    matrix = np.zeros((length, size))
    for k in range(size):
        low, high = _segment(length, size, k)
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
