"""A planed oak board, its grain running across the picture; every board is another one."""

import numpy as np

from goldensample.demo import marks
from goldensample.demo.canvas import Canvas, Surface, blank, paint, place
from goldensample.demo.fields import FINE, Point, Random, cloud, coverage, layers, step
from goldensample.records import Array

SIZE_HW = (256, 320)
DEFECTS = ("crack", "scratch", "dent", "knot", "worm_hole", "stain")
EARLY, LATE = (0.50, 0.315, 0.165), (0.335, 0.185, 0.082)


def draw(random: Random, defect: str | None, flaw: Random) -> Surface:
    """Draw one board."""
    canvas = place(random, SIZE_HW, 6.0, 0.04, 0.03)
    spot = float(flaw.uniform(-115, 115)), float(flaw.uniform(-88, 88))
    bulge, eye = np.zeros(canvas.shape_hw, np.float32), np.zeros(canvas.shape_hw, np.float32)
    if defect == "knot":
        bulge, eye = _knot(canvas, flaw, spot)
    surface = _board(canvas, random, bulge)
    if defect == "knot":
        _paint_knot(canvas, surface, eye, flaw)
    elif defect is not None:
        _harm(canvas, surface, (defect, spot), flaw)
    return surface


def _board(canvas: Canvas, random: Random, bulge: Array) -> Surface:
    """Cut rings lengthwise: early wood pale, late wood dark, pores as short dark lines."""
    shape = canvas.shape_hw
    surface = blank(shape, EARLY, 0.05, 14.0)
    heart = float(random.uniform(-70, 70)), float(random.uniform(25, 90))
    lean = np.float32(random.uniform(0.03, 0.16) * random.choice([-1, 1]))
    wave = np.float32(3.0) * cloud(random, shape, (70, 260)) + bulge
    depth = np.float32(heart[1]) + lean * canvas.x
    ring = np.hypot(canvas.y - np.float32(heart[0]) + wave, depth)
    ring = ring / np.float32(random.uniform(12, 16)) + np.float32(0.35) * cloud(
        random, shape, (60, 400)
    )
    phase = ring - np.floor(ring)
    late = step(0.15, 0.86, phase) * step(1.0, 0.93, phase)
    streak = cloud(random, shape, (1.6, 70)) * np.float32(0.6)
    streak += cloud(random, shape, (5, 130)) * np.float32(0.5)
    pores = step(1.0, 1.7, cloud(random, shape, (2.0, 26))) * (1 - np.float32(0.6) * late)
    early, dark = (np.asarray(tone, np.float32)[:, None, None] for tone in (EARLY, LATE))
    warmth = np.array(random.normal(1, 0.012, 3) * random.normal(1, 0.04), np.float32)
    colour = early + np.float32(0.8) * late * (dark - early)
    colour *= 1 + np.float32(0.07) * streak
    colour *= 1 - pores * np.array([0.36, 0.44, 0.50], np.float32)[:, None, None]
    colour *= 1 + np.float32(0.04) * layers(random, shape, 160, 2)
    surface.colour[:] = colour * warmth[:, None, None]
    surface.height[:] = (
        np.float32(0.06) * streak - np.float32(0.30) * pores + np.float32(0.1) * late
    )
    surface.gloss[:] *= 1 - np.float32(0.5) * pores
    return surface


def _harm(canvas: Canvas, surface: Surface, fault: tuple[str, Point], flaw: Random) -> None:
    kind, spot = fault
    if kind == "crack":
        start = (min(spot[0], 60.0), spot[1])
        marks.crack(canvas, surface, flaw, start, float(flaw.normal(0, 0.08)), (0.05, 0.03, 0.015))
    elif kind == "scratch":
        angle = float(flaw.uniform(0.4, 2.7))
        marks.scratch(canvas, surface, flaw, spot, angle, (0.62, 0.46, 0.30))
    elif kind == "dent":
        marks.dent(canvas, surface, flaw, spot, float(flaw.uniform(5, 9)))
    elif kind == "stain":
        marks.stain(canvas, surface, flaw, spot, ((0.50, 0.47, 0.52), 0.7))
    else:
        _worm_holes(canvas, surface, flaw, spot)


def _worm_holes(canvas: Canvas, surface: Surface, flaw: Random, spot: Point) -> None:
    """Drill a few small round holes with pale dust at their rims."""
    for _ in range(int(flaw.integers(2, 5))):
        middle = spot[0] + float(flaw.normal(0, 10)), spot[1] + float(flaw.normal(0, 8))
        where, distance = marks.blob(canvas, flaw, middle, float(flaw.uniform(1.7, 2.9)), 0.3)
        rim = coverage(np.abs(distance - np.float32(0.7)) - np.float32(0.5), 1.0)
        paint(surface, where, rim * np.float32(0.5), (0.62, 0.45, 0.28))
        paint(surface, where, coverage(distance, 0.8) * np.float32(0.95), (0.03, 0.018, 0.01), 0.0)


def _knot(canvas: Canvas, flaw: Random, spot: Point) -> tuple[Array, Array]:
    """Return how far a knot pushes the rings, and the place in it (0 its heart, 1 its rim)."""
    radius = float(flaw.uniform(7, 12))
    x, y = canvas.x - np.float32(spot[0]), canvas.y - np.float32(spot[1])
    rough = 1 + np.float32(0.12) * cloud(flaw, x.shape, (radius * FINE, radius * FINE))
    eye = np.hypot(x / np.float32(1.25), y) / radius * rough
    reach = np.exp(-(x * x) / (radius * radius * 3) - (y * y) / (radius * radius * 3))
    fade = step(0.015, 0.06, reach)  # nothing moves far away
    aside = np.sign(y) * step(0, 1, np.abs(y) / radius)
    return -0.6 * radius * aside * reach * fade, eye


def _paint_knot(canvas: Canvas, surface: Surface, eye: Array, flaw: Random) -> None:
    whole = (slice(0, canvas.shape_hw[0]), slice(0, canvas.shape_hw[1]))
    rings = np.float32(0.5) + np.float32(0.5) * np.sin(eye * np.float32(16))
    cover = step(1.15, 0.85, eye)
    amount = cover * (np.float32(0.72) + np.float32(0.2) * rings)
    paint(surface, whole, amount, (0.13, 0.062, 0.028))
    bark = coverage(np.abs(eye - 1) - np.float32(0.07), 0.12)
    paint(surface, whole, bark * np.float32(flaw.uniform(0.5, 0.8)), (0.05, 0.028, 0.015), 0.02)
