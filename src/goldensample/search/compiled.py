"""Exact nearest rows by compiled code: rotated rows are left as soon as they are too far."""

import ctypes
from itertools import pairwise

import numpy as np

from goldensample.native.library import library
from goldensample.records import Array
from goldensample.search.pruned import Cells, product_error

LANES, STAGE, STAGES, GROUP = 16, 16, 16, 8
"""Rows of a block, values of a stage, most stages, queries of a group; as in `native/nearest.c`."""
BLOCK = np.dtype([("values", np.int8, (STAGE // 2, LANES, 2)), ("squares", np.float32, LANES)])
"""A stage of the rows of a block; `struct block` of `native/nearest.c`."""
CANDIDATE = np.dtype([("lane", np.int64), ("value", np.float32)], align=True)
LARGEST = 127
"""Largest size of a value of a rotated row, in units of its direction."""
SAMPLE = 4096
"""Rows that the rotation is made from; changes the speed only."""
PATIENCE, SCARCE = 8, 64
"""Distances a query on average, and of that many rows one more, before the full product is faster;
change the speed only."""
TILE = 2048
"""Rows rounded at a time; changes the speed only."""
HELD = 0.995
"""Share of the variance that the rotation holds if it can; changes the speed only."""
MOST = 64
"""Largest number of neighbours; more are found by the full product."""


class _Bank(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("depth", "stages", "cells")),
        *((name, ctypes.c_void_p) for name in ("rows", "ids", "starts", "blocks", "scales")),
        *((name, ctypes.c_void_p) for name in ("gaps", "inverse")),
        ("norm", ctypes.c_float),
    ]


class _Queries(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("queries", "count")),
        *(
            (name, ctypes.c_void_p)
            for name in ("points", "rotated", "values", "order", "homes", "slacks")
        ),
        *((name, ctypes.c_float) for name in ("error", "cell_error")),
        *(("tie", ctypes.c_double), ("patience", ctypes.c_int64)),
        *((name, ctypes.c_void_p) for name in ("bounds", "visits", "close", "parts", "work")),
        *((name, ctypes.c_void_p) for name in ("doubts", "ids", "squared")),
    ]


class CompiledSearch:
    """Finds the nearest rows by cells, as `PrunedSearch` does, in rotated coordinates.

    The rotation takes the directions of most variance first. Its cells are those of the rotated
    rows; within a cell, rows are compared by whole numbers, 16 directions at a time, and left as
    soon as the partial distance is above the bound. The distances of those that remain are computed
    in float64 from the rows as they are.

    Proof. P, (d, s) float32, has a spectral norm of at most 1. For a query q and a row b, centred,
    |q - b| >= |P'q - P'b|: what rules out P'b rules out b. Float32 products P'q and P'b err by at
    most gamma_(d + 2)·√s times |q| and |b|, since each of the s columns has a length of at most 1.
    In a cell, |P'q - P'b| >= |P'q - r| - |P'b - r|, where r is P'b rounded to whole numbers n of a
    unit σ in each direction; a partial sum of squares is at most the whole. The largest |P'b - r|
    is computed in float64 when the bank is built. All these errors, and the rounding of b by
    centring, are added to the bound on a distance as `slack`.
    Of |P'q - r|² = |P'q|² - 2 P'q·r + |r|², the product is taken as a whole number: with
    -2 σ P'q = t·k + e, k whole numbers of 16 bits, it is t·(k·n) + e·n, and |e·n| <= |e|·|n|, with
    the largest |n| of the bank, is added to the bound. The sum k·n is below 2^31. The roundings of
    float32 in |P'q|², |r|² and their sum are less than twice `product_error`, which is added to
    the square of the bound.

    Near ties. The sum of d squares in float64 errs by less than (d + 8)·2^-52 of itself in any
    order. A query is sure where no other row came so near to an answer that rounding might turn
    them, and no answer so near to the middle between two values of float32.

    Args:
        bank: (m, d) float32, m >= 1; kept, and not to be changed.
        mean: (d,) float32 that rows and queries are centred by.
        max_norm: largest length of a centred row.

    Cost: memory for about 1.3 s bytes a row, and 9 s while it is built; s is 256 at most.
    """

    def __init__(self, bank: Array, mean: Array, max_norm: float) -> None:
        self._rows, self._mean = np.ascontiguousarray(bank), mean
        self._rotation = _rotation(bank, mean)
        columns = _rotated_columns(bank, mean, self._rotation)
        cells = Cells(columns)
        self._gaps, self._inverse = cells.gap, 1 / cells.twice_distances
        self._centroids, self._squares = cells.right[:-1], cells.right[-1]
        self._max_norm = max(max_norm, float(self._squares.max()) ** 0.5)
        sizes = np.diff(cells.starts)
        blocks = -(-sizes // LANES)
        self._starts = np.concatenate([[0], np.cumsum(blocks)]).astype(np.int64)
        first = np.repeat(self._starts[:-1] * LANES - cells.starts[:-1], sizes)
        lanes = first + np.arange(len(bank))
        self._ids = np.zeros(self._starts[-1] * LANES, np.int64)
        self._ids[lanes] = cells.rows
        ends = np.maximum(columns.max(axis=0), -columns.min(axis=0))[:-1]
        units = ends.astype(np.float64) / (2 * LARGEST)
        whole, squares, rounding, norm = _rounded(bank, mean, self._rotation, units, cells.rows)
        self._rounding, self._scales = rounding, (-2 * units).astype(np.float32)
        self._blocks = _blocks(whole, squares, lanes, self._starts)
        self._room = int(blocks.max()) * LANES
        arrays = (self._rows, self._ids, self._starts, self._blocks, self._scales)
        addresses = map(_address, (*arrays, self._gaps, self._inverse))
        stages = self._rotation.shape[1] // STAGE
        self._c_bank = _Bank(bank.shape[1], stages, len(sizes), *addresses, norm)

    def find(self, queries: Array, count: int) -> tuple[Array, Array, Array, float] | None:
        """Find the nearest rows of each query.

        Args:
            queries: (q, d) float32; not changed.
            count: neighbours, 1 to MOST.

        Returns:
            (q, count) float64 squared distances, ascending, ties by row; (q, count) int64 rows;
            (q,) bool whether they are those of any other order of summing; and the share of the
            q·m·d multiplications of a full product that were made. None where too few rows can be
            ruled out to be faster than the full product.
        """
        compiled = library()
        assert compiled is not None
        points = np.ascontiguousarray(queries)
        left = points - self._mean
        rotated = left @ self._rotation
        values = rotated @ self._centroids
        values += self._squares
        homes = values.argmin(axis=1)
        order = np.argsort(homes, kind="stable")
        norms = np.sqrt(np.einsum("qd,qd->q", left, left))
        depth, (width, cells) = left.shape[1], self._centroids.shape
        unit = (depth + 4) * 2.0**-24 * width**0.5
        constant = self._rounding + self._max_norm * (unit + 2.0**-22)
        slacks = (norms * unit + constant).astype(np.float32)
        norm = max(float(norms.max(initial=0)) * 1.0001, self._max_norm)
        error = 2 * product_error(width, norm, self._max_norm)
        cell_error = 6 * product_error(width, norm, self._max_norm)
        room = np.empty((GROUP + 1) * cells, np.float32), np.empty(cells, np.int64)
        close = np.empty(GROUP * self._room, CANDIDATE)
        parts, work = np.empty((self._room // LANES, 9), np.int64), np.zeros(2, np.int64)
        doubts = np.empty(len(points), np.bool_)
        ids, squared = np.empty((len(points), count), np.int64), np.empty((len(points), count))
        given = map(_address, (points, rotated, values, order, homes, slacks))
        outputs = map(_address, (*room, close, parts, work, doubts, ids, squared))
        tie, patience = (depth + 8) * 2.0**-51, PATIENCE + self._rows.shape[0] // SCARCE
        numbers = error, cell_error, tie, patience
        call = _Queries(len(points), count, *given, *numbers, *outputs)
        if compiled.nearest_rows(ctypes.byref(self._c_bank), ctypes.byref(call)) < len(points):
            return None
        low, high = (np.sqrt(squared * (1 + e)).astype(np.float32) for e in (-tie, tie))
        sure = ~doubts & (low == high).all(axis=1)
        products = len(points) * width * (depth + cells) + int(work @ (STAGE, depth))
        return squared, ids, sure, products / (len(points) * self._rows.size)


def _rotation(bank: Array, mean: Array) -> Array:
    """Return (d, s) float32 of spectral norm <= 1: the directions of most variance, or zeros."""
    sample = bank[:: max(1, len(bank) // SAMPLE)] - mean
    variances, directions = np.linalg.eigh((sample.T @ sample).astype(np.float64))
    shares = np.cumsum(variances[::-1]) / max(variances.sum(), np.finfo(float).tiny)
    wanted = int(np.count_nonzero(shares < HELD)) + 1
    width = min(STAGES, -(-wanted // STAGE)) * STAGE
    rotation = np.zeros((bank.shape[1], width))
    chosen = directions[:, ::-1][:, :width]
    rotation[:, : chosen.shape[1]] = chosen
    return (rotation * ((1 - 1e-6) / np.linalg.norm(rotation, 2))).astype(np.float32)


def _rotated_columns(bank: Array, mean: Array, rotation: Array) -> Array:
    """Return (m, s + 1) float32, [-2 r, |r|²] of each rotated row r; see `Cells`."""
    columns = np.empty((len(bank), rotation.shape[1] + 1), np.float32)
    for start in range(0, len(bank), TILE):
        rotated = (bank[start : start + TILE] - mean) @ rotation
        columns[start : start + TILE, :-1] = -2 * rotated
        columns[start : start + TILE, -1] = np.einsum("ms,ms->m", rotated, rotated)
    return columns


def _rounded(
    bank: Array, mean: Array, rotation: Array, units: Array, rows: Array
) -> tuple[Array, Array, float, float]:
    """Round rotated rows to whole numbers of a unit in each direction.

    Args:
        bank: (m, d) float32.
        mean: (d,) float32 that they are centred by.
        rotation: (d, s) float32.
        units: (s,) float64.
        rows: (m,) the order in which they are returned.

    Returns:
        (m, s) int8; (m, stages) float32 squared lengths, in units of the bank, up to the end of
        each stage; the largest error, in units of the bank, and the largest length of the numbers.
    """
    width, safe, exact_rotation = len(units), np.where(units > 0, units, 1), rotation.astype(float)
    whole = np.empty((len(rows), width), np.int8)
    squares = np.empty((len(rows), width // STAGE), np.float32)
    error = norm = 0.0
    for start in range(0, len(rows), TILE):
        part = slice(start, start + TILE)
        exact = (bank[rows[part]] - mean).astype(np.float64) @ exact_rotation
        numbers = np.clip(np.rint(exact / safe), -LARGEST, LARGEST)
        rounded = numbers * units
        whole[part] = numbers
        stages = np.square(rounded).reshape(len(exact), -1, STAGE).sum(axis=2)
        squares[part] = np.cumsum(stages, axis=1)
        error = max(error, float(np.square(exact - rounded).sum(axis=1).max()))
        norm = max(norm, float(np.square(numbers).sum(axis=1).max()))
    return whole, squares, error**0.5 * 1.0001, norm**0.5 * 1.0001


def _blocks(whole: Array, squares: Array, lanes: Array, starts: Array) -> Array:
    """Return the blocks of each cell, (stages, blocks of the cell) after one another.

    Args:
        whole: (m, s) int8 values of the rows, by cell.
        squares: (m, stages) float32, see `_rounded`.
        lanes: (m,) place of each row among the lanes.
        starts: (cells + 1,) first block of each cell.
    """
    stages, total = squares.shape[1], int(starts[-1])
    values = np.zeros((total * LANES, whole.shape[1]), np.int8)
    values[lanes] = whole
    padded = np.full((total * LANES, stages), np.nan, np.float32)  # no row there is ever near
    padded[lanes] = squares
    blocks = np.empty((total, stages), BLOCK)
    by_pair = values.reshape(total, LANES, stages, STAGE // 2, 2).transpose(0, 2, 3, 1, 4)
    blocks["values"] = by_pair
    blocks["squares"] = padded.reshape(total, LANES, stages).transpose(0, 2, 1)
    cell_blocks = (blocks[a:b].T.ravel() for a, b in pairwise(starts))
    return np.concatenate(list(cell_blocks))


def _address(array: Array) -> int:
    """Return where a contiguous array lies in memory."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)
