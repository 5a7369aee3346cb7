"""The greedy coreset of the paper (Algorithm 1): the picks of the plain loop, many per pass.

Distances are taken between whole numbers small enough for float arithmetic to be exact, so that,
given these numbers, the order of a sum, a block size, a thread or a device cannot change a pick.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace, device

from goldensample.neighbors import to_numpy
from goldensample.records import Array

EXACT_FLOAT32, EXACT_FLOAT64 = 2**24, 2**53
FLOAT32_DEPTH = 256
"""Up to this depth whole numbers of 7 bits are exact in float32; deeper points use float64."""
COARSEST = 4
"""Steps that the mean size of a value must have in float32."""


@dataclass(frozen=True, slots=True)
class Coreset:
    """The chosen rows.

    Args:
        picks: (m,) int64 rows in the order of choice.
        radius: how far the farthest row is from its nearest pick, in units of the points given.
    """

    picks: Array
    radius: float


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


def to_whole_numbers(points: Array) -> tuple[Array, float]:
    """Centre points and round them to a grid on which squared distances are exact.

    With whole numbers up to q in d dimensions every partial sum of a squared distance is a whole
    number up to 4·d·q²; q is the largest with 4·d·q² below 2^24 (float32) or 2^53 (float64).
    float64 is taken above 256 dimensions, and where a few far values would leave the others fewer
    than `COARSEST` steps.

    Args:
        points: (n, d) floats; not changed.

    Returns:
        (n, d) whole numbers as float32 or float64, and the length of one step.
    """
    xp = array_namespace(points)
    d = points.shape[1]
    middle = xp.astype(xp.mean(xp.astype(points, xp.float64), axis=0), points.dtype)
    centred = points - middle
    sizes = xp.abs(centred)
    extent, typical = float(xp.max(sizes)), float(xp.mean(sizes))
    dtype, step = xp.float32, _step(extent, d, EXACT_FLOAT32)
    if d > FLOAT32_DEPTH or typical < COARSEST * step:
        dtype, step = xp.float64, _step(extent, d, EXACT_FLOAT64)
    return xp.astype(xp.round(xp.astype(centred, dtype) / step), dtype), step


def _step(extent: float, d: int, limit: int) -> float:
    """Return the finest step that keeps squared distances below a limit."""
    largest_whole = min(int((limit / (4 * d)) ** 0.5) - 1, 2**20)
    return extent / largest_whole if extent > 0 else 1.0


def greedy(
    points: Array, rows: int, block: int = 1024, notify: Callable[[int], None] | None = None
) -> Coreset:
    """Pick rows so that the farthest row is as near as the greedy rule gets it (k-center).

    The first pick is the row farthest from the centre; each next pick is the row farthest from
    all picks; ties go to the lower index. It ends early when every row is a copy of a pick.

    In each pass the `block` farthest rows are compared among themselves. For as long as the best
    of them is farther than every row outside, it is the pick that the plain loop would make,
    because distances only shrink. Then one matrix product updates all distances.

    Args:
        points: (n, d) floats; not changed. n >= 1.
        rows: how many to pick, at least 1; never more than n are picked.
        block: rows compared in a pass; changes the speed only.
        notify: told the number of picks after each pass.

    Cost: n·m·d multiplications for m picks, m·block·d more within blocks.
    Source: Roth et al. 2022, Algorithm 1.
    """
    whole, step = to_whole_numbers(points)
    xp = array_namespace(whole)
    norms = xp.sum(whole * whole, axis=1)
    squared = norms  # to the centre, which is 0
    picks: list[int] = []
    rows = min(rows, points.shape[0])
    while len(picks) < rows:
        limit = 1 if not picks else rows - len(picks)
        chosen = _pass(whole, squared, min(block, points.shape[0]), limit)
        if not chosen:
            break
        nearest = nearest_squared(whole, norms, chosen)
        squared = xp.minimum(squared, nearest) if picks else nearest
        picks += chosen
        if notify is not None:
            notify(len(picks))
    if not picks:  # all rows alike: the first stands for all
        return Coreset(np.zeros(1, np.int64), 0.0)
    return Coreset(np.asarray(picks, np.int64), float(xp.max(squared)) ** 0.5 * step)


def _pass(whole: Array, squared: Array, block: int, limit: int) -> list[int]:
    """Return the picks, at most `limit`, that the farthest `block` rows give for certain."""
    xp = array_namespace(whole)
    now = to_numpy(squared)
    inside, outside_value, outside_row = _farthest(now, block)
    local = xp.take(whole, xp.asarray(inside, device=device(whole)), axis=0)
    mutual = to_numpy(_squared_between(local, local))
    distance = now[inside]  # a copy: indexing with an array
    chosen: list[int] = []
    while len(chosen) < limit:
        best = int(np.argmax(distance))  # rows ascend, so ties go to the lower index
        value, row = distance[best], int(inside[best])
        if value <= 0 or (value, -row) < (outside_value, -outside_row):
            break
        chosen.append(row)
        np.minimum(distance, mutual[best], out=distance)
    return chosen


def _farthest(squared: Array, block: int) -> tuple[Array, float, int]:
    """Return the rows of the `block` farthest, ascending, and the next one's distance and row."""
    n = len(squared)
    if block >= n:
        return np.arange(n), -1.0, n
    edge = np.partition(squared, n - block)[n - block]
    above = np.flatnonzero(squared > edge)
    level = np.flatnonzero(squared == edge)
    taken = block - len(above)
    inside = np.sort(np.concatenate([above, level[:taken]]))
    if taken < len(level):
        return inside, float(edge), int(level[taken])
    below = np.where(squared < edge, squared, -1.0)
    row = int(np.argmax(below))
    return inside, float(below[row]), row


def _squared_between(a: Array, b: Array) -> Array:
    """Return (len(a), len(b)) squared distances of whole numbers, exact."""
    xp = array_namespace(a)
    product = xp.matmul(a, xp.permute_dims(b, (1, 0)))
    return xp.sum(a * a, axis=1)[:, None] + xp.sum(b * b, axis=1)[None, :] - 2 * product


def nearest_squared(whole: Array, norms: Array, chosen: list[int]) -> Array:
    """Return (n,) squared distances to the nearest of the chosen rows, exact."""
    xp = array_namespace(whole)
    picked = xp.take(whole, xp.asarray(chosen, device=device(whole)), axis=0)
    right = xp.permute_dims(-2 * picked, (1, 0))
    add = xp.sum(picked * picked, axis=1)
    parts = []
    for at in range(0, whole.shape[0], 4096):
        parts.append(xp.min(xp.matmul(whole[at : at + 4096], right) + add, axis=1))
    return xp.concat(parts) + norms
