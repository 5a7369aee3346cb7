"""What is precomputed of the picture that others are registered to."""

from dataclasses import dataclass

import numpy as np

from goldensample.preparation.motion import Motion
from goldensample.records import Array

SIDE, COARSE, COARSEST = 128, 64, 32
"""Longest side in pixels of the small pictures; about that of the coarse search, and of the search
of orientations before it."""
DEGREES, SHARE = 15, 0.2
"""Search range unless asked otherwise: rotation either way; always: translation, as a share of the
picture's height or width."""
FULL = 180
"""The range of parts that may lie in any orientation."""
ORIENTATION_STEP = 3
"""Degrees between orientations of the coarsest search."""


@dataclass(frozen=True, eq=False)
class Template:
    """What is precomputed of the picture that others are registered to.

    Args:
        degrees: search range of the rotation, either way.
        spectra: (angles, h', w'/2 + 1) complex64, of it rotated by every degree of the range, at
            the size of the coarse search.
        coarsest: the same by every ORIENTATION_STEP degrees, at the size of the search before;
            None where the range is small enough to go without.
        values: (h·w,) float32, its structure.
        jacobian: (3, h·w) float32: derivatives by rotation in radians, and by translation in
            pixels down and across.
        weights: (h·w,) float32, tapered towards the edges.
    """

    degrees: int
    spectra: Array
    coarsest: Array | None
    values: Array
    jacobian: Array
    weights: Array


def compute_template(grey: Array, degrees: int = DEGREES) -> Template:
    """Return the template of a picture.

    Args:
        grey: (h, w) float32; not changed.
        degrees: search range of the rotation, either way: 1 to 180.
    """
    values = structure(grey)
    rows, columns = (np.arange(side) - np.float32((side - 1) / 2) for side in values.shape)
    down, across = (_gradient(values, axis) for axis in (0, 1))
    jacobian = np.stack([across * rows[:, None] - down * columns, down, across])
    step = ORIENTATION_STEP
    return Template(
        degrees,
        _rotated_spectra(reduced(values, COARSE), degrees, 1),
        _rotated_spectra(reduced(values, COARSEST), degrees, step) if degrees > DEGREES else None,
        values.reshape(-1),
        jacobian.reshape(3, -1).astype(np.float32),
        window(values.shape).reshape(-1),
    )


def _rotated_spectra(small: Array, degrees: int, step: int) -> Array:
    """Return the spectra of a small picture rotated by every `step` degrees of a range."""
    from scipy.fft import rfft2

    angles = np.arange(-degrees, degrees + 1, step, dtype=float)
    return np.stack([rfft2(Motion(a, 0, 0).restore(small) * window(small.shape)) for a in angles])


def reduced(values: Array, side: int) -> Array:
    """Return a picture's block means, with about `side` pixels at its longest side."""
    return block_means(values, max(1, max(values.shape) // side))


def _gradient(values: Array, axis: int) -> Array:
    """Return the gradient along an axis; 0 along a side of a single pixel."""
    gradient: Array = np.gradient(values, axis=axis) if values.shape[axis] > 1 else 0 * values
    return gradient


def structure(grey: Array) -> Array:
    """Return the structure of a small picture, without illumination and noise.

    A difference of Gaussians of one pixel and of 1/16 of the longest side. Strong responses are
    compressed: one glint must not outweigh a part.

    Args:
        grey: (h, w) float32; not changed.
    """
    from scipy.ndimage import gaussian_filter

    fine = gaussian_filter(grey, 1.0, mode="nearest", truncate=3.0)
    illumination = gaussian_filter(fine, max(grey.shape) / 16, mode="nearest", truncate=3.0)
    values: Array = fine - illumination
    rms = float(np.sqrt((values**2).mean())) + 1e-3
    return values / np.sqrt(1 + (values / rms) ** 2)


def window(shape_hw: tuple[int, ...]) -> Array:
    """Return a (h, w) float32 taper: 1 in the central half of each side, 0 at the edges."""
    sides = [np.sin(np.pi * (np.arange(side) + 0.5) / side) for side in shape_hw]
    down, across = (np.minimum(1, 2 * side**2) for side in sides)
    return np.outer(down, across).astype(np.float32)


def block_means(values: Array, side: int) -> Array:
    """Return the means of square blocks of `side` pixels; the remainder is cropped."""
    if side == 1:
        return values
    down, across = (min(side, length) for length in values.shape)
    rows, columns = values.shape[0] // down, values.shape[1] // across
    cropped = values[: rows * down, : columns * across].reshape(rows, down, columns, across)
    means: Array = cropped.mean(axis=(1, 3))
    return means
