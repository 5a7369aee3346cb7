"""Points in which a coreset is chosen: projected at random, then rounded to whole numbers.

Distances between whole numbers small enough for float arithmetic are exact, so that, given these
numbers, the order of a sum, a block size, a thread or a device cannot change a pick.
"""

from collections.abc import Iterable

import numpy as np
from array_api_compat import array_namespace, device

from goldensample.records import Array

EXACT_FLOAT32, EXACT_FLOAT64 = 2**24, 2**53
FLOAT32_DEPTH = 256
"""Up to this depth whole numbers of 7 bits are exact in float32; deeper points use float64."""
COARSEST = 4
"""Steps that the mean size of a value must have in float32."""
TILE = 4096
"""Rows worked on at a time."""


def project(points: Array, size: int, seed: int) -> Array:
    """Project points with a random linear map that keeps distances nearly (Johnson-Lindenstrauss).

    Args:
        points: (n, d) floats; not changed.
        size: depth afterwards, or 0 to leave the points as they are.
        seed: of the random map (NumPy's PCG64).

    Returns:
        (n, size) float32, or the points.
    """
    if not size or size >= points.shape[1]:
        return points
    xp = array_namespace(points)
    drawn = np.random.default_rng(seed).standard_normal((points.shape[1], size)) / size**0.5
    matrix = xp.asarray(drawn.astype(np.float32), device=device(points))
    blocks = range(0, points.shape[0], 16384)
    return xp.concat(
        [xp.matmul(xp.astype(points[at : at + 16384], xp.float32), matrix) for at in blocks], axis=0
    )


def gathered(parts: Iterable[Array], total: int) -> Array:
    """Return parts of points, `total` rows in all, as one (total, d) float32 array."""
    whole, at = np.empty((0, 0), np.float32), 0
    for part in parts:
        if not at:
            whole = np.empty((total, part.shape[1]), np.float32)
        whole[at : at + len(part)] = part
        at += len(part)
    return whole


def to_whole_numbers(points: Array, overwrite: bool = False) -> tuple[Array, float]:
    """Centre points and round them to a grid on which squared distances are exact.

    With whole numbers up to q in d dimensions every partial sum of a squared distance is a whole
    number up to 4·d·q²; q is the largest with 4·d·q² below 2^24 (float32) or 2^53 (float64).
    float64 is taken above 256 dimensions, and where a few far values would leave the others fewer
    than `COARSEST` steps.

    Args:
        points: (n, d) floats; changed only with `overwrite`.
        overwrite: the result may take the place of the points.

    Returns:
        (n, d) whole numbers as float32 or float64, and the length of one step.
    """
    xp = array_namespace(points)
    n, d = points.shape
    tiles = [slice(at, at + TILE) for at in range(0, n, TILE)]
    total = sum(xp.sum(xp.astype(points[tile], xp.float64), axis=0) for tile in tiles)
    middle = xp.astype(total / n, points.dtype)
    extent = max(float(xp.max(xp.abs(points[tile] - middle))) for tile in tiles)
    size = sum(float(xp.sum(xp.abs(points[tile] - middle), dtype=xp.float64)) for tile in tiles)
    dtype, step = xp.float32, _step(extent, d, EXACT_FLOAT32)
    if d > FLOAT32_DEPTH or size / (n * d) < COARSEST * step:
        dtype, step = xp.float64, _step(extent, d, EXACT_FLOAT64)
    reuse = overwrite and points.dtype == dtype
    whole = points if reuse else xp.empty((n, d), dtype=dtype, device=device(points))
    for tile in tiles:
        whole[tile] = xp.round(xp.astype(points[tile] - middle, dtype) / step)
    return whole, step


def _step(extent: float, d: int, limit: int) -> float:
    """Return the finest step that keeps squared distances below a limit."""
    largest_whole = min(int((limit / (4 * d)) ** 0.5) - 1, 2**20)
    return extent / largest_whole if extent > 0 else 1.0


def squared_between(a: Array, b: Array) -> Array:
    """Return (len(a), len(b)) squared distances of whole numbers, exact."""
    xp = array_namespace(a)
    squared = xp.matmul(-2 * a, xp.permute_dims(b, (1, 0)))
    squared += xp.sum(a * a, axis=1)[:, None]
    squared += xp.sum(b * b, axis=1)[None, :]
    return squared
