"""A steel bolt in side view: hexagon head at the left, plain shank, thread, conical point."""

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import (
    Canvas,
    Surface,
    blank,
    copy_surface,
    random_canvas,
    restrict_changes,
)
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    box_distance,
    coverage,
    fractal_noise,
    smooth_noise,
    smoothstep,
)

SIZE_HW = (192, 384)
DEFECTS = ("crushed_thread", "scratch", "rust", "broken_point", "head_chip", "bent")
HEAD_PX, SHANK_PX, THREAD_PX, POINT_PX, END_PX = -150.0, -118.0, -45.0, 130.0, 152.0
SHANK_RADIUS, PITCH_PX, BACKGROUND = 27.0, 11.0, (0.60, 0.61, 0.62)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one bolt."""
    canvas = random_canvas(rng, SIZE_HW, 5.0, 0.035, 0.012)
    phase, hexagon = (float(value) for value in rng.uniform(0, 1, 2))
    across = canvas.y
    if defect == "bent":
        curvature = np.float32(defect_rng.uniform(0.0007, 0.0013) * defect_rng.choice([-1, 1]))
        across = across + curvature * np.maximum(canvas.x - np.float32(10), 0) ** 2
    radius = _profile(canvas.x, across, phase, _half_head(hexagon))
    if defect == "crushed_thread":
        radius = _crush(canvas, radius, defect_rng)
    end = (
        float(defect_rng.uniform(POINT_PX - 4, POINT_PX + 9))
        if defect == "broken_point"
        else END_PX
    )
    surface = _background(canvas, rng, across, end)
    outline = np.abs(across) - radius
    if defect == "broken_point":
        rough = np.float32(1.5) * smooth_noise(defect_rng, canvas.shape_hw, (9, 9))
        outline = np.maximum(outline, canvas.x - np.float32(end) + rough)
    elif defect == "head_chip":
        outline = _chip(canvas, outline, defect_rng)
    _steel(canvas, surface, rng, (radius, across, outline), hexagon)
    if defect in ("scratch", "rust"):
        undamaged = copy_surface(surface)
        _add_surface_defect(canvas, surface, defect, defect_rng)
        restrict_changes(surface, undamaged, coverage(outline))
    return surface


def _background(canvas: Canvas, rng: Random, across: Array, end_px: float) -> Surface:
    """Draw the background with the soft shadow of head and shank to the lower right."""
    surface = blank(canvas.shape_hw, BACKGROUND, 0.02, 8.0)
    surface.colour[:] *= 1 + np.float32(0.02) * fractal_noise(rng, canvas.shape_hw, 120, 3)
    surface.height[:] = np.float32(0.04) * rng.standard_normal(canvas.shape_hw, np.float32)
    shadow = np.zeros(canvas.shape_hw, np.float32)
    for left, right, half, drop in ((HEAD_PX, SHANK_PX, 46, 9), (SHANK_PX, end_px, 24, 7)):
        x = canvas.x - np.float32((left + right) / 2 + 5)
        distance = box_distance(x, across - np.float32(drop), ((right - left) / 2, half), 4.0)
        shadow = np.maximum(shadow, smoothstep(13.0, -9.0, distance))
    surface.colour[:] *= 1 - np.float32(0.6) * shadow
    return surface


def _profile(x: Array, across: Array, start_phase: float, half_head: float) -> Array:
    """Return the radius of the bolt at each sample; on the thread it follows the helix."""
    helix = np.arcsin(np.clip(across / np.float32(SHANK_RADIUS), -1, 1)) / np.float32(2 * np.pi)
    phase = (x - np.float32(THREAD_PX)) / np.float32(PITCH_PX) + helix + np.float32(start_phase)
    tooth = np.abs(2 * (phase - np.floor(phase)) - 1)  # 1 at the root's middle, 0 at the crest
    crest = np.clip(tooth * np.float32(1.5) - np.float32(0.2), 0, 1)
    runout = smoothstep(THREAD_PX, THREAD_PX + 12, x)
    radius = np.float32(SHANK_RADIUS) - np.float32(5.2) * crest * runout
    taper = np.clip((x - np.float32(POINT_PX)) / np.float32(END_PX - POINT_PX), 0, 1)
    radius = radius - np.float32(11) * taper
    head = np.float32(half_head) - np.float32(4) * smoothstep(HEAD_PX + 6, HEAD_PX, x)
    fillet = np.float32(5) * np.clip(1 - (x - np.float32(SHANK_PX)) / np.float32(6), 0, 1) ** 2
    radius = np.where(x < SHANK_PX, head, radius + fillet)
    return np.where((x < HEAD_PX) | (x > END_PX), np.float32(-50), radius).astype(np.float32)


def _steel(
    canvas: Canvas,
    surface: Surface,
    rng: Random,
    geometry: tuple[Array, Array, Array],
    hexagon: float,
) -> None:
    """Round the body, cut the head into flats, colour it as bright zinc."""
    radius, across, outline = geometry
    shape = canvas.shape_hw
    height = np.sqrt(np.clip(radius * radius - across * across, 4, None))
    head = _head(canvas, across, hexagon)
    height = np.where(canvas.x < SHANK_PX, head, height)
    height += np.float32(0.10) * smooth_noise(rng, shape, (1.6, 14))
    cover = coverage(outline)
    surface.height[:] = np.where(outline < 0, height, surface.height)
    radial = np.abs(across) / np.maximum(radius, 1)
    sky_reflection = np.exp(
        -(((across / np.maximum(radius, 1) + np.float32(0.42)) / np.float32(0.16)) ** 2)
    )
    ground_reflection = np.exp(
        -(((across / np.maximum(radius, 1) - np.float32(0.62)) / np.float32(0.2)) ** 2)
    )
    tone = (
        np.float32(0.20) + np.float32(0.20) * sky_reflection + np.float32(0.10) * ground_reflection
    )
    tone = tone * (1 - np.float32(0.35) * radial**4)
    tone *= 1 + np.float32(0.06) * fractal_noise(rng, shape, 40, 3)
    zinc_colour = tone * np.array([0.96, 1.0, 1.05], np.float32)[:, None, None]
    surface.colour[:] += cover * (zinc_colour - surface.colour)
    surface.gloss[:] += cover * (np.float32(0.55) - surface.gloss)


def _flat_angle(index: int, hexagon: float) -> float:
    """Return the angle between a flat of the head and the camera."""
    return (index + (hexagon - 0.5) * 0.5) * float(np.pi) / 3


def _half_head(hexagon: float) -> float:
    """Return half the head's height in the picture: its outermost corner."""
    corners = [_flat_angle(index, hexagon) + np.pi / 6 for index in range(6)]
    return float(44 / np.cos(np.pi / 6) * np.max(np.abs(np.sin(corners))))


