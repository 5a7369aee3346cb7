"""A kit of loose components in a tray of four compartments: its defects are logical ones.

Every place in a defective picture looks like some place of a good one; what differs is what there
is, and where: a part missing, one too many, two in each other's compartment, a lead cut off.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.demo import components
from goldensample.demo.canvas import (
    Canvas,
    Surface,
    blank,
    local_coordinates,
    paint,
    random_canvas,
    window,
)
from goldensample.demo.components import TIN, Component
from goldensample.synthetic.fields import (
    Point,
    Random,
    box_distance,
    coverage,
    segment_distance,
    smooth_noise,
    smoothstep,
)

SIZE_HW = (288, 288)
DEFECTS = ("missing", "extra", "swapped", "cut_lead")
FOAM, WALL = (0.075, 0.082, 0.095), (0.20, 0.21, 0.23)
WALL_XY = (-8.0, 6.0)
"""Where the two walls between the compartments cross."""
BANDS = (
    (0.30, 0.03, 0.02), (0.35, 0.14, 0.02), (0.02, 0.10, 0.04),
    (0.02, 0.04, 0.22), (0.06, 0.025, 0.01), (0.02, 0.02, 0.02),
)  # fmt: skip
LEAD_PX, STUMP_PX = 46.0, 21.0
"""How far the leads of a resistor reach from its middle, whole and cut off at the body."""


@dataclass(frozen=True, slots=True)
class Compartment:
    """A compartment: what it holds, and the places where that may lie; one stays empty at least.

    Args:
        kind: of its components.
        count: how many of them.
        places: middles of the places.
    """

    kind: str
    count: int
    places: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Lying:
    """A component in the tray: kind, middle, turn in radians, value in [0, 1), whether cut."""

    kind: str
    middle: Point
    turn: float
    value: float
    is_cut: bool = False


COMPARTMENTS = (
    Compartment("resistor", 3, tuple((-73.0, float(y)) for y in (-114, -84, -54, -24))),
    Compartment("can", 2, ((34.0, -100.0), (34.0, -33.0), (101.0, -100.0), (101.0, -33.0))),
    Compartment(
        "capacitor", 4, tuple((x, y) for x in (-108.0, -43.0) for y in (34.0, 73.0, 112.0))
    ),
    Compartment("transistor", 3, ((32.0, 40.0), (32.0, 105.0), (102.0, 40.0), (102.0, 105.0))),
)


def draw(rng: Random, defect: str | None, defect_rng: Random) -> Surface:
    """Draw one kit."""
    canvas = random_canvas(rng, SIZE_HW, 3.0, 0.015, 0.006)
    surface = _tray(canvas, rng)
    filled, free = _lay(rng)
    for lying in _damage(filled, free, defect, defect_rng):
        _draw_lying(canvas, surface, lying)
    return surface


def _lay(rng: Random) -> tuple[list[list[Lying]], list[list[Lying]]]:
    """Draw what lies in each compartment, and what could lie in its empty places."""
    filled, free = [], []
    for compartment in COMPARTMENTS:
        order = rng.permutation(len(compartment.places))
        lying = [_drop(rng, compartment.kind, compartment.places[place]) for place in order]
        filled.append(lying[: compartment.count])
        free.append(lying[compartment.count :])
    return filled, free


def _drop(rng: Random, kind: str, place: Point) -> Lying:
    """Drop a component near a place; the long resistors lie across, the others in any turn."""
    is_long = kind == "resistor"
    dx, dy = rng.uniform(-1, 1, 2) * ((7.0, 3.0) if is_long else (5.0, 4.0))
    turn = rng.uniform(-0.1, 0.1) + np.pi * rng.integers(2) if is_long else rng.uniform(-3.1, 3.1)
    return Lying(kind, (place[0] + dx, place[1] + dy), float(turn), float(rng.uniform()))


def _damage(
    filled: list[list[Lying]], free: list[list[Lying]], defect: str | None, defect_rng: Random
) -> list[Lying]:
    """Return what lies in the tray after a defect."""
    first, second = (int(index) for index in defect_rng.permutation(len(filled))[:2])
    kit = [list(lying) for lying in filled]
    if defect == "missing":
        kit[first].pop()
    elif defect == "extra":
        kit[first].append(free[first][0])
    elif defect == "swapped":
        first, second = (1 + index for index in defect_rng.permutation(3)[:2])
        one, other = kit[first][-1], kit[second][-1]
        kit[first][-1] = Lying(other.kind, one.middle, other.turn, other.value)
        kit[second][-1] = Lying(one.kind, other.middle, one.turn, one.value)
    elif defect == "cut_lead":
        cut = kit[0][-1]
        kit[0][-1] = Lying(cut.kind, cut.middle, cut.turn, cut.value, is_cut=True)
    return [lying for compartment in kit for lying in compartment]


def _tray(canvas: Canvas, rng: Random) -> Surface:
    """Draw dark foam between walls."""
    shape = canvas.shape_hw
    surface = blank(shape, FOAM, 0.03, 10.0)
    pores = smooth_noise(rng, shape, (4, 4))
    surface.colour[:] *= 1 + np.float32(0.10) * pores
    surface.height[:] = np.float32(0.12) * pores
    walls = [np.abs(canvas.x - np.float32(WALL_XY[0])), np.abs(canvas.y - np.float32(WALL_XY[1]))]
    walls += [np.float32(141) - np.abs(canvas.x), np.float32(141) - np.abs(canvas.y)]
    distance = np.minimum.reduce(walls) - np.float32(3)
    everywhere = slice(None), slice(None)
    surface.colour[:] *= 1 - np.float32(0.3) * smoothstep(7.0, 0.0, distance)
    surface.height[:] += np.float32(5) * coverage(distance, 3.0)
    paint(surface, everywhere, coverage(distance), WALL, 0.08)
    return surface


def _draw_lying(canvas: Canvas, surface: Surface, lying: Lying) -> None:
    if lying.kind in ("can", "capacitor"):
        part = Component(lying.kind, lying.middle, lying.turn)
        components.mount(canvas, surface, part, (0.0, 0.0, 0.0))
    elif lying.kind == "resistor":
        _resistor(canvas, surface, lying)
    else:
        _transistor(canvas, surface, lying)


def _lead(canvas: Canvas, surface: Surface, lying: Lying, ends: tuple[Point, Point]) -> None:
    """Draw a tinned wire between two points in the component's axes, with its shadow."""
    where = window(canvas, lying.middle, LEAD_PX + 8)
    x, y = local_coordinates(canvas, where, lying.middle, lying.turn)
    cos, sin = np.float32(np.cos(lying.turn)), np.float32(np.sin(lying.turn))
    drop = np.float32(1.6)
    shade = segment_distance(x - drop * (cos + sin), y - drop * (cos - sin), *ends)[0]
    shadow = coverage(shade - np.float32(1.8), 3.0)
    surface.colour[(slice(None), *where)] *= 1 - np.float32(0.5) * shadow
    distance = segment_distance(x, y, *ends)[0] - np.float32(1.7)
    cover = coverage(distance)
    top = np.float32(3.5) * np.sqrt(np.clip(-distance / np.float32(1.7), 0.05, 1))
    surface.height[where] += cover * (top - surface.height[where])
    paint(surface, where, cover, TIN, 0.5)


