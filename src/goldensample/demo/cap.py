"""A moulded plastic cap seen from above: knurled rim, raised ring, embossed letters, gate mark."""

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
from goldensample.demo.fields import Point, Random, cloud, coverage, layers, step
from goldensample.demo.letters import write
from goldensample.records import Array

SIZE_HW = (256, 256)
DEFECTS = ("scratch", "short_shot", "specks", "missing_letter", "burn", "flash")
RIM_PX, FACE_PX, RING_PX = 104.0, 88.0, 78.0
SIGNS = "PUSHTURN"  # along the ring, four above and four below
GROUND = (0.62, 0.63, 0.62)


def draw(random: Random, defect: str | None, flaw: Random) -> Surface:
    """Draw one cap."""
    canvas = place(random, SIZE_HW, 4.0, 0.10, 0.015)
    surface = _table(canvas, random)
    table, outline = surface.colour.copy(), _outline(canvas)
    if defect == "flash":
        _flash(canvas, surface, outline, flaw)
    _body(canvas, surface, random, outline)
    absent = int(flaw.integers(len(SIGNS))) if defect == "missing_letter" else -1
    _emboss(canvas, surface, random, absent)
    if defect == "short_shot":
        _short_shot(canvas, surface, table, outline, flaw)
    elif defect in ("scratch", "specks", "burn"):
        before = copy(surface)
        _harm(canvas, surface, defect, flaw)
        confine(surface, before, coverage(outline))
    return surface


def _table(canvas: Canvas, random: Random) -> Surface:
    surface = blank(canvas.shape_hw, GROUND, 0.03, 10.0)
    surface.colour[:] *= 1 + np.float32(0.02) * layers(random, canvas.shape_hw, 120, 3)
    down = np.hypot(canvas.x - 5, canvas.y - 6) - np.float32(RIM_PX)
    surface.colour[:] *= 1 - np.float32(0.6) * step(12.0, -6.0, down)
    return surface


def _outline(canvas: Canvas) -> Array:
    """Return the signed distance to the knurled border, negative inside."""
    around = np.arctan2(canvas.y, canvas.x)
    knurl = np.float32(1.5) * np.abs(np.sin(around * np.float32(36)))
    return np.hypot(canvas.x, canvas.y) - np.float32(RIM_PX) - knurl


def _body(canvas: Canvas, surface: Surface, random: Random, outline: Array) -> None:
    shape = canvas.shape_hw
    radius = np.hypot(canvas.x, canvas.y)
    knurl = np.abs(np.sin(np.arctan2(canvas.y, canvas.x) * np.float32(36)))
    side = step(FACE_PX, FACE_PX + 5, radius)
    height = np.float32(13) * np.sqrt(np.clip(-outline / np.float32(20), 0, 1)) * side
    height += np.float32(13) * np.sqrt(np.float32(0.9)) * (1 - side)
    height += side * np.float32(1.6) * knurl
    height += np.float32(1.3) * coverage(np.abs(radius - np.float32(RING_PX)) - 1, 3.0)
    height -= np.float32(1.6) * np.exp(-((radius / np.float32(3.2)) ** 2))
    height += np.float32(0.055) * cloud(random, shape, (2.2, 2.2))  # the mould's eroded finish
    height += np.float32(0.5) * cloud(random, shape, (130, 130))  # sink
    cover = coverage(outline)
    surface.height[:] = np.where(outline < 0, height, surface.height)
    plastic = np.array([0.045, 0.13, 0.36], np.float32) * np.float32(random.normal(1, 0.03))
    tone = plastic[:, None, None] * (1 + np.float32(0.025) * layers(random, shape, 100, 2))
    surface.colour[:] += cover * (tone - surface.colour)
    surface.gloss[:] += cover * (np.float32(0.26) - surface.gloss)


def _letter_places() -> list[tuple[str, Point, float]]:
    """Return each sign of the ring with its middle and the angle it is turned by."""
    places = []
    for index, sign in enumerate(SIGNS):
        above = index < 4
        turn = (index % 4 - 1.5) * 0.36 * (1 if above else -1)
        angle = turn - np.pi / 2 if above else turn + np.pi / 2
        middle = (float(56 * np.cos(angle)), float(56 * np.sin(angle)))
        places.append((sign, middle, turn))
    return places


def _emboss(canvas: Canvas, surface: Surface, random: Random, absent: int) -> None:
    wear = np.float32(random.normal(1.9, 0.08))
    for index, (sign, middle, turn) in enumerate(_letter_places()):
        if index != absent:
            for where, distance in write(canvas, sign, middle, 19.0, turn):
                surface.height[where] += wear * coverage(distance - np.float32(1.4), 1.6)
    for text, middle in (("38-400", (0.0, 19.0)), ("PP", (0.0, -19.0))):
        for where, distance in write(canvas, text, middle, 9.0):
            fine = coverage(distance - np.float32(0.8), 1.2)
            surface.height[where] += wear * np.float32(0.7) * fine


def _on_disc(flaw: Random, low_px: float, high_px: float) -> Point:
    angle, radius = float(flaw.uniform(0, 2 * np.pi)), float(flaw.uniform(low_px, high_px))
    return float(radius * np.cos(angle)), float(radius * np.sin(angle))


def _harm(canvas: Canvas, surface: Surface, defect: str, flaw: Random) -> None:
    if defect == "scratch":
        angle = float(flaw.uniform(0, 2 * np.pi))
        marks.scratch(canvas, surface, flaw, _on_disc(flaw, 0, 70), angle, (0.38, 0.46, 0.62))
    elif defect == "specks":
        marks.specks(canvas, surface, flaw, _on_disc(flaw, 0, 75), (0.01, 0.01, 0.01))
    else:
        tone = ((1.5, 0.75, 0.35), 0.6)
        marks.stain(canvas, surface, flaw, _on_disc(flaw, 25, 88), tone)


def _short_shot(
    canvas: Canvas, surface: Surface, table: Array, outline: Array, flaw: Random
) -> None:
    """Leave the border unfilled at one place, its lip rounded."""
    middle, radius = _on_disc(flaw, RIM_PX - 2, RIM_PX + 5), float(flaw.uniform(9, 17))
    where, distance = marks.blob(canvas, flaw, middle, radius, 0.35)
    lip = step(5.0, 0.0, distance) * coverage(outline[where])
    surface.height[where] -= np.float32(2.5) * lip
    gone = coverage(distance)
    surface.height[where] *= 1 - gone
    target = surface.colour[(slice(None), *where)]
    target += gone * (table[(slice(None), *where)] - target)
    surface.gloss[where] += gone * (np.float32(0.03) - surface.gloss[where])


def _flash(canvas: Canvas, surface: Surface, outline: Array, flaw: Random) -> None:
    """Let a thin skin of plastic stand out of the border."""
    middle, reach = _on_disc(flaw, RIM_PX, RIM_PX), float(flaw.uniform(14, 26))
    where = window(canvas, middle, reach + 4)
    x, y = local(canvas, where, middle)
    swell = np.clip(1 - np.hypot(x, y) / np.float32(reach), 0, 1)
    ragged = 1 + np.float32(0.35) * cloud(flaw, x.shape, (7, 7))
    skin = coverage(outline[where] - np.float32(9) * swell * ragged)
    paint(surface, where, skin * np.float32(0.85), (0.09, 0.20, 0.45), 0.15)
    surface.height[where] += np.float32(0.6) * skin
