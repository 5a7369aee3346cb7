"""What a trained method sees of a picture: its pixels averaged down to a square, or its levels."""

from collections.abc import Iterable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.methods.pooled import cover_matrix
from goldensample.records import Array, Features

GREY = 0.5
"""Value of pixels that are not looked at, so that they change no score."""


def gather_pixels(features: Iterable[Features], side: int) -> tuple[Array, ...]:
    """Return all pictures of a fit as squares.

    Args:
        features: of the good pictures, by the backbone "pixels".
        side: of the square, in pixels.

    Returns:
        One array, (n, 3, side, side) float32 in [0, 1].

    Raises:
        ValueError: there is no picture, or the features are no pixels.
    """
    return _gather(features, side)


def gather_levels(features: Iterable[Features]) -> tuple[Array, ...]:
    """Return all feature maps of a fit, one (n, d_j, h_j, w_j) float32 array per level.

    Raises:
        ValueError: there is no picture.
    """
    return _gather(features, 0)


def _gather(features: Iterable[Features], side: int) -> tuple[Array, ...]:
    pictures = [
        picture_inputs(batch, index, side) for batch in features for index in range(len(batch))
    ]
    if not pictures:
        raise ValueError("fit must have at least one picture; got none")
    return tuple(np.stack(level) for level in zip(*pictures, strict=True))


def picture_inputs(features: Features, index: int, side: int) -> list[Array]:
    """Return what the network sees of one picture: see `gather_pixels`; of side 0 the levels.

    What is not looked at is 0 in the levels.
    """
    levels = [to_numpy(level[index]) for level in features.maps]
    valid = features.valid[index]
    if not side:
        if valid.all():
            return levels
        seen = [average(valid, level.shape[1:]) >= 0.5 for level in levels]
        return [np.where(*pair, np.float32(0)) for pair in zip(seen, levels, strict=True)]
    if [len(level) for level in levels] != [3]:
        depths = ", ".join(str(len(level)) for level in levels)
        raise ValueError(
            "a method that is trained on pixels must go with --backbone pixels; got a network with "
            f"levels of depth {depths}"
        )
    pixels = np.where(valid, levels[0], np.float32(GREY))
    return [average(pixels, (side, side))]


def average(values: Array, size_hw: tuple[int, int]) -> Array:
    """Return (..., H, W) averaged down, or repeated, to (..., h, w) float32."""
    rows, columns = (
        (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
        for matrix in map(cover_matrix, values.shape[-2:], size_hw)
    )
    return np.ascontiguousarray(rows @ values.astype(np.float32) @ columns.T)
