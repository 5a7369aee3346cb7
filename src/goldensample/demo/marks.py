"""Defects that several parts share; each changes a surface in place at a position."""

from collections.abc import Sequence

import numpy as np

from goldensample.demo.canvas import (
    SUPERSAMPLING,
    Canvas,
    Surface,
    Window,
    local_coordinates,
    paint,
    window,
)
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    coverage,
    fractal_noise,
    polyline_distance,
    random_polyline,
    smooth_noise,
    smoothstep,
)

Colour = Sequence[float]


def scratch(
    canvas: Canvas, surface: Surface, rng: Random, start: Point, angle: float, colour: Colour
) -> None:
    """Draw a groove with a burr on both sides, thin at its ends, its bottom of another colour."""
    length = float(rng.uniform(28, 60))
    points = random_polyline(rng, start, angle, length, 0.05)
    where = window(canvas, start, length + 6)
    x, y = local_coordinates(canvas, where, (0.0, 0.0))
    distance, along = polyline_distance(x, y, points)
    width = float(rng.uniform(0.8, 1.3)) * np.sqrt(np.clip(4 * along * (1 - along), 0, 1))
    rough = 1 + np.float32(0.25) * smooth_noise(rng, x.shape, (3, 3))
    groove = np.clip(1 - distance / np.maximum(width * rough, 0.05), 0, 1)
    burr = np.exp(-(((distance - width - np.float32(0.7)) / np.float32(0.6)) ** 2))
    inside = width > 0.15
    surface.height[where] += inside * (np.float32(0.35) * burr - np.float32(0.9) * groove)
    paint(surface, where, inside * np.sqrt(groove) * np.float32(rng.uniform(0.65, 0.9)), colour)


def dent(canvas: Canvas, surface: Surface, rng: Random, middle: Point, radius_px: float) -> None:
    """Press a shallow hollow with a raised rim into the surface."""
    where = window(canvas, middle, radius_px * 2.2)
    x, y = local_coordinates(canvas, where, middle, float(rng.uniform(0, np.pi)))
    distance = np.hypot(x, y * np.float32(rng.uniform(1.0, 1.35))) / np.float32(radius_px)
    distance = distance * (
        1 + np.float32(0.06) * smooth_noise(rng, x.shape, (radius_px, radius_px))
    )
    depth = np.float32(radius_px * rng.uniform(0.3, 0.42))
    hollow = np.clip(1 - distance * distance, 0, 1) ** np.float32(1.5)
    rim = np.exp(-(((distance - np.float32(1.1)) / np.float32(0.22)) ** 2))
    surface.height[where] += depth * (np.float32(0.13) * rim - hollow)


def blob_distance(
    canvas: Canvas, rng: Random, middle: Point, radius_px: float, ragged: float
) -> tuple[Window, Array]:
    """Return a window and the signed distance (pixels, roughly) to a ragged patch in it."""
    where = window(canvas, middle, radius_px * (1.6 + ragged))
    x, y = local_coordinates(canvas, where, middle, float(rng.uniform(0, np.pi)))
    distance = np.hypot(x, y * np.float32(rng.uniform(1.0, 1.5)))
    rough = fractal_noise(rng, x.shape, radius_px * SUPERSAMPLING * 0.9, 3)
    return where, distance - np.float32(radius_px) * (1 + np.float32(ragged * 0.3) * rough)


def remove_material(
    surface: Surface, where: Window, cover: Array, background: Array, gloss: float
) -> None:
    """Replace a window by the background's colour (3, H, W) by a cover of 0 to 1."""
    surface.height[where] *= 1 - cover
    target = surface.colour[(slice(None), *where)]
    target += cover * (background[(slice(None), *where)] - target)
    surface.gloss[where] += cover * (np.float32(gloss) - surface.gloss[where])


def stain(
    canvas: Canvas, surface: Surface, rng: Random, middle: Point, tone: tuple[Colour, float]
) -> None:
    """Add a film with a darker edge; tone: factors of the channels, factor of the gloss."""
    radius = float(rng.uniform(9, 17))
    where, distance = blob_distance(canvas, rng, middle, radius, 0.7)
    film = coverage(distance, 3.0)
    edge = np.exp(-(((distance + np.float32(1.6)) / np.float32(1.5)) ** 2))
    amount = film * np.float32(rng.uniform(0.55, 0.85)) + np.float32(0.3) * edge * film
    amount *= 1 + np.float32(0.15) * fractal_noise(rng, film.shape, 10, 2)
    amount = np.clip(amount, 0, 1)
    for channel, factor in enumerate(tone[0]):
        surface.colour[(channel, *where)] *= 1 + amount * np.float32(factor - 1)
    surface.gloss[where] *= 1 + amount * np.float32(tone[1] - 1)


def crack(
    canvas: Canvas, surface: Surface, rng: Random, start: Point, angle: float, colour: Colour
) -> None:
    """Open a jagged dark gap that narrows to its end, with one branch."""
    length = float(rng.uniform(45, 85))
    where = window(canvas, start, length + 4)
    x, y = local_coordinates(canvas, where, (0.0, 0.0))
    trunk = random_polyline(rng, start, angle, length, 0.2)
    side = angle + float(rng.choice([-0.4, 0.4]))
    branch = random_polyline(rng, trunk[4], side, length * 0.35, 0.25)
    width = float(rng.uniform(0.8, 1.4))
    jag = np.float32(0.25) * smooth_noise(rng, x.shape, (2.5, 2.5))
    gap = np.zeros(x.shape, np.float32)
    for points, width_px in ((trunk, width), (branch, width * 0.7)):
        distance, along = polyline_distance(x, y, points)
        half = np.float32(width_px) * (np.float32(1.05) - along) + jag * (1 - along)
        gap = np.maximum(gap, coverage(distance - half, 0.8) * (along < 0.995))
    surface.height[where] -= np.float32(0.8) * gap
    paint(surface, where, gap * np.float32(0.85), colour, 0.0)


def specks(canvas: Canvas, surface: Surface, rng: Random, middle: Point, colour: Colour) -> None:
    """Scatter a few small grains of dirt around a position."""
    for size in rng.uniform(0.9, 2.6, int(rng.integers(3, 7))):
        speck_middle = (middle[0] + float(rng.normal(0, 7)), middle[1] + float(rng.normal(0, 7)))
        where, distance = blob_distance(canvas, rng, speck_middle, float(size), 0.6)
        grain = coverage(distance, 0.8)
        surface.height[where] += np.float32(size * 0.5) * smoothstep(0.0, 1.0, grain)
        paint(surface, where, grain * np.float32(0.9), colour, 0.05)


def fibre(canvas: Canvas, surface: Surface, rng: Random, start: Point, colour: Colour) -> None:
    """Add a curled fibre of lint."""
    length = float(rng.uniform(30, 50))
    points = random_polyline(rng, start, float(rng.uniform(0, 2 * np.pi)), length, 0.45)
    where = window(canvas, start, length + 5)
    x, y = local_coordinates(canvas, where, (0.0, 0.0))
    shadow = coverage(polyline_distance(x - 1, y - 1, points)[0] - np.float32(0.5), 1.6)
    paint(surface, where, shadow * np.float32(0.45), (0.0, 0.0, 0.0))
    thread = coverage(polyline_distance(x, y, points)[0] - np.float32(0.6), 0.8)
    surface.height[where] += np.float32(0.4) * thread
    paint(surface, where, thread * np.float32(0.9), colour, 0.1)
