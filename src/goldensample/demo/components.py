"""Layout of the circuit; solder and bodies of its components."""

from dataclasses import dataclass

import numpy as np

from goldensample.demo.canvas import Canvas, Surface, local_coordinates, paint, window
from goldensample.demo.letters import text_distances
from goldensample.records import Array
from goldensample.synthetic.fields import (
    Point,
    Random,
    box_distance,
    coverage,
    smooth_noise,
    smoothstep,
)


@dataclass(frozen=True, slots=True)
class Component:
    """A component: its kind ("chip", "resistor", "capacitor", "can"), middle and rotation."""

    kind: str
    middle: Point
    rotation: float = 0.0


UPRIGHT = float(np.pi / 2)
COMPONENTS = (
    Component("chip", (-52.0, -38.0)),
    Component("can", (82.0, -78.0)),
    Component("resistor", (28.0, -92.0), UPRIGHT),
    Component("resistor", (28.0, -40.0), UPRIGHT),
    Component("capacitor", (70.0, -12.0)),
    Component("capacitor", (112.0, -12.0)),
    Component("resistor", (-100.0, 46.0)),
    Component("resistor", (-52.0, 46.0)),
    Component("capacitor", (0.0, 46.0), UPRIGHT),
    Component("capacitor", (96.0, 46.0), UPRIGHT),
)
TRACES: tuple[tuple[Point, ...], ...] = (
    ((-94, -79), (-94, -112), (-120, -130)),
    ((-80, -79), (-80, -118), (0, -118), (28, -107)),
    ((-66, -79), (-66, -104), (-6, -104), (-6, -60), (28, -57)),
    ((-38, -79), (-38, -92), (10, -92), (10, -76), (28, -77)),
    ((28, -25), (28, -12), (55, -12)),
    ((85, -12), (97, -12)),
    ((127, -12), (132, 20), (132, 96), (122, 110)),
    ((-94, 3), (-94, 18), (-118, 30), (-118, 46)),
    ((-80, 3), (-80, 20), (-85, 46)),
    ((-66, 3), (-66, 22), (-68, 46)),
    ((-52, 3), (-52, 24), (-34, 36), (-34, 46)),
    ((-38, 3), (-38, 14), (0, 24), (0, 32)),
    ((-24, 3), (16, 12), (44, 26), (44, 96), (38, 110)),
    ((-10, 3), (60, 14), (96, 26), (96, 32)),
    ((-118, 46), (-118, 84), (-102, 96), (-102, 110)),
    ((-34, 46), (-34, 70), (-46, 84), (-46, 110)),
    ((0, 60), (0, 80), (-18, 92), (-18, 110)),
    ((96, 60), (96, 84), (94, 96), (94, 110)),
    ((68, -78), (52, -64), (52, -30), (70, -24)),
)
VIAS: tuple[Point, ...] = (
    (-120, -130), (52, -64), (70, 62), (22, 74), (-76, 82), (-128, 10),
    (124, -118), (-2, -130), (60, 90), (120, 74),
)  # fmt: skip
PADS: tuple[tuple[Point, Point], ...] = tuple(
    ((float(x), 122.0), (9.0, 15.0)) for x in (-102, -74, -46, -18, 10, 38, 66, 94, 122)
)
TEXTS = (
    ("R3", (7.0, -96.0), 9.0),
    ("R4", (8.0, -42.0), 9.0),
    ("C1", (70.0, 6.0), 9.0),
    ("C2", (110.0, 6.0), 9.0),
    ("R1", (-100.0, 64.0), 9.0),
    ("R2", (-54.0, 64.0), 9.0),
    ("C5", (22.0, 50.0), 9.0),
    ("C7", (74.0, 42.0), 9.0),
    ("U1", (-116.0, -52.0), 9.0),
    ("GS-2047", (62.0, -130.0), 9.0),
)
TIN, TIP = (0.46, 0.47, 0.48), (0.40, 0.40, 0.40)
BODY = {"resistor": (0.018, 0.018, 0.020), "capacitor": (0.34, 0.225, 0.12)}


def leg_position(number: float, side: float) -> Point:
    """Return the foot of a chip's leg, counted from the left; side -1 above, 1 below."""
    return -52.0 + (number - 3) * 14.0, -38.0 + side * 40.0


def _pads_of(part: Component) -> list[tuple[Point, Point]]:
    """Return middle and half size of each soldered pad in the component's axes."""
    if part.kind == "chip":
        positions = [leg_position(number, side) for number in range(7) for side in (-1.0, 1.0)]
        return [((x - part.middle[0], y - part.middle[1]), (3.6, 6.5)) for x, y in positions]
    if part.kind == "can":
        return [((-30.0, 0.0), (9.0, 6.0)), ((30.0, 0.0), (9.0, 6.0))]
    return [((-14.5, 0.0), (6.0, 8.0)), ((14.5, 0.0), (6.0, 8.0))]


def solder(canvas: Canvas, surface: Surface, part: Component, rng: Random) -> None:
    """Put tin on the pads of a component; each joint is shaped a little differently."""
    for middle, half in _pads_of(part):
        cos, sin = np.cos(part.rotation), np.sin(part.rotation)
        pad_middle = (
            float(part.middle[0] + middle[0] * cos - middle[1] * sin),
            float(part.middle[1] + middle[0] * sin + middle[1] * cos),
        )
        where = window(canvas, pad_middle, max(half) + 4)
        x, y = local_coordinates(canvas, where, pad_middle, part.rotation)
        distance = box_distance(x, y, half, 1.5)
        bulge = np.clip(-distance / np.float32(min(half)), 0, 1)
        wetting = 1 + np.float32(0.25) * smooth_noise(rng, x.shape, (9, 9))
        surface.height[where] += np.float32(rng.normal(2.0, 0.15)) * np.sqrt(bulge) * wetting
        paint(surface, where, coverage(distance), TIN, float(rng.normal(0.5, 0.04)))


