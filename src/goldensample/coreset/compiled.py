"""The coreset's distances and choices by compiled code, of integers of 16 bits; the same results.

Whole numbers whose squared distances float32 holds exactly (see `projection`) have at most 12 bits,
so int16 holds them and 32 bits the sums of their products.
"""

import ctypes
from itertools import pairwise

import numpy as np
from array_api_compat import is_numpy_array

from goldensample.coreset.cells import Cells
from goldensample.coreset.projection import TILE, Grid, on_grid, squared_between
from goldensample.native.library import library
from goldensample.native.threads import in_threads, thread_count
from goldensample.records import Array

CHUNK = 1024
"""Rows of a task of a thread, as long as there are no other cells; changes the speed only."""
TASKS = 8
"""Tasks of a thread, so that all of them end together; changes the speed only."""


class _Rows(ctypes.Structure):
    _fields_ = [
        ("depth", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("points", "norms", "squared", "nearest")),
        *((name, ctypes.c_void_p) for name in ("offsets", "starts")),
    ]


class _Picks(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("count", "first")),
        *((name, ctypes.c_void_p) for name in ("points", "norms", "gaps")),
    ]


class _Candidates(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("count", "depth")),
        *((name, ctypes.c_void_p) for name in ("points", "norms", "numbers", "squared")),
        *(("outside", ctypes.c_double), ("outside_number", ctypes.c_int64)),
    ]


def is_for(points: Array, grid: Grid) -> bool:
    """Return whether there is compiled code for points on a grid."""
    return is_numpy_array(points) and not grid.is_fine and library() is not None


def to_int16(points: Array, grid: Grid, overwrite: bool) -> tuple[Array, Array]:
    """Return points as integer steps from the centre of a grid, and room for a copy of them.

    Args:
        points: (n, d) floats; changed only with `overwrite`.
        overwrite: the results may take the place of the points.

    Returns:
        (n, d) int16, twice.
    """
    if overwrite and points.dtype == np.float32 and points.flags.c_contiguous:
        halves = points.reshape(-1).view(np.int16).reshape(2, *points.shape)
    else:
        halves = np.empty((2, *points.shape), np.int16)
    for start in range(0, len(points), TILE):  # what is written was read before
        tile = slice(start, start + TILE)
        halves[0, tile] = on_grid(points[tile], grid)
    return halves[0], halves[1]


def undivided(points: Array, norms: Array) -> Cells:
    """Return rows as they are as cells, all of them around 0."""
    starts = np.append(np.arange(0, len(points), CHUNK), len(points))
    centres = np.zeros((len(starts) - 1, points.shape[1]), np.int16)
    return Cells(starts, centres, np.sqrt(norms))


def update(
    cells: Cells,
    points: Array,
    norms: Array,
    squared: Array,
    nearest: Array,
    picks: Array,
    first: int,
) -> None:
    """Do what `Cells.update` does, for points, picks and centres in int16."""
    compiled = library()
    assert compiled is not None
    (n, depth), count, cell_count = points.shape, len(picks), len(cells.centres)
    floats, picks = picks.astype(np.float32), np.ascontiguousarray(picks, np.int16)
    gaps = np.sqrt(squared_between(cells.centres.astype(np.float32), floats))
    pick_norms, starts = squared_norms(picks), cells.starts
    if starts[0] != 0 or starts[-1] != n or (np.diff(starts) < 0).any():
        raise ValueError(f"starts must ascend from 0 to {n}; got {starts}")
    rows = _Rows(
        depth,
        _address(points, np.int16, n, depth),
        _address(norms, np.float32, n),
        _address(squared, np.float32, n),
        _address(nearest, np.int32, n),
        _address(cells.offsets, np.float32, n),
        _address(starts, np.int64, cell_count + 1),
    )
    new = _Picks(
        count,
        first,
        _address(picks, np.int16, count, depth),
        _address(pick_norms, np.float32, count),
        _address(gaps, np.float32, cell_count, count),
    )

    def measure(span: tuple[int, int]) -> None:
        room = np.empty((3, count), np.int32)
        address = _address(room, np.int32, 3, count)
        compiled.coreset_update(ctypes.byref(rows), ctypes.byref(new), *span, address)

    in_threads(measure, _spans(starts))


def _spans(starts: Array) -> list[tuple[int, int]]:
    """Return the cells of each task, of about as many rows each."""
    shares = np.linspace(0, starts[-1], TASKS * thread_count() + 1)
    return list(pairwise(np.searchsorted(starts, shares).tolist()))


def choose(
    numbers: Array, points: Array, squared: Array, outside: tuple[float, int], limit: int
) -> Array:
    """Choose the farthest candidate, again and again, while it is farther than every other row.

    Args:
        numbers: (b,) int64, ascending; of equally far rows the lower number counts as farther.
        points: (b, d) int16.
        squared: (b,) float32 squared distances to the nearest pick; updated.
        outside: squared distance and number of the farthest row that is no candidate.
        limit: how many to choose, at most.

    Returns:
        (c,) int64 indices of candidates in the order of choice.
    """
    compiled = library()
    assert compiled is not None
    (count, depth), points = points.shape, np.ascontiguousarray(points)
    norms, chosen = squared_norms(points), np.empty(min(limit, count), np.int64)
    candidates = _Candidates(
        count,
        depth,
        _address(points, np.int16, count, depth),
        _address(norms, np.float32, count),
        _address(numbers, np.int64, count),
        _address(squared, np.float32, count),
        *outside,
    )
    address = _address(chosen, np.int64, len(chosen))
    made = compiled.coreset_choose(ctypes.byref(candidates), len(chosen), address)
    return chosen[:made]


def squared_norms(points: Array) -> Array:
    """Return the (n,) squared lengths, float32, of points in int16."""
    return np.concatenate(
        [
            np.einsum("nd,nd->n", tile, tile)
            for start in range(0, max(len(points), 1), TILE)
            for tile in [points[start : start + TILE].astype(np.float32)]
        ]
    )


def _address(array: Array, dtype: type, *shape: int) -> int:
    """Return where an array lies in memory; it must be of a type and shape."""
    if array.dtype != dtype or array.shape != shape or not array.flags.c_contiguous:
        raise ValueError(
            f"an array must be contiguous {np.dtype(dtype)} {shape}; got {array.dtype} "
            f"{array.shape}, strides {array.strides}"
        )
    return int(array.ctypes.data)
