"""Figures of synthetic defects: what is found by size and contrast, and where on the part."""

from collections.abc import Mapping, Sequence

import numpy as np

from goldensample.locales.language import gettext
from goldensample.qualification.paper import Figure, Shape
from goldensample.records import Array
from goldensample.regions.contours import outlines
from goldensample.report.words import number

WIDTH, CELL, LEFT, TOP = 480.0, 15.0, 30.0, 24.0
BLOCKS = 48
"""Blocks along the longer side of the picture whose outline is drawn."""

TWO_KINDS = 0.75
"""Share of the variance between dark and bright, below which a picture is all texture."""

Counts = tuple[int, int]
"""Found, and drawn."""


def grid_figure(
    cells: Mapping[str, Sequence[Sequence[Counts]]],
    sizes: Sequence[float],
    contrasts: Sequence[float],
    unit: str,
) -> Figure:
    """Draw a square of sizes, across, and contrasts, up, for each kind; the darker, the more found.

    Args:
        cells: by the name of the kind, rows of contrasts, from the faintest, of sizes.
        sizes: of the columns.
        contrasts: of the rows.
        unit: of the sizes.
    """
    side, shapes = CELL * len(sizes), list[Shape]()
    step = (WIDTH - LEFT) / len(cells)
    bottom = TOP + side
    for place, (kind, rows) in enumerate(cells.items()):
        left = LEFT + place * step
        shapes.append(Shape("text", [(left + side / 2, TOP - 8)], "axis", kind))
        for up, row in enumerate(rows):
            for across, (found, drawn) in enumerate(row):
                box = left + across * CELL, bottom - (up + 1) * CELL, CELL, CELL
                shapes += _cell(box, "found", found / drawn) if drawn else []
        shapes.append(_frame((left, TOP, side, side)))
        for across, anchor in ((0, "start"), (len(sizes) - 1, "end")):
            at = left + (0 if anchor == "start" else side), bottom + 14
            shapes.append(Shape("text", [at], "axis", number(sizes[across]), anchor))
    for up, contrast in enumerate(contrasts):
        at = LEFT - 5, bottom - up * CELL - 4
        shapes.append(Shape("text", [at], "axis", f"{contrast:g}", "end"))
    label = gettext(
        "across: size in %(unit)s; up: contrast in grey levels of 255; white: none found"
    ) % {"unit": unit}
    shapes.append(Shape("text", [(WIDTH - 12, bottom + 32)], "axis", label, "end"))
    title = gettext("Synthetic defects found, by kind, size and contrast")
    return Figure(title, WIDTH, bottom + 42, shapes)


def blind_figure(zones: Array, model: Array, seen: Array, blind: Array) -> Figure:
    """Draw the part's outline over the share of defects that was missed in each zone.

    Args:
        zones: (rows, columns, 2) int, found and drawn.
        model: (H, W, 3) uint8, a good picture, of which only the outline is drawn.
        seen: (H, W) bool, what is looked at of it.
        blind: (rows, columns) bool, where less is found than elsewhere; framed.
    """
    top, left, height, width = _box(seen)
    scale = min(WIDTH / width, 190.0 / height)
    start = (WIDTH - width * scale) / 2, 10.0
    cell = width * scale / zones.shape[1], height * scale / zones.shape[0]
    shapes, frames = list[Shape](), list[Shape]()
    for row, column in np.ndindex(zones.shape[:2]):
        found, drawn = zones[row, column].tolist()
        box = start[0] + column * cell[0], start[1] + row * cell[1], *cell
        shapes += _cell(box, "missed", 0.75 * (1 - found / drawn)) if drawn else []
        if drawn:
            middle = box[0] + cell[0] / 2, box[1] + cell[1] / 2 + 4
            frames.append(Shape("text", [middle], "axis", f"{found}/{drawn}"))
        if blind[row, column]:
            frames.append(_frame(box))
    for loop in _outline(model[top : top + height, left : left + width]):
        points = [(start[0] + x * scale, start[1] + y * scale) for y, x in loop.tolist()]
        shapes.append(Shape("line", [*points, points[0]], "curve"))
    bottom = start[1] + height * scale
    label = gettext("found of those drawn; darker: more are missed; framed: more than by chance")
    frames.append(Shape("text", [(WIDTH / 2, bottom + 16)], "axis", label))
    title = gettext("Where on the part synthetic defects are missed")
    return Figure(title, WIDTH, bottom + 26, [*shapes, *frames])


def _cell(box: tuple[float, ...], style: str, share: float) -> list[Shape]:
    """Return an area of so much colour; none is nothing to draw."""
    return [Shape("area", _corners(box), style, share=share)] if share else []


def _frame(box: tuple[float, ...]) -> Shape:
    corners = _corners(box)
    return Shape("line", [*corners, corners[0]], "limit")


def _corners(box: tuple[float, ...]) -> list[tuple[float, float]]:
    x, y, width, height = box
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _box(seen: Array) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of what is True."""
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    return (
        int(rows[0]),
        int(columns[0]),
        int(rows[-1] - rows[0] + 1),
        int(columns[-1] - columns[0] + 1),
    )


def _outline(pixels: Array) -> list[Array]:
    """Return the larger contours of a picture, (k, 2) rows and columns, midway of its values; none
    of a texture, whose values are not of two kinds."""
    height, width = pixels.shape[:2]
    block = max(1, -(-max(height, width) // BLOCKS))
    grey = np.pad(pixels.mean(axis=2), ((0, -height % block), (0, -width % block)), "edge")
    rows, columns = grey.shape[0] // block, grey.shape[1] // block
    coarse = grey.reshape(rows, block, columns, block).mean(axis=(1, 3))
    middle = float(np.quantile(coarse, (0.05, 0.95)).mean())
    above = coarse > middle
    if not above.any() or _apart(coarse, above) < TWO_KINDS:
        return []
    loops = outlines(coarse, middle, block, (height, width))
    return [loop for loop in loops if np.ptp(loop, axis=0).max() > max(height, width) / 8]


def _apart(values: Array, above: Array) -> float:
    """Return the share of the variance that is between those above and those below (Otsu)."""
    means = np.where(above, values[above].mean(), values[~above].mean())
    return float(means.var() / values.var())
