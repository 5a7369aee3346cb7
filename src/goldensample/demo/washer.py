"""A turned steel flange with six bolt holes on a dark mat; it may lie at any angle."""

from dataclasses import replace

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import (
    Canvas,
    Surface,
    blank,
    confine,
    copy,
    local,
    paint,
    place,
    window,
)
from goldensample.demo.fields import Point, Random, cloud, coverage, layers, line_noise, step
from goldensample.records import Array

SIZE_HW = (256, 256)
DEFECTS = ("scratch", "dent", "chip", "rust", "missing_hole")
OUTER_PX, HUB_PX, BORE_PX, HOLES_PX, HOLE_PX = 108.0, 62.0, 36.0, 85.0, 10.5


def draw(random: Random, defect: str | None, flaw: Random) -> Surface:
    """Draw one flange."""
    canvas = place(random, SIZE_HW, 4.0, np.pi, 0.015)
    surface = _mat(canvas, random)
    mat = surface.colour.copy()
    absent = int(flaw.integers(6)) if defect == "missing_hole" else -1
    outline = _outline(canvas, absent)
    _metal(canvas, surface, random, outline)
    if defect == "chip":
        _chip(canvas, surface, mat, flaw)
    elif defect in ("scratch", "dent", "rust"):
        before = copy(surface)
        _harm(canvas, surface, defect, flaw)
        confine(surface, before, coverage(outline))
    return replace(surface, grain=_turning(canvas))


def _mat(canvas: Canvas, random: Random) -> Surface:
    surface = blank(canvas.shape_hw, (0.035, 0.037, 0.042), 0.02, 11.0)
    grain = random.standard_normal(canvas.shape_hw, np.float32)
    surface.height[:] = np.float32(0.10) * grain
    surface.colour[:] *= 1 + np.float32(0.12) * layers(random, canvas.shape_hw, 60, 3)
    shadow = step(20.0, -6.0, np.hypot(canvas.x, canvas.y) - np.float32(OUTER_PX))
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
            x, y = local(canvas, where, middle)
            outline[where] = np.maximum(outline[where], np.float32(HOLE_PX) - np.hypot(x, y))
    return outline


def _metal(canvas: Canvas, surface: Surface, random: Random, outline: Array) -> None:
    radius = np.maximum(np.hypot(canvas.x, canvas.y), 1)
    turned = line_noise(random, radius, 0.8) + line_noise(random, radius, 3.0)
    blotch = layers(random, canvas.shape_hw, 90, 3)
    depth = np.minimum(-outline, np.float32(2.6))
    height = np.float32(0.75) * depth + np.float32(5) * step(HUB_PX + 3, HUB_PX - 3, radius)
    height += np.float32(0.045) * turned
    cover = coverage(outline)
    surface.height[:] = np.where(outline < 0, height, surface.height)
    tone = np.float32(0.17) * (1 + np.float32(0.05) * turned + np.float32(0.05) * blotch)
    steel = tone * np.array([0.97, 1.0, 1.03], np.float32)[:, None, None]
    surface.colour[:] += cover * (steel - surface.colour)
    shine = np.float32(0.46) * (1 + np.float32(0.10) * turned + np.float32(0.06) * blotch)
    surface.gloss[:] += cover * (shine - surface.gloss)


def _turning(canvas: Canvas) -> tuple[Array, Array]:
    """Return the direction of the lathe's grooves, in the picture's axes."""
    radius = np.maximum(np.hypot(canvas.x, canvas.y), 1)
    cos, sin = np.float32(np.cos(canvas.angle)), np.float32(np.sin(canvas.angle))
    across, down = -canvas.y / radius, canvas.x / radius
    return across * cos - down * sin, across * sin + down * cos


def _on_ring(flaw: Random, low_px: float, high_px: float) -> Point:
    """Draw a point of the face between two radii and between two holes."""
    angle = (int(flaw.integers(6)) + float(flaw.uniform(0.3, 0.7))) * np.pi / 3
    radius = float(flaw.uniform(low_px, high_px))
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _harm(canvas: Canvas, surface: Surface, defect: str, flaw: Random) -> None:
    if defect == "scratch":
        angle = float(flaw.uniform(0, 2 * np.pi))
        marks.scratch(canvas, surface, flaw, _on_ring(flaw, 70, 98), angle, (0.75, 0.75, 0.77))
    elif defect == "dent":
        spot, radius = _on_ring(flaw, 74, 96), float(flaw.uniform(4.5, 8))
        marks.dent(canvas, surface, flaw, spot, radius)
    else:
        marks.stain(canvas, surface, flaw, _on_ring(flaw, 70, 100), ((0.85, 0.40, 0.16), 0.22))


def _chip(canvas: Canvas, surface: Surface, mat: Array, flaw: Random) -> None:
    """Break a piece out of the outer border: the mat shows, beside it a raw edge."""
    middle = _on_ring(flaw, OUTER_PX - 1, OUTER_PX + 4)
    radius = float(flaw.uniform(6, 11))
    where, distance = marks.blob(canvas, flaw, middle, radius, 0.5)
    x, y = canvas.x[where], canvas.y[where]
    metal = coverage(np.hypot(x, y) - np.float32(OUTER_PX))
    raw = coverage(distance - np.float32(3), 2.0) * metal
    rough = cloud(flaw, x.shape, (3, 3))
    surface.height[where] += raw * (np.float32(0.4) * rough - np.float32(1.2))
    paint(surface, where, raw * np.float32(0.8), (0.3, 0.3, 0.31), 0.15)
    gone = coverage(distance)
    surface.height[where] *= 1 - gone
    target = surface.colour[(slice(None), *where)]
    target += gone * (mat[(slice(None), *where)] - target)
    surface.gloss[where] += gone * (np.float32(0.02) - surface.gloss[where])
