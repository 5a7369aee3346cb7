"""The colour scale of a report: equal heat map values have equal colours on every picture."""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

STEPS = 64
"""Number of colours; step 0 is fully transparent."""
AT_LIMIT = 0.4
"""Opacity of what is just beyond the threshold."""

# Ten even points of "plasma" (Smith and van der Walt, CC0): lightness rises steadily, so that
# the colour-blind and grey prints keep the order.
_POINTS = (
    (13, 8, 135),
    (70, 3, 159),
    (114, 1, 168),
    (156, 23, 158),
    (189, 55, 134),
    (216, 87, 107),
    (237, 121, 83),
    (251, 159, 58),
    (253, 202, 38),
    (240, 249, 33),
)


@dataclass(frozen=True, slots=True)
class ColourScale:
    """The range of heat map values that the colours span.

    Args:
        clear: value up to which the colour is fully transparent.
        full: value from which on the last colour is used; larger than `clear`.
        threshold: value above which a pixel belongs to a region, or None.
    """

    clear: float
    full: float
    threshold: float | None


def fit_scale(threshold: float | None, smallest: float, largest: float) -> ColourScale:
    """Return the scale of a run.

    Args:
        threshold: the pixel threshold, or None.
        smallest: the smallest heat map value of the run.
        largest: the largest heat map value of the run.

    Returns:
        The threshold to twice the threshold where there is one above 0, so that what is within the
        limit has no colour; else 0 (or `smallest`, where it is less than 0) to `largest`.

    Example:
        >>> fit_scale(2.0, 0.0, 99.0)
        ColourScale(clear=2.0, full=4.0, threshold=2.0)
    """
    if threshold is not None and threshold > 0:
        return ColourScale(threshold, threshold * 2, threshold)
    clear = min(0.0, smallest)
    full = max(largest, threshold if threshold is not None else largest)
    return ColourScale(clear, full if full > clear else clear + 1.0, threshold)


def quantise_heat(heat: Array, scale: ColourScale) -> Array:
    """Return the colour step of each heat map value: (h, w) float -> (h, w) uint8 in [0, STEPS).

    Example:
        >>> quantise_heat(np.array([[1.0, 3.0, 9.0]]), ColourScale(2.0, 4.0, 2.0))
        array([[ 0, 32, 63]], dtype=uint8)
    """
    position = (heat.astype(np.float64) - scale.clear) / (scale.full - scale.clear)
    return np.rint(np.clip(position, 0.0, 1.0) * (STEPS - 1)).astype(np.uint8)


def palette(scale: ColourScale) -> Array:
    """Return the colour of each step: (STEPS, 4) uint8, red green blue opacity.

    Opacity is complete at two thirds of the scale. It begins at 0, slowly first so that good
    pictures stay calm; or, where the scale begins at the threshold, at `AT_LIMIT`, so that what is
    beyond it is seen.
    """
    least = AT_LIMIT if scale.clear == scale.threshold else 0.0
    position = np.linspace(0.0, 1.0, STEPS)
    points = np.asarray(_POINTS, dtype=np.float64)
    knots = np.linspace(0.0, 1.0, len(points))
    colours = np.stack(
        [np.interp(position, knots, points[:, channel]) for channel in range(3)], axis=1
    )
    opacity = 255 * (least + (1 - least) * np.minimum(1.0, 1.5 * position) ** 1.4)
    opacity[0] = 0
    return np.rint(np.column_stack([colours, opacity])).astype(np.uint8)
