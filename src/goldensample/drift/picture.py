"""Measures of one picture: light, focus, size and colours of the network's input."""

from dataclasses import dataclass

import numpy as np

from goldensample.preparation.placement import Placement
from goldensample.records import Array

MEASURES = ("brightness", "highlights", "sharpness", "size", "aspect", "red", "saturation")
"""Mean grey and that of the brightest 0.1 % as shares of white; logarithms of the Laplacian's
variance over the grey's, of the geometric mean of the sides in pixels, and of height over width;
of the mean grey, the shares of red minus blue, and of the largest minus the smallest colour."""
BINS = 128


@dataclass(frozen=True, slots=True)
class PictureMeasures:
    """The measures of one picture.

    Args:
        values: (7,) float64, see MEASURES.
        lines: (2, BINS) float64: logarithm of the mean grey along rows, then columns.
    """

    values: Array
    lines: Array


def measure(canvas: Array, placement: Placement) -> PictureMeasures:
    """Measure a picture on the network's canvas, without padding.

    Args:
        canvas: (3, height, width) float32 in [0, 255]; not changed.
        placement: of the picture on it.
    """
    values, grey = measure_values(canvas, placement)
    lines = np.stack([_binned(np.log(grey.mean(axis=axis) + 1)) for axis in (1, 0)])
    return PictureMeasures(values, lines)


def measure_values(canvas: Array, placement: Placement) -> tuple[Array, Array]:
    """Return the values that `measure` does, and the grey picture, (h, w) float32."""
    box = tuple(
        slice(max(0, round(start)), max(0, round(start)) + max(1, min(side, resized)))
        for start, side, resized in zip(
            placement.offset_hw, placement.canvas_hw, placement.resized_hw, strict=True
        )
    )
    red, green, blue = canvas[:, *box]
    grey = (red + green + blue) / np.float32(3)
    brightest = max(1, grey.size // 1000)
    highlights = np.partition(grey, grey.size - brightest, axis=None)[-brightest:].mean()
    padded = np.pad(grey, 1, mode="edge")
    laplacian = padded[2:, 1:-1] + padded[:-2, 1:-1]
    for neighbour in (padded[1:-1, 2:], padded[1:-1, :-2], -4 * grey):
        laplacian += neighbour
    height, width = placement.shape_hw
    mean = grey.mean()
    span = (np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue))
    values = [
        mean / 255,
        highlights / 255,
        np.log((laplacian.var() + 1e-6) / (grey.var() + 1e-3)),  # a blank picture is not sharp
        np.log(height * width) / 2,
        np.log(height / width),
        (red.mean() - blue.mean()) / (mean + 1),
        (span[0].mean() - span[1].mean()) / (mean + 1),
    ]
    return np.asarray(values, np.float64), grey


def _binned(line: Array) -> Array:
    """Return the means of a line over BINS equal parts of it, less the mean of all."""
    sums = np.concatenate([[0.0], np.cumsum(line, dtype=np.float64)])
    edges = np.linspace(0, len(line), BINS + 1)
    means: Array = np.diff(np.interp(edges, np.arange(len(sums)), sums)) * BINS / len(line)
    return means - means.mean()
