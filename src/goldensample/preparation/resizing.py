"""Resizing: separable and linear, one sparse matrix for the rows, one for the columns.

Pictures of bytes go through compiled code. Without it, and for other values, SciPy resizes in bands
of rows, so that what lies between the passes stays in the processor's cache; the bits are the same.
"""

import ctypes
from functools import lru_cache
from typing import Any

import numpy as np

from goldensample.native.library import library
from goldensample.preparation.placement import Placement
from goldensample.records import Array

BAND = 16
"""Rows of the canvas that are resized at a time."""


class _Axis(ctypes.Structure):
    _fields_ = [
        ("size", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("starts", "places", "weights")),
    ]


def resize(source: Array, placement: Placement) -> Array:
    """Return (height, width, k) float32, the canvas of a picture (H, W, k) uint8 or float32."""
    if placement.scale_hw == (1.0, 1.0) and placement.shape_hw == placement.canvas_hw:
        return source.astype(np.float32, copy=False)
    if library() is not None and source.dtype == np.uint8 and source.shape[2] == 3:
        return _resize_bytes(source, placement)
    height, width = placement.canvas_hw
    depth = source.shape[2]
    columns = resizing_matrix(placement, 1)
    canvas = np.empty((depth, height, width), np.float32)
    for start, first, rows in _bands(*_axis(placement, 0)):
        band = source[first : first + rows.shape[1]].astype(np.float32, copy=False)
        band = rows @ band.reshape(len(band), -1)  # (h, W·k), of h rows of the canvas
        band = band.reshape(len(band), -1, depth).transpose(1, 2, 0)  # -> (W, k, h)
        band = columns @ band.reshape(len(band), -1)  # -> (width, k·h)
        band = band.reshape(width, depth, -1).transpose(1, 2, 0)  # -> (k, h, width)
        canvas[:, start : start + band.shape[1]] = band
    return canvas.transpose(1, 2, 0)


def _resize_bytes(source: Array, placement: Placement) -> Array:
    """Return what `resize` does of (H, W, 3) uint8, by compiled code."""
    compiled = library()
    assert compiled is not None
    picture, width = np.ascontiguousarray(source), source.shape[1]
    rows, columns = (_weights(*_axis(placement, axis)) for axis in (0, 1))
    line = np.empty(width * 3 + 1, np.float32)
    canvas = np.empty((3, *placement.canvas_hw), np.float32)
    axes = ctypes.byref(rows), ctypes.byref(columns)
    compiled.resize(picture.ctypes.data, width, *axes, line.ctypes.data, canvas.ctypes.data)
    return canvas.transpose(1, 2, 0)


def resizing_matrix(placement: Placement, axis: int) -> Any:
    """Return the sparse (canvas, size) matrix that resizes along an axis; not to be changed.

    A triangle filter, widened when shrinking (antialiased bilinear, as Pillow's), without rounding
    between the passes. Canvas pixels beyond the picture repeat its edge.
    """
    return _matrix(*_axis(placement, axis))


def _axis(placement: Placement, axis: int) -> tuple[int, int, float, float]:
    """Return pixels of the picture and of the canvas, scale and offset along an axis."""
    size, canvas = placement.shape_hw[axis], placement.canvas_hw[axis]
    return size, canvas, placement.scale_hw[axis], placement.offset_hw[axis]


@lru_cache(maxsize=8)
def _bands(size: int, canvas: int, scale: float, offset: float) -> list[tuple[int, int, Any]]:
    """Return the matrix in bands: first row, first column that is not 0, and what lies there."""
    matrix, bands = _matrix(size, canvas, scale, offset), []
    for start in range(0, canvas, BAND):
        rows = matrix[start : start + BAND]
        first, last = int(rows.indices.min()), int(rows.indices.max())
        bands.append((start, first, rows[:, first : last + 1]))
    return bands


@lru_cache(maxsize=8)
def _matrix(size: int, canvas: int, scale: float, offset: float) -> Any:
    """Return the matrix of `resizing_matrix`."""
    from scipy.sparse import csr_array

    starts, places, weights = _entries(size, canvas, scale, offset)
    return csr_array((weights, places, starts), shape=(canvas, size))


@lru_cache(maxsize=8)
def _weights(size: int, canvas: int, scale: float, offset: float) -> _Axis:
    """Return the matrix as compiled code takes it."""
    arrays = [np.ascontiguousarray(a) for a in _entries(size, canvas, scale, offset)]
    axis = _Axis(canvas, *(array.ctypes.data for array in arrays))
    axis.arrays = arrays  # which live as long as it does, whatever the cache forgets
    return axis


def _entries(size: int, canvas: int, scale: float, offset: float) -> tuple[Array, Array, Array]:
    """Return the matrix of `resizing_matrix` by rows: where each row starts, places, weights.

    Importing SciPy's sparse matrices takes 12 MB.

    Returns:
        (canvas + 1,) int64, (k,) int64 and (k,) float32.
    """
    support = max(1.0, 1.0 / scale)
    centres = np.clip((np.arange(canvas) + 0.5 - offset) / scale, 0.5 * min(1.0, 1 / scale), None)
    centres = np.minimum(centres, size - 0.5 * min(1.0, 1 / scale))
    radius = int(np.ceil(support)) + 1
    taps = np.floor(centres).astype(int)[:, None] + np.arange(-radius, radius + 1)  # (canvas, taps)
    weights = np.maximum(0.0, 1.0 - np.abs(taps + 0.5 - centres[:, None]) / support)
    weights[(taps < 0) | (taps >= size)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    nonzero = weights > 0
    starts = np.concatenate([[0], np.cumsum(nonzero.sum(axis=1))])
    return starts.astype(np.int64), taps[nonzero].astype(np.int64), weights[nonzero].astype("f4")
