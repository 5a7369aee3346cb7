"""A few pictures of a fit, shrunk, which exports are checked on."""

from collections.abc import Sequence

import numpy as np

from goldensample.features.extraction import as_picture
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Picture, Pictures

SAMPLES, SAMPLE_PX = 6, 224
"""Pictures of the fit that are stored for checks, and their longest side in pixels."""


def sample_pictures(
    images: Pictures | Sequence[Array | Picture], fitted: Array
) -> tuple[Array, ...]:
    """Return a few of the pictures with these numbers, shrunk."""
    chosen = evenly_spaced(fitted, SAMPLES).tolist()
    return tuple(shrink(as_picture(images[index], index).pixels) for index in chosen)


def evenly_spaced(numbers: Array, count: int) -> Array:
    """Return at most `count` of the numbers, at evenly spaced positions."""
    return numbers[np.linspace(0, len(numbers) - 1, min(count, len(numbers))).astype(int)]


def shrink(pixels: Array) -> Array:
    """Return (H, W, 3) uint8 pixels with no side longer than SAMPLE_PX."""
    share = SAMPLE_PX / max(pixels.shape[:2])
    if share >= 1:
        return pixels
    height, width = (max(1, round(side * share)) for side in pixels.shape[:2])
    small, _ = Preparation((height, width), "stretch").apply(pixels)
    return np.ascontiguousarray(np.rint(small).astype(np.uint8).transpose(1, 2, 0))
