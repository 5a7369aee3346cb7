"""A fragment of a printed circuit: traces, vias, gold fingers, a chip and small components."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goldensample.demo import components, marks
from goldensample.demo.canvas import Canvas, Surface, blank, paint, random_canvas, window
from goldensample.demo.components import COMPONENTS, PADS, TEXTS, TRACES, VIAS
from goldensample.demo.letters import text_distances
from goldensample.synthetic.fields import (
    Point,
    Random,
    box_distance,
    coverage,
    fractal_noise,
    segment_distance,
    smooth_noise,
)

SIZE_HW = (288, 288)
DEFECTS = ("missing", "shifted", "cut_trace", "bridge", "scratch", "lint", "flux")
GOLD, TIN = (0.62, 0.47, 0.20), (0.46, 0.47, 0.48)


Cut = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class AssemblyFault:
    """An assembly fault: a component missing, or misplaced by (dx, dy, rotation)."""

    absent: int = -1
    moved: int = -1
    shift: tuple[float, float, float] = (0.0, 0.0, 0.0)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one board."""
    canvas = random_canvas(rng, SIZE_HW, 3.5, 0.02, 0.008)
    fault = _fault(defect, defect_rng)
    cut = _random_cut(defect_rng) if defect == "cut_trace" else None
    surface = _board(canvas, rng, cut)
    for index, part in enumerate(COMPONENTS):
        jitter = rng.normal(0, (0.45, 0.45, 0.012))
        if index == fault.moved:
            jitter = jitter + np.asarray(fault.shift)
        components.solder(canvas, surface, part, rng)
        if index != fault.absent:
            components.mount(
                canvas, surface, part, (float(jitter[0]), float(jitter[1]), float(jitter[2]))
            )
    if defect == "bridge":
        _bridge(canvas, surface, defect_rng)
    elif defect in ("scratch", "lint", "flux"):
        _add_surface_defect(canvas, surface, defect, defect_rng)
    return surface


def _fault(defect: str | None, defect_rng: Random) -> AssemblyFault:
    movable = [index for index, part in enumerate(COMPONENTS) if part.kind != "chip"]
    index = int(defect_rng.choice(movable))
    if defect == "missing":
        return AssemblyFault(absent=index)
    if defect == "shifted":
        shift = defect_rng.uniform(2.5, 5, 2) * defect_rng.choice([-1, 1], 2)
        rotation = defect_rng.uniform(0.12, 0.45) * defect_rng.choice([-1, 1])
        return AssemblyFault(moved=index, shift=(float(shift[0]), float(shift[1]), float(rotation)))
    return AssemblyFault()


def _random_cut(defect_rng: Random) -> Cut:
    """Draw a point on the longest segment of a trace, and the radius of a gap."""
    points = TRACES[int(defect_rng.integers(len(TRACES)))]
    legs = list(pairwise(points))
    (ax, ay), (bx, by) = max(
        legs, key=lambda leg: abs(leg[0][0] - leg[1][0]) + abs(leg[0][1] - leg[1][1])
    )
    share = float(defect_rng.uniform(0.3, 0.7))
    return ax + share * (bx - ax), ay + share * (by - ay), float(defect_rng.uniform(3.0, 5.0))


def _board(canvas: Canvas, rng: Random, cut: Cut | None) -> Surface:
    shape = canvas.shape_hw
    surface = blank(shape, (0.012, 0.085, 0.045), 0.10, 40.0)
    glass = smooth_noise(rng, shape, (9, 3)) + smooth_noise(rng, shape, (3, 9))
    surface.colour[:] *= (
        1 + np.float32(0.035) * glass + np.float32(0.04) * fractal_noise(rng, shape, 150, 2)
    )
    surface.height[:] = np.float32(0.03) * smooth_noise(rng, shape, (5, 5))
    for points in TRACES:
        _trace(canvas, surface, points, cut)
    for middle in VIAS:
        _via(canvas, surface, middle)
    for middle, half in PADS:
        _pad(canvas, surface, middle, half)
    for text, middle, height_px in TEXTS:
        for where, distance in text_distances(canvas, text, middle, height_px):
            ink = coverage(distance - np.float32(0.75), 0.9)
            surface.height[where] += np.float32(0.15) * ink
            paint(surface, where, ink * np.float32(0.9), (0.72, 0.73, 0.70), 0.05)
    return surface


