"""The points that a coreset is selected from: projected at random, then rounded to integers.

Distances between integers small enough for float arithmetic are exact, so that, given these
integers, the order of a sum, a block size, a thread or a device cannot change a pick.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import frexp, fsum, isfinite
from typing import Protocol

import numpy as np
from array_api_compat import device

from goldensample.arrays import array_namespace, to_numpy
from goldensample.native.library import library
from goldensample.native.threads import in_threads
from goldensample.records import Array
from goldensample.runners import Message, Result

EXACT_FLOAT32, EXACT_FLOAT64 = 2**24, 2**53
FLOAT32_DEPTH = 256
"""Up to this depth integers of 7 bits are exact in float32; deeper points use float64."""
COARSEST = 4
"""Steps of the mean absolute value, at least, in float32."""
TILE, SPAN = 4096, 2**22
"""Rows, and halves, processed at a time."""


def project(points: Array, size: int, seed: int) -> Array:
    """Project points randomly; distances are nearly preserved (Johnson-Lindenstrauss).

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
    entries = np.random.default_rng(seed).standard_normal((points.shape[1], size)) / size**0.5
    matrix = xp.asarray(entries.astype(np.float32), device=device(points))
    starts = range(0, points.shape[0], 16384)
    blocks = (_to_float32(points[start : start + 16384]) for start in starts)
    return xp.concat([xp.matmul(block, matrix) for block in blocks], axis=0)


def _to_float32(points: Array) -> Array:
    """Return points as float32; halves by compiled code, in a fifth of NumPy's time."""
    compiled = library()
    if compiled is None or points.dtype != np.float16 or not points.flags.c_contiguous:
        return array_namespace(points).astype(points, array_namespace(points).float32)
    floats, halves = np.empty(points.shape, np.float32).reshape(-1), points.reshape(-1)

    def widen(start: int) -> None:
        out, part = floats[start : start + SPAN], halves[start : start + SPAN]
        done = compiled.widen_halves(part.ctypes.data, out.ctypes.data, len(part))
        out[done:] = part[done:]

    in_threads(widen, range(0, len(halves), SPAN))
    return floats.reshape(points.shape)


def concatenate(parts: Iterable[Array], total: int) -> Array:
    """Return parts of points, `total` rows in all, as one (total, d) float32 array."""
    points, stop = np.empty((0, 0), np.float32), 0
    for part in parts:
        start, stop = stop, stop + len(part)
        if not start:
            points = np.empty((total, part.shape[1]), np.float32)
        points[start:stop] = part
    if stop != total:
        raise ValueError(f"parts must have {total} rows in all; got {stop}")
    return points


