"""A moulded plastic cap seen from above: knurled rim, raised ring, embossed letters, gate mark."""

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
from goldensample.demo.letters import text_distances
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    coverage,
    fractal_noise,
    smooth_noise,
    smoothstep,
)

SIZE_HW = (256, 256)
DEFECTS = ("scratch", "short_shot", "specks", "missing_letter", "burn", "flash")
RIM_PX, FACE_PX, RING_PX = 104.0, 88.0, 78.0
CHARACTERS = "PUSHTURN"  # along the ring, four above and four below
BACKGROUND = (0.62, 0.63, 0.62)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one cap."""
    canvas = random_canvas(rng, SIZE_HW, 4.0, 0.10, 0.015)
    surface = _background(canvas, rng)
    background, outline = surface.colour.copy(), _outline(canvas)
    if defect == "flash":
        _flash(canvas, surface, outline, defect_rng)
    _body(canvas, surface, rng, outline)
    absent = int(defect_rng.integers(len(CHARACTERS))) if defect == "missing_letter" else -1
    _emboss(canvas, surface, rng, absent)
    if defect == "short_shot":
        _short_shot(canvas, surface, background, outline, defect_rng)
    elif defect in ("scratch", "specks", "burn"):
        undamaged = copy_surface(surface)
        _add_surface_defect(canvas, surface, defect, defect_rng)
        restrict_changes(surface, undamaged, coverage(outline))
    return surface


def _background(canvas: Canvas, rng: Random) -> Surface:
    surface = blank(canvas.shape_hw, BACKGROUND, 0.03, 10.0)
    surface.colour[:] *= 1 + np.float32(0.02) * fractal_noise(rng, canvas.shape_hw, 120, 3)
    shadow_distance = np.hypot(canvas.x - 5, canvas.y - 6) - np.float32(RIM_PX)
    surface.colour[:] *= 1 - np.float32(0.6) * smoothstep(12.0, -6.0, shadow_distance)
    return surface


def _outline(canvas: Canvas) -> Array:
    """Return the signed distance to the knurled border, negative inside."""
    angle = np.arctan2(canvas.y, canvas.x)
    knurl = np.float32(1.5) * np.abs(np.sin(angle * np.float32(36)))
    return np.hypot(canvas.x, canvas.y) - np.float32(RIM_PX) - knurl


def _body(canvas: Canvas, surface: Surface, rng: Random, outline: Array) -> None:
    shape = canvas.shape_hw
    radius = np.hypot(canvas.x, canvas.y)
    knurl = np.abs(np.sin(np.arctan2(canvas.y, canvas.x) * np.float32(36)))
    side = smoothstep(FACE_PX, FACE_PX + 5, radius)
    height = np.float32(13) * np.sqrt(np.clip(-outline / np.float32(20), 0, 1)) * side
    height += np.float32(13) * np.sqrt(np.float32(0.9)) * (1 - side)
    height += side * np.float32(1.6) * knurl
    height += np.float32(1.3) * coverage(np.abs(radius - np.float32(RING_PX)) - 1, 3.0)
    height -= np.float32(1.6) * np.exp(-((radius / np.float32(3.2)) ** 2))
    height += np.float32(0.055) * smooth_noise(rng, shape, (2.2, 2.2))  # the mould's eroded finish
    height += np.float32(0.5) * smooth_noise(rng, shape, (130, 130))  # sink
    cover = coverage(outline)
    surface.height[:] = np.where(outline < 0, height, surface.height)
    plastic = np.array([0.045, 0.13, 0.36], np.float32) * np.float32(rng.normal(1, 0.03))
    plastic_colour = plastic[:, None, None] * (
        1 + np.float32(0.025) * fractal_noise(rng, shape, 100, 2)
    )
    surface.colour[:] += cover * (plastic_colour - surface.colour)
    surface.gloss[:] += cover * (np.float32(0.26) - surface.gloss)


def _letter_positions() -> list[tuple[str, Point, float]]:
    """Return each character of the ring with its middle and its rotation."""
    positions = []
    for index, character in enumerate(CHARACTERS):
        above = index < 4
        rotation = (index % 4 - 1.5) * 0.36 * (1 if above else -1)
        angle = rotation - np.pi / 2 if above else rotation + np.pi / 2
        middle = (float(56 * np.cos(angle)), float(56 * np.sin(angle)))
        positions.append((character, middle, rotation))
    return positions


def _emboss(canvas: Canvas, surface: Surface, rng: Random, absent: int) -> None:
    wear = np.float32(rng.normal(1.9, 0.08))
    for index, (character, middle, rotation) in enumerate(_letter_positions()):
        if index != absent:
            for where, distance in text_distances(canvas, character, middle, 19.0, rotation):
                surface.height[where] += wear * coverage(distance - np.float32(1.4), 1.6)
    for text, middle in (("38-400", (0.0, 19.0)), ("PP", (0.0, -19.0))):
        for where, distance in text_distances(canvas, text, middle, 9.0):
            fine = coverage(distance - np.float32(0.8), 1.2)
            surface.height[where] += wear * np.float32(0.7) * fine


def _random_disc_point(defect_rng: Random, low_px: float, high_px: float) -> Point:
    angle = float(defect_rng.uniform(0, 2 * np.pi))
    radius = float(defect_rng.uniform(low_px, high_px))
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _add_surface_defect(canvas: Canvas, surface: Surface, defect: str, defect_rng: Random) -> None:
    if defect == "scratch":
        angle = float(defect_rng.uniform(0, 2 * np.pi))
        start = _random_disc_point(defect_rng, 0, 70)
        marks.scratch(canvas, surface, defect_rng, start, angle, (0.38, 0.46, 0.62))
    elif defect == "specks":
        middle = _random_disc_point(defect_rng, 0, 75)
        marks.specks(canvas, surface, defect_rng, middle, (0.01, 0.01, 0.01))
    else:
        tone = ((1.5, 0.75, 0.35), 0.6)
        marks.stain(canvas, surface, defect_rng, _random_disc_point(defect_rng, 25, 88), tone)


def _short_shot(
    canvas: Canvas, surface: Surface, background: Array, outline: Array, defect_rng: Random
) -> None:
    """Leave the border unfilled at one position, with a rounded lip."""
    middle = _random_disc_point(defect_rng, RIM_PX - 2, RIM_PX + 5)
    radius = float(defect_rng.uniform(9, 17))
    where, distance = marks.blob_distance(canvas, defect_rng, middle, radius, 0.35)
    lip = smoothstep(5.0, 0.0, distance) * coverage(outline[where])
    surface.height[where] -= np.float32(2.5) * lip
    marks.remove_material(surface, where, coverage(distance), background, 0.03)


def _flash(canvas: Canvas, surface: Surface, outline: Array, defect_rng: Random) -> None:
    """Add a thin skin of plastic protruding from the border."""
    middle = _random_disc_point(defect_rng, RIM_PX, RIM_PX)
    radius = float(defect_rng.uniform(14, 26))
    where = window(canvas, middle, radius + 4)
    x, y = local_coordinates(canvas, where, middle)
    swell = np.clip(1 - np.hypot(x, y) / np.float32(radius), 0, 1)
    ragged = 1 + np.float32(0.35) * smooth_noise(defect_rng, x.shape, (7, 7))
    skin = coverage(outline[where] - np.float32(9) * swell * ragged)
    paint(surface, where, skin * np.float32(0.85), (0.09, 0.20, 0.45), 0.15)
    surface.height[where] += np.float32(0.6) * skin
