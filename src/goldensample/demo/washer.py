"""A turned steel flange with six bolt holes on a dark mat; it may lie at any angle."""

from dataclasses import replace

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import (
    Canvas,
    Surface,
    blank,
    copy_surface,
    local_coordinates,
    paint,
    random_canvas,
    restrict_changes,
    window,
)
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    coverage,
    fractal_noise,
    noise_1d,
    smooth_noise,
    smoothstep,
)

SIZE_HW = (256, 256)
DEFECTS = ("scratch", "dent", "chip", "rust", "missing_hole")
OUTER_PX, HUB_PX, BORE_PX, HOLES_PX, HOLE_PX = 108.0, 62.0, 36.0, 85.0, 10.5


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one flange."""
    canvas = random_canvas(rng, SIZE_HW, 4.0, np.pi, 0.015)
    surface = _background(canvas, rng)
    background = surface.colour.copy()
    absent = int(defect_rng.integers(6)) if defect == "missing_hole" else -1
    outline = _outline(canvas, absent)
    _metal(canvas, surface, rng, outline)
    if defect == "chip":
        _chip(canvas, surface, background, defect_rng)
    elif defect in ("scratch", "dent", "rust"):
        undamaged = copy_surface(surface)
        _add_surface_defect(canvas, surface, defect, defect_rng)
        restrict_changes(surface, undamaged, coverage(outline))
    return replace(surface, grain=_grain_direction(canvas))


def _background(canvas: Canvas, rng: Random) -> Surface:
    surface = blank(canvas.shape_hw, (0.035, 0.037, 0.042), 0.02, 11.0)
    grain = rng.standard_normal(canvas.shape_hw, np.float32)
    surface.height[:] = np.float32(0.10) * grain
    surface.colour[:] *= 1 + np.float32(0.12) * fractal_noise(rng, canvas.shape_hw, 60, 3)
    shadow = smoothstep(20.0, -6.0, np.hypot(canvas.x, canvas.y) - np.float32(OUTER_PX))
    surface.colour[:] *= 1 - np.float32(0.6) * shadow
    return surface


def _outline(canvas: Canvas, absent: int) -> Array:
    """Return the signed distance to the edge of the metal, negative inside."""
    radius = np.hypot(canvas.x, canvas.y)
    outline = np.maximum(radius - np.float32(OUTER_PX), np.float32(BORE_PX) - radius)
    for index in range(6):
        angle = index * np.pi / 3
        middle = float(HOLES_PX * np.cos(angle)), float(HOLES_PX * np.sin(angle))
        where = window(canvas, middle, HOLE_PX + 6)
        if index != absent:
            x, y = local_coordinates(canvas, where, middle)
            outline[where] = np.maximum(outline[where], np.float32(HOLE_PX) - np.hypot(x, y))
    return outline


def _metal(canvas: Canvas, surface: Surface, rng: Random, outline: Array) -> None:
    radius = np.maximum(np.hypot(canvas.x, canvas.y), 1)
    lathe_noise = noise_1d(rng, radius, 0.8) + noise_1d(rng, radius, 3.0)
    blotch = fractal_noise(rng, canvas.shape_hw, 90, 3)
    depth = np.minimum(-outline, np.float32(2.6))
    height = np.float32(0.75) * depth + np.float32(5) * smoothstep(HUB_PX + 3, HUB_PX - 3, radius)
    height += np.float32(0.045) * lathe_noise
    cover = coverage(outline)
    surface.height[:] = np.where(outline < 0, height, surface.height)
    tone = np.float32(0.17) * (1 + np.float32(0.05) * lathe_noise + np.float32(0.05) * blotch)
    steel_colour = tone * np.array([0.97, 1.0, 1.03], np.float32)[:, None, None]
    surface.colour[:] += cover * (steel_colour - surface.colour)
    shine = np.float32(0.46) * (1 + np.float32(0.10) * lathe_noise + np.float32(0.06) * blotch)
    surface.gloss[:] += cover * (shine - surface.gloss)


def _grain_direction(canvas: Canvas) -> tuple[Array, Array]:
    """Return the direction of the lathe's grooves, in the picture's axes."""
    radius = np.maximum(np.hypot(canvas.x, canvas.y), 1)
    cos, sin = np.float32(np.cos(canvas.angle)), np.float32(np.sin(canvas.angle))
    across, down = -canvas.y / radius, canvas.x / radius
    return across * cos - down * sin, across * sin + down * cos


def _random_ring_point(defect_rng: Random, low_px: float, high_px: float) -> Point:
    """Draw a point of the face between two radii and between two holes."""
    angle = (int(defect_rng.integers(6)) + float(defect_rng.uniform(0.3, 0.7))) * np.pi / 3
    radius = float(defect_rng.uniform(low_px, high_px))
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _add_surface_defect(canvas: Canvas, surface: Surface, defect: str, defect_rng: Random) -> None:
    if defect == "scratch":
        angle = float(defect_rng.uniform(0, 2 * np.pi))
        start = _random_ring_point(defect_rng, 70, 98)
        marks.scratch(canvas, surface, defect_rng, start, angle, (0.75, 0.75, 0.77))
    elif defect == "dent":
        centre, radius = _random_ring_point(defect_rng, 74, 96), float(defect_rng.uniform(4.5, 8))
        marks.dent(canvas, surface, defect_rng, centre, radius)
    else:
        middle, tone = _random_ring_point(defect_rng, 70, 100), ((0.85, 0.40, 0.16), 0.22)
        marks.stain(canvas, surface, defect_rng, middle, tone)


def _chip(canvas: Canvas, surface: Surface, background: Array, defect_rng: Random) -> None:
    """Break a piece out of the outer border: the background shows, with a raw edge."""
    middle = _random_ring_point(defect_rng, OUTER_PX - 1, OUTER_PX + 4)
    radius = float(defect_rng.uniform(6, 11))
    where, distance = marks.blob_distance(canvas, defect_rng, middle, radius, 0.5)
    x, y = canvas.x[where], canvas.y[where]
    metal = coverage(np.hypot(x, y) - np.float32(OUTER_PX))
    fracture = coverage(distance - np.float32(3), 2.0) * metal
    roughness = smooth_noise(defect_rng, x.shape, (3, 3))
    surface.height[where] += fracture * (np.float32(0.4) * roughness - np.float32(1.2))
    paint(surface, where, fracture * np.float32(0.8), (0.3, 0.3, 0.31), 0.15)
    marks.remove_material(surface, where, coverage(distance), background, 0.02)