def to_integers(points: Array, overwrite: bool = False) -> tuple[Array, float]:
    """Centre points and round them to a grid on which squared distances are exact.

    Args:
        points: (n, d) finite floats, n >= 1; changed only with `overwrite`.
        overwrite: the result may take the place of the points.

    Returns:
        (n, d) integers as float32 or float64, and the length of one step.

    Raises:
        ValueError: a value is not finite.
    """
    grid = grid_of(lambda measure, message: [measure(points, message)])
    return on_grid(points, grid, overwrite), grid.step


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid that points are centred on and rounded to.

    Args:
        centre: (d,) float64.
        step: length of one step.
        is_fine: whether the integers need float64.
    """

    centre: Array
    step: float
    is_fine: bool


class Query(Protocol):
    """Measures points in several parts, anywhere: `measure(part, message)` of each, in order."""

    def __call__(
        self, measure: Callable[[Array, Message], Result], message: Message
    ) -> list[Result]: ...


def grid_of(query: Query) -> Grid:
    """Return the grid for points in several parts; no split into parts changes a bit of it.

    With integers up to q in d dimensions every partial sum of a squared distance is an integer up
    to 4·d·q²; q is the largest with 4·d·q² below 2^24 (float32) or 2^53 (float64). float64 is
    taken above 256 dimensions, and where a few large values would leave the others fewer than
    `COARSEST` steps.

    Sums of floats would depend on their order. So the centre is the mean of the values rounded to a
    power of two, as fine as the sum of all of them stays exact in float64: 2^-20 of the largest for
    2^33 rows, finer for fewer.

    Args:
        query: measures each part, (k, d) floats, k >= 1, all of one type.

    Raises:
        ValueError: a value is not finite.
    """
    counts, sizes = zip(*query(_largest, None), strict=True)
    n, largest = sum(counts), float(np.max(sizes))
    if not isfinite(largest):
        raise ValueError(
            f"points must be finite numbers; got {largest}; check the pictures and the network"
        )
    finest = 2.0 ** max(frexp(largest)[1] - 53 + n.bit_length(), -1000)  # largest < 2^exponent
    centre = finest * (sum(query(_total, finest)) / n)
    coarse = 2.0 ** max(frexp(largest)[1] - 19, -1000)  # from the centre up to twice the largest
    extents, totals = zip(*query(_spread, (centre, coarse)), strict=True)
    size, d = coarse * (fsum(sum(totals)) / n), len(centre)
    step = _step(max(extents), d, EXACT_FLOAT32)
    if d > FLOAT32_DEPTH or size / d < COARSEST * step:
        return Grid(centre, _step(max(extents), d, EXACT_FLOAT64), True)
    return Grid(centre, step, False)


def on_grid(points: Array, grid: Grid, overwrite: bool = False) -> Array:
    """Return points as integer steps from the centre of a grid; see `to_integers`."""
    xp = array_namespace(points)
    dtype = xp.float64 if grid.is_fine else xp.float32
    centre = _as_points(grid.centre, points)
    reuse = overwrite and points.dtype == dtype
    integers = points if reuse else xp.empty(points.shape, dtype=dtype, device=device(points))
    for tile in _tiles(points):
        integers[tile] = xp.round(xp.astype(points[tile] - centre, dtype) / grid.step)
    return integers


def _largest(points: Array, message: None) -> tuple[int, float]:
    """Return the number of rows, and the largest absolute value."""
    xp = array_namespace(points)
    largest = [float(xp.max(xp.abs(points[tile]))) for tile in _tiles(points)]
    return points.shape[0], float(np.max(largest))  # unlike max, passes NaN on


def _total(points: Array, unit: float) -> Array:
    """Return the sums (d,) of the values as integers of a unit, exact."""
    xp = array_namespace(points)
    rounded = (
        xp.round(xp.astype(points[tile], xp.float64) * (1 / unit)) for tile in _tiles(points)
    )
    return to_numpy(sum(xp.sum(values, axis=0) for values in rounded))


def _spread(points: Array, message: tuple[Array, float]) -> tuple[float, Array]:
    """Return the largest deviation from the centre, and the sums (d,) of all, in units."""
    xp = array_namespace(points)
    centre, unit = _as_points(message[0], points), message[1]
    extent, total = 0.0, np.zeros(points.shape[1])
    for tile in _tiles(points):
        deviation = xp.astype(xp.abs(points[tile] - centre), xp.float64)
        extent = max(extent, float(xp.max(deviation)))
        total += to_numpy(xp.sum(xp.round(deviation * (1 / unit)), axis=0))
    return extent, total


def _as_points(centre: Array, points: Array) -> Array:
    """Return a centre with the type and device of the points."""
    xp = array_namespace(points)
    return xp.asarray(centre, dtype=points.dtype, device=device(points))


def _tiles(points: Array) -> Iterator[slice]:
    """Return the slices in which rows are processed."""
    return (slice(start, start + TILE) for start in range(0, points.shape[0], TILE))


def _step(extent: float, d: int, limit: int) -> float:
    """Return the finest step that keeps squared distances below a limit."""
    largest_integer = min(int((limit / (4 * d)) ** 0.5) - 1, 2**20)
    return extent / largest_integer if extent > 0 else 1.0


def squared_between(a: Array, b: Array) -> Array:
    """Return (len(a), len(b)) squared distances of integers, exact."""
    xp = array_namespace(a)
    squared = xp.matmul(-2 * a, xp.permute_dims(b, (1, 0)))
    squared += xp.sum(a * a, axis=1)[:, None]
    squared += xp.sum(b * b, axis=1)[None, :]
    return squared