def _resistor(canvas: Canvas, surface: Surface, lying: Lying) -> None:
    """Draw a resistor with two leads and three coloured bands, which tell its value."""
    right = STUMP_PX if lying.is_cut else LEAD_PX
    _lead(canvas, surface, lying, ((-LEAD_PX, 0.0), (right, 0.0)))
    where = window(canvas, lying.middle, 28.0)
    x, y = local_coordinates(canvas, where, lying.middle, lying.turn)
    ends = box_distance(np.abs(x) - np.float32(13), y, (5.5, 8.0), 4.0)
    distance = np.minimum(ends, box_distance(x, y, (13.0, 6.5), 2.0))
    cover = components.block(surface, where, distance, 7.0)
    paint(surface, where, cover, (0.46, 0.36, 0.22), 0.12)
    digits = int(lying.value * len(BANDS) ** 3)
    for number, offset in enumerate((-12.0, -3.5, 3.0)):
        colour = BANDS[digits // len(BANDS) ** number % len(BANDS)]
        band = np.maximum(np.abs(x - np.float32(offset)) - np.float32(1.8), distance)
        paint(surface, where, coverage(band), colour, 0.12)


def _transistor(canvas: Canvas, surface: Surface, lying: Lying) -> None:
    """Draw a transistor that lies on its flat side: a black body and three leads."""
    for offset in (-6.5, 0.0, 6.5):
        _lead(canvas, surface, lying, ((offset, -4.0), (offset * 1.25, 27.0)))
    where = window(canvas, lying.middle, 34.0)
    x, y = local_coordinates(canvas, where, lying.middle, lying.turn)
    cover = components.block(
        surface, where, box_distance(x, y + np.float32(13), (12.5, 12.0), 2.5), 8.0
    )
    paint(surface, where, cover, (0.022, 0.022, 0.024), 0.09)
    face = box_distance(x, y + np.float32(15), (8.5, 7.0), 1.0)
    paint(surface, where, coverage(face), (0.05, 0.05, 0.052), 0.05)
