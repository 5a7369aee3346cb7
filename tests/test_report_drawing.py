"""The report's drawings: colour scale, blocks of the heat map, outlines, histogram."""

import re

import numpy as np
import pytest

from goldensample.report.charts import histogram
from goldensample.report.entry import max_pool, pool_heat_map
from goldensample.report.outline import outline
from goldensample.report.scale import STEPS, ColourScale, fit_scale, palette, quantise_heat


def test_scale_is_tied_to_the_threshold_or_to_the_run():
    assert fit_scale(2.0, -1.0, 99.0) == ColourScale(2.0, 4.0, 2.0)
    assert fit_scale(None, 0.2, 8.0) == ColourScale(0.0, 8.0, None)
    assert fit_scale(None, 0.0, 0.0).full > 0
    assert fit_scale(-3.0, -9.0, -1.0) == ColourScale(-9.0, -1.0, -3.0)
    steps = quantise_heat(np.array([[0.0, 1.0, 2.5, 4.0, 1e30]]), ColourScale(1.0, 4.0, 2.0))
    assert steps.tolist() == [[0, 0, 32, STEPS - 1, STEPS - 1]]


def test_palette_grows_lighter_and_less_transparent_throughout():
    for scale in (ColourScale(2.0, 4.0, 2.0), ColourScale(0.0, 4.0, None)):
        colours = palette(scale)
        linear = (colours[:, :3] / 255.0) ** 2.2
        assert (np.diff(linear @ [0.2126, 0.7152, 0.0722]) > 0).all()
        assert (np.diff(colours[:, 3].astype(int)) >= 0).all()
        assert colours[0, 3] == 0
        assert (colours[1, 3] > 90) == (scale.threshold is not None)


def test_pooling_keeps_the_largest_value_of_each_block():
    values = np.random.default_rng(0).normal(size=(13, 7))
    expected = [
        [values[r : r + 3, c : c + 3].max() for c in range(0, 7, 3)] for r in range(0, 13, 3)
    ]
    assert np.array_equal(max_pool(values, 3), expected)
    small_peak = np.zeros((3000, 2000), np.float32)
    small_peak[1234, 567] = 1e6  # more than float16 holds
    assert pool_heat_map(small_peak, 19).values().max() == 1e6


def inside(path, x, y):
    """Tell by counting crossings whether a point is inside closed loops."""
    crossings = 0
    for loop in re.findall(r"M([^Z]*)Z", path):
        numbers = [float(number) for number in loop.replace("L", " ").split()]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                crossings += 1
    return crossings % 2 == 1


@pytest.mark.parametrize("seed", range(8))
def test_outline_encloses_exactly_what_is_above_the_level(seed):
    values = np.random.default_rng(seed).choice([0.0, 1.0, 2.0, 3.0], size=(7, 9))
    path = outline(values, 1.4, 10, (70, 90))
    for row, column in np.ndindex(*values.shape):
        expected = values[row, column] > 1.4
        assert inside(path, 10 * column + 5.01, 10 * row + 5.02) == expected
    assert outline(values, 3.0, 10, (70, 90)) == ""


def test_histogram_has_a_lane_for_each_kind_and_survives_equal_scores():
    drawing = histogram([1.0, 2.0, 3.0, 3.0], [True, False, None, None], 2.5)
    for words in ("1 picture labelled defect", "1 picture labelled good", "2 pictures without"):
        assert words in drawing
    assert "threshold 2.5" in drawing
    assert "nan" not in histogram([0.0, 0.0], [None, None], None)