def _trace(canvas: Canvas, surface: Surface, points: tuple[Point, ...], cut: Cut | None) -> None:
    """Draw a trace leg by leg; around a cut of it (x, y, radius) there is no copper."""
    if cut is not None and not _lies_on(points, cut):
        cut = None
    for start, end in pairwise(points):
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        radius = max(abs(start[0] - end[0]), abs(start[1] - end[1])) / 2 + 5
        where = window(canvas, middle, radius)
        x, y = canvas.x[where], canvas.y[where]
        distance = segment_distance(x, y, start, end)[0] - np.float32(1.9)
        if cut is not None:
            gap = np.hypot(x - np.float32(cut[0]), y - np.float32(cut[1])) - np.float32(cut[2])
            distance = np.maximum(distance, -gap)
        height = surface.height[where]
        height[:] = np.maximum(height, np.float32(0.8) * coverage(distance, 2.2))
        paint(surface, where, coverage(distance, 1.0), (0.035, 0.20, 0.085))


def _lies_on(points: tuple[Point, ...], cut: Cut) -> bool:
    x, y = np.full((1, 1), cut[0], np.float32), np.full((1, 1), cut[1], np.float32)
    return any(float(segment_distance(x, y, *leg)[0][0, 0]) < 0.1 for leg in pairwise(points))


def _via(canvas: Canvas, surface: Surface, middle: Point) -> None:
    where = window(canvas, middle, 7)
    radius = np.hypot(
        canvas.x[where] - np.float32(middle[0]), canvas.y[where] - np.float32(middle[1])
    )
    ring = coverage(radius - np.float32(4.6))
    surface.height[where] += np.float32(0.6) * coverage(radius - np.float32(4.6), 1.5)
    paint(surface, where, ring, GOLD, 0.5)
    paint(surface, where, coverage(radius - np.float32(1.9)), (0.012, 0.012, 0.012), 0.0)


def _pad(canvas: Canvas, surface: Surface, middle: Point, half: Point) -> None:
    where = window(canvas, middle, max(half) + 4)
    x, y = canvas.x[where] - np.float32(middle[0]), canvas.y[where] - np.float32(middle[1])
    distance = box_distance(x, y, half, 1.5)
    surface.height[where] += np.float32(0.6) * coverage(distance, 1.6)
    paint(surface, where, coverage(distance), GOLD, 0.45)


def _bridge(canvas: Canvas, surface: Surface, defect_rng: Random) -> None:
    """Join two neighbouring legs of the chip by a bead of solder."""
    number, side = int(defect_rng.integers(6)), float(defect_rng.choice([-1, 1]))
    middle = components.leg_position(number + 0.5, side)
    where, distance = marks.blob_distance(
        canvas, defect_rng, middle, float(defect_rng.uniform(5.0, 6.5)), 0.35
    )
    bead = np.clip(-distance / np.float32(4), 0, 1)
    surface.height[where] += np.float32(3) * np.sqrt(bead)
    paint(surface, where, coverage(distance), TIN, 0.6)


def _random_point(defect_rng: Random) -> Point:
    return float(defect_rng.uniform(-105, 105)), float(defect_rng.uniform(-105, 105))


def _add_surface_defect(canvas: Canvas, surface: Surface, defect: str, defect_rng: Random) -> None:
    if defect == "scratch":
        angle = float(defect_rng.uniform(0, 2 * np.pi))
        marks.scratch(
            canvas, surface, defect_rng, _random_point(defect_rng), angle, (0.30, 0.34, 0.22)
        )
    elif defect == "lint":
        marks.fibre(canvas, surface, defect_rng, _random_point(defect_rng), (0.6, 0.6, 0.62))
    else:
        _flux(canvas, surface, defect_rng)


def _flux(canvas: Canvas, surface: Surface, defect_rng: Random) -> None:
    """Leave a film of amber resin, darker at its rim, near a joint."""
    part = COMPONENTS[int(defect_rng.integers(len(COMPONENTS)))]
    offset = defect_rng.uniform(14, 24, 2) * defect_rng.choice([-1, 1], 2)
    middle = part.middle[0] + float(offset[0]), part.middle[1] + float(offset[1])
    where, distance = marks.blob_distance(
        canvas, defect_rng, middle, float(defect_rng.uniform(8, 14)), 0.6
    )
    film = coverage(distance, 2.5)
    rim = np.exp(-(((distance + np.float32(1.5)) / np.float32(1.3)) ** 2))
    amount = film * (np.float32(defect_rng.uniform(0.35, 0.5)) + np.float32(0.3) * rim)
    paint(surface, where, amount, (0.15, 0.095, 0.03), 0.2)
