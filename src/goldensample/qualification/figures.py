"""Figures of a qualification: the curve of detection with its band and the data."""

from collections.abc import Callable

import numpy as np

from goldensample.locales.language import gettext
from goldensample.qualification.detection import Detection
from goldensample.qualification.paper import Figure, Shape
from goldensample.records import Array
from goldensample.report.words import number

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480.0, 290.0, 52.0, 468.0, 26.0, 236.0


def detection_figure(
    result: Detection, sizes: Array, found: Array, unit: str, kind: str = ""
) -> Figure:
    """Draw the probability of detection over the log of the size.

    Args:
        result: with a curve, or without one, which draws the data alone.
        sizes: (n,) of the defects.
        found: (n,) bool.
        unit: of the sizes.
        kind: of the defects; "" is all.
    """
    low, high = np.log(sizes.min() / 1.15), np.log(sizes.max() * 1.15)
    if len(result.curve):
        low, high = np.log(result.curve[[0, -1], 0])

    def at(size: float, share: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * (np.log(size) - low) / (high - low)
        return round(float(x), 2), round(BOTTOM - (BOTTOM - TOP) * share, 2)

    shapes = []
    if len(result.curve):
        size, estimate, lower, upper = result.curve.T.tolist()
        ends = [at(*pair) for pair in zip(size, lower, strict=True)]
        ends += [at(*pair) for pair in zip(size[::-1], upper[::-1], strict=True)]
        shapes.append(Shape("area", ends, "band"))
        shapes.append(
            Shape("line", [at(*pair) for pair in zip(size, estimate, strict=True)], "curve")
        )
    for name, value in (("a90", result.a90), ("a90/95", result.a90_95)):
        if value and low < np.log(value) < high:
            x, top = at(value, 1.0)
            shapes.append(Shape("line", [(x, top), (x, BOTTOM)], "limit"))
            anchor = "end" if name == "a90" else "start"
            shapes.append(Shape("text", [(x, top - 8)], "axis", f"{name} {number(value)}", anchor))
    for size_, hit in zip(sizes.tolist(), found.tolist(), strict=True):
        x, y = at(size_, 1.0 if hit else 0.0)
        shapes.append(Shape("dot", [(x, y)], "data"))
    shapes += _axes(low, high, at, unit)
    if kind:
        shapes.append(Shape("text", [(LEFT, 12.0)], "axis", kind, "start"))
    return Figure(gettext("Probability of detection by size"), WIDTH, HEIGHT, shapes)


def _axes(
    low: float, high: float, at: Callable[[float, float], tuple[float, float]], unit: str
) -> list[Shape]:
    shapes = [Shape("line", [(LEFT, BOTTOM), (RIGHT, BOTTOM)], "axis")]
    for share in (0.0, 0.5, 0.9, 1.0):
        y = BOTTOM - (BOTTOM - TOP) * share
        shapes.append(Shape("text", [(LEFT - 8, y + 4)], "axis", f"{100 * share:.0f} %", "end"))
        shapes.append(Shape("line", [(LEFT, y), (RIGHT, y)], "axis"))
    for size in _ticks(float(np.exp(low)), float(np.exp(high))):
        shapes.append(Shape("text", [(at(size, 0)[0], BOTTOM + 18)], "axis", f"{size:g}"))
    label = gettext("length of the defect in %(unit)s, logarithmic") % {"unit": unit}
    shapes.append(Shape("text", [(RIGHT, BOTTOM + 40)], "axis", label, "end"))
    return shapes


def _ticks(low: float, high: float) -> list[float]:
    """Return 1, 2, 5, 10, … within a range."""
    first = int(np.floor(np.log10(low)))
    every = [m * 10.0**power for power in range(first, first + 9) for m in (1, 2, 5)]
    return [tick for tick in every if low <= tick <= high]