def mount(
    canvas: Canvas, surface: Surface, part: Component, jitter: tuple[float, float, float]
) -> None:
    """Draw a component on its pads, moved and rotated by jitter (x, y, angle)."""
    middle = part.middle[0] + jitter[0], part.middle[1] + jitter[1]
    rotation = part.rotation + jitter[2]
    radius = {"chip": 66.0, "can": 36.0}.get(part.kind, 24.0)
    where = window(canvas, middle, radius)
    x, y = local_coordinates(canvas, where, middle, rotation)
    cos, sin = np.cos(rotation), np.sin(rotation)
    shadow_offset = (
        np.float32(3 * cos + 3 * sin),
        np.float32(3 * cos - 3 * sin),
    )  # shadow: to the lower right
    half = {"chip": (50.0, 29.0), "can": (27.0, 27.0)}.get(part.kind, (17.0, 8.5))
    round_px = 27.0 if part.kind == "can" else 1.5
    shadow = coverage(box_distance(x - shadow_offset[0], y - shadow_offset[1], half, round_px), 6.0)
    surface.colour[(slice(None), *where)] *= 1 - np.float32(0.6) * shadow
    if part.kind == "chip":
        _chip(canvas, surface, (x, y), middle)
    elif part.kind == "can":
        _can(surface, where, x, y)
    else:
        _small(canvas, surface, (where, x, y), (part, middle, rotation))


def block(surface: Surface, where: tuple[slice, slice], distance: Array, height_px: float) -> Array:
    """Raise a body with rounded edges above the surface; return its cover."""
    cover = coverage(distance)
    top = np.float32(height_px) * np.sqrt(np.clip(-distance / np.float32(2.5), 0.05, 1))
    surface.height[where] += cover * (top - surface.height[where])
    return cover


def _small(
    canvas: Canvas,
    surface: Surface,
    grid: tuple[tuple[slice, slice], Array, Array],
    pose: tuple[Component, Point, float],
) -> None:
    """Draw a resistor or a capacitor: a body between two tinned ends."""
    where, x, y = grid
    part, middle, rotation = pose
    cover = block(surface, where, box_distance(x, y, (17.0, 8.5), 1.2), 5.0)
    paint(surface, where, cover, TIN, 0.45)
    body = coverage(np.maximum(np.abs(x) - np.float32(11.5), np.abs(y) - np.float32(8.5)))
    paint(surface, where, body, BODY[part.kind], 0.08 if part.kind == "resistor" else 0.16)
    if part.kind == "resistor":
        for glyph_window, distance in text_distances(canvas, "103", middle, 7.5, rotation):
            paint(
                surface,
                glyph_window,
                coverage(distance - np.float32(0.6), 0.8),
                (0.62, 0.62, 0.62),
                0.05,
            )


def _can(surface: Surface, where: tuple[slice, slice], x: Array, y: Array) -> None:
    """Draw an electrolytic capacitor from above: aluminium with a black segment."""
    base = block(surface, where, box_distance(x, y, (27.0, 27.0), 6.0), 4.0)
    paint(surface, where, base, (0.02, 0.02, 0.022), 0.1)
    radius = np.hypot(x, y)
    cover = block(surface, where, radius - np.float32(24.5), 11.0)
    paint(surface, where, cover, (0.50, 0.51, 0.52), 0.28)
    surface.height[where] -= np.float32(1.2) * coverage(np.abs(radius - np.float32(20)) - 1, 2.0)
    black = coverage(np.maximum(radius - np.float32(18.5), x + np.float32(9)))
    paint(surface, where, black, (0.025, 0.025, 0.03), 0.06)


def _chip(canvas: Canvas, surface: Surface, grid: tuple[Array, Array], middle: Point) -> None:
    """Draw the integrated circuit: legs, moulded body, notch, pin mark, print."""
    x, y = grid
    where = window(canvas, middle, 66.0)
    leg_index = x / np.float32(14)
    inside = np.maximum(np.abs(x) - np.float32(46), np.abs(y) - np.float32(42))
    legs = np.maximum(
        np.abs(leg_index - np.rint(leg_index)) * np.float32(14) - np.float32(2.5), inside
    )
    cover = coverage(legs) * (np.abs(y) > 28)
    bend = smoothstep(44.0, 30.0, np.abs(y))
    surface.height[where] += cover * (
        np.float32(1.5) + np.float32(3) * bend - surface.height[where]
    )
    paint(surface, where, cover, (0.5, 0.5, 0.5), 0.5)
    body = block(surface, where, box_distance(x, y, (50.0, 29.0), 1.5), 8.0)
    paint(surface, where, body, (0.022, 0.022, 0.024), 0.07)
    mark = np.hypot(x + np.float32(41), y - np.float32(19)) - np.float32(3.2)
    surface.height[where] -= np.float32(0.9) * coverage(mark, 1.5)
    for text, offset, height_px in (("GS2047", (0.0, -8.0), 11.0), ("0815-3", (4.0, 11.0), 8.0)):
        text_middle = middle[0] + offset[0], middle[1] + offset[1]
        for glyph_window, distance in text_distances(canvas, text, text_middle, height_px):
            ink = coverage(distance - np.float32(0.6), 0.9)
            paint(surface, glyph_window, ink * np.float32(0.6), TIP)