def _head(canvas: Canvas, across: Array, hexagon: float) -> Array:
    """Return the height of the hexagon head: three flats, their corners chamfered at the left."""
    flats = np.full(canvas.shape_hw, np.inf, np.float32)
    for index in range(-2, 3):
        angle = _flat_angle(index, hexagon)
        sin, cos = np.float32(np.sin(angle)), np.float32(np.cos(angle))
        if cos > 0.02:  # the others face away from the camera
            flats = np.minimum(flats, (np.float32(44) - across * sin) / cos)
    dome: Array = np.float32(30) + np.float32(2.2) * np.maximum(canvas.x - np.float32(HEAD_PX), 0)
    height: Array = np.maximum(np.minimum(flats, dome), np.float32(-30))
    return height


def _crush(canvas: Canvas, radius: Array, defect_rng: Random) -> Array:
    """Flatten two to four turns of the thread at one side."""
    x = float(defect_rng.uniform(THREAD_PX + 25, POINT_PX - 25))
    side = float(defect_rng.uniform(-0.9, 0.9))
    radius_px = float(defect_rng.uniform(10, 18))
    u = (canvas.x - np.float32(x)) / np.float32(radius_px)
    v = (canvas.y - np.float32(side * SHANK_RADIUS)) / np.float32(10)
    amount = smoothstep(1.0, 0.5, np.hypot(u, v))
    rough = np.float32(0.6) * smooth_noise(defect_rng, canvas.shape_hw, (5, 5))
    crushed: Array = radius + amount * (np.float32(SHANK_RADIUS - 3.2) + rough - radius)
    return crushed


def _chip(canvas: Canvas, outline: Array, defect_rng: Random) -> Array:
    """Break a corner off the head."""
    column = float(defect_rng.choice([HEAD_PX + 1, SHANK_PX - 1]))
    middle = column, float(defect_rng.choice([-1, 1]) * defect_rng.uniform(44, 48))
    where, distance = marks.blob_distance(
        canvas, defect_rng, middle, float(defect_rng.uniform(9, 14)), 0.6
    )
    outline[where] = np.maximum(outline[where], -distance)
    return outline


def _random_point(defect_rng: Random, low_px: float, high_px: float) -> Point:
    return float(defect_rng.uniform(low_px, high_px)), float(defect_rng.uniform(-16, 16))


def _add_surface_defect(canvas: Canvas, surface: Surface, defect: str, defect_rng: Random) -> None:
    if defect == "scratch":
        start = _random_point(defect_rng, SHANK_PX + 10, THREAD_PX - 10)
        angle = float(defect_rng.uniform(-0.7, 0.7))
        marks.scratch(canvas, surface, defect_rng, start, angle, (0.08, 0.08, 0.085))
    else:
        tone = ((0.95, 0.45, 0.18), 0.25)
        middle = _random_point(defect_rng, HEAD_PX + 15, POINT_PX - 10)
        marks.stain(canvas, surface, defect_rng, middle, tone)
