"""A planed oak board, its grain running across the picture; every board differs."""

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import SUPERSAMPLING, Canvas, Surface, blank, paint, random_canvas
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    coverage,
    fractal_noise,
    smooth_noise,
    smoothstep,
)

SIZE_HW = (256, 320)
DEFECTS = ("crack", "scratch", "dent", "knot", "worm_hole", "stain")
EARLY, LATE = (0.50, 0.315, 0.165), (0.335, 0.185, 0.082)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one board."""
    canvas = random_canvas(rng, SIZE_HW, 6.0, 0.04, 0.03)
    centre = float(defect_rng.uniform(-115, 115)), float(defect_rng.uniform(-88, 88))
    bulge = np.zeros(canvas.shape_hw, np.float32)
    knot_radius = np.zeros(canvas.shape_hw, np.float32)
    if defect == "knot":
        bulge, knot_radius = _knot(canvas, defect_rng, centre)
    surface = _board(canvas, rng, bulge)
    if defect == "knot":
        _paint_knot(canvas, surface, knot_radius, defect_rng)
    elif defect is not None:
        _add_defect(canvas, surface, (defect, centre), defect_rng)
    return surface


def _board(canvas: Canvas, rng: Random, bulge: Array) -> Surface:
    """Cut rings lengthwise: early wood pale, late wood dark, pores as short dark lines."""
    shape = canvas.shape_hw
    surface = blank(shape, EARLY, 0.05, 14.0)
    pith = float(rng.uniform(-70, 70)), float(rng.uniform(25, 90))
    tilt = np.float32(rng.uniform(0.03, 0.16) * rng.choice([-1, 1]))
    wave = np.float32(3.0) * smooth_noise(rng, shape, (70, 260)) + bulge
    depth = np.float32(pith[1]) + tilt * canvas.x
    ring = np.hypot(canvas.y - np.float32(pith[0]) + wave, depth)
    ring = ring / np.float32(rng.uniform(12, 16)) + np.float32(0.35) * smooth_noise(
        rng, shape, (60, 400)
    )
    phase = ring - np.floor(ring)
    latewood = smoothstep(0.15, 0.86, phase) * smoothstep(1.0, 0.93, phase)
    streak = smooth_noise(rng, shape, (1.6, 70)) * np.float32(0.6)
    streak += smooth_noise(rng, shape, (5, 130)) * np.float32(0.5)
    pores = smoothstep(1.0, 1.7, smooth_noise(rng, shape, (2.0, 26))) * (
        1 - np.float32(0.6) * latewood
    )
    earlywood_colour, latewood_colour = (
        np.asarray(tone, np.float32)[:, None, None] for tone in (EARLY, LATE)
    )
    warmth = np.array(rng.normal(1, 0.012, 3) * rng.normal(1, 0.04), np.float32)
    colour = earlywood_colour + np.float32(0.8) * latewood * (latewood_colour - earlywood_colour)
    colour *= 1 + np.float32(0.07) * streak
    colour *= 1 - pores * np.array([0.36, 0.44, 0.50], np.float32)[:, None, None]
    colour *= 1 + np.float32(0.04) * fractal_noise(rng, shape, 160, 2)
    surface.colour[:] = colour * warmth[:, None, None]
    surface.height[:] = (
        np.float32(0.06) * streak - np.float32(0.30) * pores + np.float32(0.1) * latewood
    )
    surface.gloss[:] *= 1 - np.float32(0.5) * pores
    return surface


def _add_defect(
    canvas: Canvas, surface: Surface, fault: tuple[str, Point], defect_rng: Random
) -> None:
    kind, centre = fault
    if kind == "crack":
        start = (min(centre[0], 60.0), centre[1])
        angle = float(defect_rng.normal(0, 0.08))
        marks.crack(canvas, surface, defect_rng, start, angle, (0.05, 0.03, 0.015))
    elif kind == "scratch":
        angle = float(defect_rng.uniform(0.4, 2.7))
        marks.scratch(canvas, surface, defect_rng, centre, angle, (0.62, 0.46, 0.30))
    elif kind == "dent":
        marks.dent(canvas, surface, defect_rng, centre, float(defect_rng.uniform(5, 9)))
    elif kind == "stain":
        marks.stain(canvas, surface, defect_rng, centre, ((0.50, 0.47, 0.52), 0.7))
    else:
        _worm_holes(canvas, surface, defect_rng, centre)


def _worm_holes(canvas: Canvas, surface: Surface, defect_rng: Random, centre: Point) -> None:
    """Drill a few small round holes with pale dust at their rims."""
    for _ in range(int(defect_rng.integers(2, 5))):
        middle = (
            centre[0] + float(defect_rng.normal(0, 10)),
            centre[1] + float(defect_rng.normal(0, 8)),
        )
        where, distance = marks.blob_distance(
            canvas, defect_rng, middle, float(defect_rng.uniform(1.7, 2.9)), 0.3
        )
        rim = coverage(np.abs(distance - np.float32(0.7)) - np.float32(0.5), 1.0)
        paint(surface, where, rim * np.float32(0.5), (0.62, 0.45, 0.28))
        paint(surface, where, coverage(distance, 0.8) * np.float32(0.95), (0.03, 0.018, 0.01), 0.0)


def _knot(canvas: Canvas, defect_rng: Random, centre: Point) -> tuple[Array, Array]:
    """Return the displacement of the rings by a knot, and the relative radius (1 at its rim)."""
    radius = float(defect_rng.uniform(7, 12))
    x, y = canvas.x - np.float32(centre[0]), canvas.y - np.float32(centre[1])
    rough = 1 + np.float32(0.12) * smooth_noise(
        defect_rng, x.shape, (radius * SUPERSAMPLING, radius * SUPERSAMPLING)
    )
    knot_radius = np.hypot(x / np.float32(1.25), y) / radius * rough
    influence = np.exp(-(x * x) / (radius * radius * 3) - (y * y) / (radius * radius * 3))
    fade = smoothstep(0.015, 0.06, influence)  # nothing moves far away
    direction = np.sign(y) * smoothstep(0, 1, np.abs(y) / radius)
    return -0.6 * radius * direction * influence * fade, knot_radius


def _paint_knot(canvas: Canvas, surface: Surface, knot_radius: Array, defect_rng: Random) -> None:
    full_window = (slice(0, canvas.shape_hw[0]), slice(0, canvas.shape_hw[1]))
    rings = np.float32(0.5) + np.float32(0.5) * np.sin(knot_radius * np.float32(16))
    cover = smoothstep(1.15, 0.85, knot_radius)
    amount = cover * (np.float32(0.72) + np.float32(0.2) * rings)
    paint(surface, full_window, amount, (0.13, 0.062, 0.028))
    bark = coverage(np.abs(knot_radius - 1) - np.float32(0.07), 0.12)
    bark *= np.float32(defect_rng.uniform(0.5, 0.8))
    paint(surface, full_window, bark, (0.05, 0.028, 0.015), 0.02)
