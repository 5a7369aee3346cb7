"""The figure of a control chart."""

from datetime import UTC, datetime

import numpy as np

from goldensample.qualification.control import Chart
from goldensample.qualification.paper import Figure, Shape
from goldensample.records import Array

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 480.0, 186.0, 52.0, 468.0, 30.0, 150.0
CHARS = 64
"""Letters of a heading that fit."""


def control_figure(title: str, chart: Chart, times: Array, baseline: int) -> Figure:
    """Draw a chart of values over their number, with limits, and dots where it signals.

    Args:
        title: above it.
        chart: at least two values.
        times: (n,) of the values, in seconds since 1970.
        baseline: values, from the first, that centre and limits rest on; 0 where on none.
    """
    every = np.concatenate([chart.values, chart.low, chart.high])
    low, high = float(every.min()), float(every.max())
    span, last = (high - low) or 1.0, max(len(chart.values) - 1, 1)

    def at(index: float, value: float) -> tuple[float, float]:
        x = LEFT + (RIGHT - LEFT) * index / last
        return round(x, 2), round(BOTTOM - (BOTTOM - TOP) * (value - low) / span, 2)

    def line(values: Array) -> list[tuple[float, float]]:
        return [at(index, value) for index, value in enumerate(values.tolist())]

    shapes = [Shape("area", [*line(chart.low), *line(chart.high)[::-1]], "band")]
    shapes.append(Shape("line", [at(0, chart.centre), at(last, chart.centre)], "limit"))
    if baseline:
        x = at(baseline - 0.5, low)[0]
        shapes.append(Shape("line", [(x, TOP), (x, BOTTOM)], "limit"))
    shapes.append(Shape("line", line(chart.values), "curve"))
    shapes += [Shape("dot", [at(k, float(chart.values[k]))], "data") for k in chart.signals]
    shapes.append(Shape("text", [(LEFT, TOP - 12)], "axis", title[:CHARS], "start"))
    for value in (low, chart.centre, high):
        shapes.append(
            Shape("text", [(LEFT - 6, at(0, value)[1] + 4)], "axis", f"{value:.3g}", "end")
        )
    for index, anchor in ((0, "start"), (len(times) - 1, "end")):
        said = date(float(times[index]))
        shapes.append(Shape("text", [(at(index, 0)[0], BOTTOM + 18)], "axis", said, anchor))
    return Figure(title, WIDTH, HEIGHT, shapes)


def date(seconds: float) -> str:
    """Return the day of a time, in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
