"""Random fields and outlines: what the parts are drawn with. H W count fine samples here."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from goldensample.records import Array

FINE = 2
"""Samples per pixel along each axis; the picture is the mean over FINE x FINE samples."""

Random = np.random.Generator
Point = tuple[float, float]


@lru_cache(maxsize=256)
def _spline(count: int, cell: float) -> tuple[Array, Array]:
    """Return first knot (count,) and four weights (4, count) of a cubic B-spline at each sample."""
    place = np.arange(count) / cell
    first = np.floor(place).astype(np.intp)
    t = place - first
    basis = ((1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3)
    return first, (np.stack(basis) / 6).astype(np.float32)


def cloud(random: Random, shape_hw: tuple[int, int], cell_hw: tuple[float, float]) -> Array:
    """Draw a smooth random field of mean about 0 and deviation about 1.

    Args:
        random: advanced by one draw per knot.
        shape_hw: samples of the field.
        cell_hw: distance of its knots in samples; unequal cells give streaks.

    Returns:
        (H, W) float32. Sums of four terms, not matrix products: the same on every machine.
    """
    (rows, down), (columns, across) = (
        _spline(count, cell) for count, cell in zip(shape_hw, cell_hw, strict=True)
    )
    size = int(rows[-1]) + 4, int(columns[-1]) + 4
    knots = random.standard_normal(size, np.float32) / np.float32(0.479)
    wide = knots[:, columns] * across[0]  # (k, l) -> (k, W)
    for tap in range(1, 4):
        wide += knots[:, columns + tap] * across[tap]
    field: Array = wide[rows] * down[0][:, None]  # (k, W) -> (H, W)
    for tap in range(1, 4):
        field += wide[rows + tap] * down[tap][:, None]
    return field


def layers(random: Random, shape_hw: tuple[int, int], cell: float, count: int) -> Array:
    """Draw `count` clouds, each of half the cell and 0.55 of the strength of the one before."""
    field = np.zeros(shape_hw, np.float32)
    for step in range(count):
        size = cell / 2**step
        field += np.float32(0.55**step) * cloud(random, shape_hw, (size, size))
    return field


def line_noise(random: Random, place: Array, cell: float) -> Array:
    """Draw a random function of one variable, read at `place` (any shape, unit of the cell)."""
    low = float(place.min())
    count = int((float(place.max()) - low) / cell) + 3
    knots = random.standard_normal(count)
    return np.interp(place, low + cell * np.arange(count), knots).astype(np.float32)


def coverage(distance: Array, soft_px: float = 1 / FINE) -> Array:
    """Return how much of each sample lies inside an outline: 1 inside, 0 outside.

    Args:
        distance: signed distance to the outline in pixels, negative inside.
        soft_px: width of the ramp between the two.
    """
    return np.clip(np.float32(0.5) - distance / np.float32(soft_px), 0, 1)


def step(low: float, high: float, values: Array) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    risen: Array = t * t * (3 - 2 * t)
    return risen


def box(x: Array, y: Array, half_xy: Point, round_px: float = 0.0) -> Array:
    """Return the signed distance to a box about the origin with rounded corners."""
    a = np.abs(x) - np.float32(half_xy[0] - round_px)
    b = np.abs(y) - np.float32(half_xy[1] - round_px)
    outside = np.hypot(np.maximum(a, 0), np.maximum(b, 0))
    distance: Array = outside + np.minimum(np.maximum(a, b), 0) - np.float32(round_px)
    return distance


def segment(x: Array, y: Array, start: Point, end: Point) -> tuple[Array, Array]:
    """Return the distance to a line from start to end, and the place along it in [0, 1]."""
    dx, dy = np.float32(end[0] - start[0]), np.float32(end[1] - start[1])
    a, b = x - np.float32(start[0]), y - np.float32(start[1])
    along = np.clip((a * dx + b * dy) / max(float(dx * dx + dy * dy), 1e-9), 0, 1)
    return np.hypot(a - along * dx, b - along * dy), along


def path(x: Array, y: Array, points: Sequence[Point]) -> tuple[Array, Array]:
    """Return the distance to a line through points, and the place along it in [0, 1]."""
    nearest = np.full(x.shape, np.inf, np.float32)
    place = np.zeros(x.shape, np.float32)
    pieces = len(points) - 1
    for index in range(pieces):
        distance, along = segment(x, y, points[index], points[index + 1])
        closer = distance < nearest
        nearest = np.where(closer, distance, nearest)
        place = np.where(closer, (index + along) / np.float32(pieces), place)
    return nearest, place


def wander(
    random: Random, start: Point, angle: float, length_px: float, bend: float
) -> list[Point]:
    """Draw a line of 9 points that starts at an angle and changes it at random by about `bend`."""
    points = [start]
    for turn in random.normal(0, bend, 8):
        angle += float(turn)
        last = points[-1]
        reach = length_px / 8
        points.append((last[0] + reach * np.cos(angle), last[1] + reach * np.sin(angle)))
    return points
