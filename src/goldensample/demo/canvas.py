"""Where a part lies in the picture, and the surface that is drawn there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.demo.fields import FINE, Point, Random
from goldensample.records import Array

Window = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Canvas:
    """The coordinates of a part that is moved, turned and scaled in its picture.

    Args:
        x, y: (H, W) float32, place of each fine sample in the part's own pixels, origin at its
            middle, x to the right, y down.
        angle: radians by which the part is turned.
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
    """What the light falls on; drawing changes the arrays in place.

    Args:
        height: (H, W) float32 in pixels of the picture.
        colour: (3, H, W) float32 share of light thrown back, linear.
        gloss: (H, W) float32 strength of the highlight.
        sharpness: how narrow the highlight is (about 10 satin, 100 polished).
        grain: None, or unit vectors (x, y), each (H, W), along which a metal is brushed.
    """

    height: Array
    colour: Array
    gloss: Array
    sharpness: float
    grain: tuple[Array, Array] | None = None


def place(
    random: Random,
    size_hw: tuple[int, int],
    shift_px: float,
    turn: float,
    stretch: float,
) -> Canvas:
    """Lay a part down: a random shift (each axis), turn (radians) and scale, +- their limits."""
    shift_y, shift_x, angle, scale = random.uniform(-1, 1, 4) * (shift_px, shift_px, turn, stretch)
    middle = size_hw[0] / 2 + shift_y, size_hw[1] / 2 + shift_x
    rows = (np.arange(size_hw[0] * FINE, dtype=np.float32) + 0.5) / FINE - np.float32(middle[0])
    columns = (np.arange(size_hw[1] * FINE, dtype=np.float32) + 0.5) / FINE - np.float32(middle[1])
    cos, sin = np.float32(np.cos(angle) / (1 + scale)), np.float32(np.sin(angle) / (1 + scale))
    x = columns[None, :] * cos + rows[:, None] * sin
    y = rows[:, None] * cos - columns[None, :] * sin
    return Canvas(x, y, float(angle), float(1 + scale), middle)


def window(canvas: Canvas, middle: Point, reach_px: float) -> Window:
    """Return the slices that hold every sample within a reach of a point of the part."""
    cos, sin = np.cos(canvas.angle) * canvas.scale, np.sin(canvas.angle) * canvas.scale
    column = canvas.middle_px[1] + middle[0] * cos - middle[1] * sin
    row = canvas.middle_px[0] + middle[0] * sin + middle[1] * cos
    reach = reach_px * canvas.scale + 2
    slices = []
    for place_px, limit in ((row, canvas.shape_hw[0]), (column, canvas.shape_hw[1])):
        low = min(max(int((place_px - reach) * FINE), 0), limit - 1)
        slices.append(slice(low, min(max(int((place_px + reach) * FINE) + 1, low + 1), limit)))
    return slices[0], slices[1]


def local(canvas: Canvas, where: Window, middle: Point, angle: float = 0.0) -> tuple[Array, Array]:
    """Return coordinates in a window with their origin at `middle`, turned by `angle`."""
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
    """Blend a colour, and a gloss if given, into a window by a cover of 0 to 1."""
    target = surface.colour[(slice(None), *where)]
    target += cover * (np.asarray(colour, np.float32)[:, None, None] - target)
    if gloss is not None:
        shine = surface.gloss[where]
        shine += cover * (np.float32(gloss) - shine)


def confine(surface: Surface, before: Surface, cover: Array) -> None:
    """Undo every change since `before` where a cover (H, W) is 0."""
    pairs = (surface.height, before.height), (surface.colour, before.colour)
    for now, then in (*pairs, (surface.gloss, before.gloss)):
        now[:] = then + cover * (now - then)


def copy(surface: Surface) -> Surface:
    """Return a surface with arrays of its own."""
    arrays = surface.height.copy(), surface.colour.copy(), surface.gloss.copy()
    return Surface(*arrays, surface.sharpness, surface.grain)
