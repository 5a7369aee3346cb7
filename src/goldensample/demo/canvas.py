"""The pose of a part in the picture, and the surface that is rendered."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.records import Array
from goldensample.synthetic.fields import Point, Random

Window = tuple[slice, slice]
SUPERSAMPLING = 2
"""Samples per pixel along each axis; a pixel is the mean of its samples."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """The coordinates of a translated, rotated and scaled part in its picture.

    Args:
        x, y: (H, W) float32, position of each fine sample in the part's pixels, origin at its
            middle, x to the right, y down.
        angle: rotation of the part in radians.
        scale: pixels of the picture per pixel of the part.
        middle_px: (row, column) of the part's middle in the picture.
    """

    x: Array
    y: Array
    angle: float
    scale: float
    middle_px: tuple[float, float]

    @property
    def shape_hw(self) -> tuple[int, int]:
        return self.x.shape[0], self.x.shape[1]


@dataclass(frozen=True, slots=True)
class Surface:
    """Height, colour and gloss maps; drawing changes the arrays in place.

    Args:
        height: (H, W) float32 in pixels of the picture.
        colour: (3, H, W) float32 linear albedo.
        gloss: (H, W) float32 strength of the specular highlight.
        sharpness: specular exponent (about 10 satin, 100 polished).
        grain: None, or unit vectors (x, y), each (H, W), along which a metal is brushed.
    """

    height: Array
    colour: Array
    gloss: Array
    sharpness: float
    grain: tuple[Array, Array] | None = None


def random_canvas(
    rng: Random,
    size_hw: tuple[int, int],
    max_shift_px: float,
    max_angle: float,
    max_scale: float,
) -> Canvas:
    """Draw a pose: a random shift (each axis), rotation (radians) and relative scale."""
    limits = (max_shift_px, max_shift_px, max_angle, max_scale)
    shift_y, shift_x, angle, scale = rng.uniform(-1, 1, 4) * limits
    middle = size_hw[0] / 2 + shift_y, size_hw[1] / 2 + shift_x
    rows, columns = (
        (np.arange(side * SUPERSAMPLING, dtype=np.float32) + 0.5) / SUPERSAMPLING - np.float32(at)
        for side, at in zip(size_hw, middle, strict=True)
    )
    cos, sin = np.float32(np.cos(angle) / (1 + scale)), np.float32(np.sin(angle) / (1 + scale))
    x = columns[None, :] * cos + rows[:, None] * sin
    y = rows[:, None] * cos - columns[None, :] * sin
    return Canvas(x, y, float(angle), float(1 + scale), middle)


def window(canvas: Canvas, middle: Point, radius_px: float) -> Window:
    """Return the slices that hold every sample within a radius of a point of the part."""
    cos, sin = np.cos(canvas.angle) * canvas.scale, np.sin(canvas.angle) * canvas.scale
    column = canvas.middle_px[1] + middle[0] * cos - middle[1] * sin
    row = canvas.middle_px[0] + middle[0] * sin + middle[1] * cos
    radius = radius_px * canvas.scale + 2
    slices = []
    for centre_px, limit in ((row, canvas.shape_hw[0]), (column, canvas.shape_hw[1])):
        low = min(max(int((centre_px - radius) * SUPERSAMPLING), 0), limit - 1)
        high = max(int((centre_px + radius) * SUPERSAMPLING) + 1, low + 1)
        slices.append(slice(low, min(high, limit)))
    return slices[0], slices[1]


def local_coordinates(
    canvas: Canvas, where: Window, middle: Point, angle: float = 0.0
) -> tuple[Array, Array]:
    """Return coordinates in a window with their origin at `middle`, rotated by `angle`."""
    x, y = canvas.x[where] - np.float32(middle[0]), canvas.y[where] - np.float32(middle[1])
    if not angle:
        return x, y
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return x * cos + y * sin, y * cos - x * sin


def blank(
    shape_hw: tuple[int, int], colour: Sequence[float], gloss: float, sharpness: float
) -> Surface:
    """Return a flat surface of one colour."""
    plane = np.empty((3, *shape_hw), np.float32)
    plane[:] = np.asarray(colour, np.float32)[:, None, None]
    height = np.zeros(shape_hw, np.float32)
    return Surface(height, plane, np.full(shape_hw, gloss, np.float32), sharpness)


def paint(
    surface: Surface,
    where: Window,
    cover: Array,
    colour: Sequence[float],
    gloss: float | None = None,
) -> None:
    """Alpha-blend a colour, and optionally a gloss, into a window by a cover of 0 to 1."""
    target = surface.colour[(slice(None), *where)]
    target += cover * (np.asarray(colour, np.float32)[:, None, None] - target)
    if gloss is not None:
        shine = surface.gloss[where]
        shine += cover * (np.float32(gloss) - shine)


def restrict_changes(surface: Surface, original: Surface, cover: Array) -> None:
    """Restore the `original` surface where a cover (H, W) is 0."""
    arrays = (surface.height, original.height), (surface.colour, original.colour)
    for current, previous in (*arrays, (surface.gloss, original.gloss)):
        current[:] = previous + cover * (current - previous)


def copy_surface(surface: Surface) -> Surface:
    """Return a deep copy of a surface, except for its grain."""
    arrays = surface.height.copy(), surface.colour.copy(), surface.gloss.copy()
    return Surface(*arrays, surface.sharpness, surface.grain)
