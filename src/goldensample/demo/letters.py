"""A stroke font for embossing and print, restricted to the characters of the parts."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from goldensample.demo.canvas import Canvas, Window, local_coordinates, window
from goldensample.records import Array
from goldensample.synthetic.fields import Point, segment_distance

# Each character: strokes of points on a grid 4 wide and 6 high, origin at the upper left.
STROKES: dict[str, tuple[str, ...]] = {
    "0": ("10 30 41 45 36 16 05 01 10",),
    "1": ("11 20 26", "16 36"),
    "2": ("01 10 30 41 42 06 46",),
    "3": ("00 40 22 43 45 36 16 05",),
    "4": ("36 30 04 44",),
    "5": ("40 00 02 32 43 45 36 06",),
    "7": ("00 40 16",),
    "8": ("10 30 41 42 33 13 02 01 10", "13 04 05 16 36 45 44 33"),
    "A": ("06 20 46", "14 34"),
    "C": ("41 30 10 01 05 16 36 45",),
    "D": ("00 20 42 44 26 06 00",),
    "E": ("40 00 06 46", "03 33"),
    "G": ("41 30 10 01 05 16 36 45 43 23",),
    "H": ("00 06", "40 46", "03 43"),
    "K": ("00 06", "40 03 46"),
    "L": ("00 06 46",),
    "N": ("06 00 46 40",),
    "O": ("10 30 41 45 36 16 05 01 10",),
    "P": ("06 00 30 41 42 33 03",),
    "R": ("06 00 30 41 42 33 03", "23 46"),
    "S": ("41 30 10 01 02 13 33 44 45 36 16 05",),
    "T": ("00 40", "20 26"),
    "U": ("00 05 16 36 45 40",),
    "-": ("13 33",),
}


def text_distances(
    canvas: Canvas, text: str, middle: Point, height_px: float, angle: float = 0.0
) -> Iterator[tuple[Window, Array]]:
    """Yield, for each character of a text, a window and the distance to its strokes."""
    unit = height_px / 6
    for index, sign in enumerate(text):
        offset = (index - (len(text) - 1) / 2) * 5.4 * unit
        sign_middle = (
            float(middle[0] + offset * np.cos(angle)),
            float(middle[1] + offset * np.sin(angle)),
        )
        where = window(canvas, sign_middle, height_px * 0.75 + 2)
        x, y = local_coordinates(canvas, where, sign_middle, angle)
        nearest = np.full(x.shape, 1e3, np.float32)
        for stroke in STROKES[sign]:
            points = [
                ((int(dot[0]) - 2) * unit, (int(dot[1]) - 3) * unit) for dot in stroke.split()
            ]
            for start, end in pairwise(points):
                nearest = np.minimum(nearest, segment_distance(x, y, start, end)[0])
        yield where, nearest
