"""Noise fields and signed distance functions; H, W count samples, `px` is a unit of length."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from goldensample.records import Array

Random = np.random.Generator
Point = tuple[float, float]


@lru_cache(maxsize=256)
def _spline(count: int, cell: float) -> tuple[Array, Array]:
    """Return first knot (count,) and four weights (4, count) of a cubic B-spline at each sample."""
    position = np.arange(count) / cell
    first = np.floor(position).astype(np.intp)
    t = position - first
    basis = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    return first, (np.stack(basis) / 6).astype(np.float32)


def smooth_noise(rng: Random, shape_hw: tuple[int, int], cell_hw: tuple[float, float]) -> Array:
    """Draw smooth noise of mean about 0 and standard deviation about 1.

    Args:
        rng: one draw per knot.
        shape_hw: shape of the field.
        cell_hw: spacing of its knots in samples; unequal cells give streaks.

    Returns:
        (H, W) float32. Sums of four terms, not matrix products: the same on every machine.
    """
    (rows, row_weights), (columns, column_weights) = (
        _spline(count, cell) for count, cell in zip(shape_hw, cell_hw, strict=True)
    )
    size = int(rows[-1]) + 4, int(columns[-1]) + 4
    knots = rng.standard_normal(size, np.float32) / np.float32(0.479)
    stretched = knots[:, columns] * column_weights[0]  # (k, l) -> (k, W)
    for tap in range(1, 4):
        stretched += knots[:, columns + tap] * column_weights[tap]
    field: Array = stretched[rows] * row_weights[0][:, None]  # (k, W) -> (H, W)
    for tap in range(1, 4):
        field += stretched[rows + tap] * row_weights[tap][:, None]
    return field


def fractal_noise(rng: Random, shape_hw: tuple[int, int], cell: float, count: int) -> Array:
    """Draw a sum of `count` octaves, each of half the cell and 0.55 of the amplitude."""
    field = np.zeros(shape_hw, np.float32)
    for octave in range(count):
        size = cell / 2**octave
        field += np.float32(0.55**octave) * smooth_noise(rng, shape_hw, (size, size))
    return field


def noise_1d(rng: Random, position: Array, cell: float) -> Array:
    """Draw one-dimensional noise, sampled at `position` (any shape, unit of the cell)."""
    low = float(position.min())
    count = int((float(position.max()) - low) / cell) + 3
    knots = rng.standard_normal(count)
    return np.interp(position, low + cell * np.arange(count), knots).astype(np.float32)


def coverage(distance: Array, soft_px: float = 0.5) -> Array:
    """Return the antialiased coverage of each sample by an outline: 1 inside, 0 outside.

    Args:
        distance: signed distance to the outline in pixels, negative inside.
        soft_px: width of the ramp.
    """
    return np.clip(np.float32(0.5) - distance / np.float32(soft_px), 0, 1)


def smoothstep(low: float, high: float, values: Array) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    result: Array = t * t * (3 - 2 * t)
    return result


def box_distance(x: Array, y: Array, half_xy: Point, round_px: float = 0.0) -> Array:
    """Return the signed distance to a box about the origin with rounded corners."""
    a = np.abs(x) - np.float32(half_xy[0] - round_px)
    b = np.abs(y) - np.float32(half_xy[1] - round_px)
    outside = np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    distance: Array = outside + np.minimum(np.maximum(a, b), 0) - np.float32(round_px)
    return distance


def segment_distance(x: Array, y: Array, start: Point, end: Point) -> tuple[Array, Array]:
    """Return the distance to a line segment, and the position along it in [0, 1]."""
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    relative_x, relative_y = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((relative_x * dx + relative_y * dy) / max(float(dx * dx + dy * dy), 1e-9), 0, 1)
    return np.hypot(relative_x - along * dx, relative_y - along * dy), along


def polyline_distance(x: Array, y: Array, points: Sequence[Point]) -> tuple[Array, Array]:
    """Return the distance to a polyline, and the position along it in [0, 1]."""
    nearest = np.full(x.shape, np.inf, np.float32)
    along_path = np.zeros(x.shape, np.float32)
    segments = len(points) - 1
    for index in range(segments):
        distance, along_segment = segment_distance(x, y, points[index], points[index + 1])
        closer = distance < nearest
        nearest = np.where(closer, distance, nearest)
        along_path = np.where(closer, (index + along_segment) / np.float32(segments), along_path)
    return nearest, along_path


def random_polyline(
    rng: Random, start: Point, angle: float, length_px: float, bend: float
) -> list[Point]:
    """Draw a polyline of 9 points whose angle changes at random by about `bend` a step."""
    points = [start]
    for bend_angle in rng.normal(0, bend, 8):
        angle += float(bend_angle)
        last = points[-1]
        step_px = length_px / 8
        points.append((last[0] + step_px * np.cos(angle), last[1] + step_px * np.sin(angle)))
    return points
