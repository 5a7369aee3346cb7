"""Rigid registration of a small grey picture to a template.

A coarse motion is the best peak of phase correlations with the template rotated by every degree.
Gauss-Newton steps refine it to the best correlation, a fraction of a pixel from the truth.
Both pictures are band-pass filtered first, against illumination and noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.preparation.motion import Motion, inside_mask, warp
from goldensample.records import Array

SIDE, COARSE = 128, 64
"""Longest side in pixels of the small pictures; about that of the coarse search."""
DEGREES, SHARE = 15, 0.2
"""Search range: rotation, and translation as a share of the picture's height or width."""
SLACK = 0.1
"""By how much of this range the refinement may leave it."""
WHITENING = 0.5
"""Exponent of the phase correlation: 1 whitens fully, 0 is plain cross-correlation. Between good
parts, high frequencies are less reliable."""
STEPS, CONVERGED_PX = 10, 0.05
"""Most Gauss-Newton steps; a step shorter than this in pixels is the last."""
CAUCHY_SCALE = 1.0
"""Scale of the Cauchy weights, in mean absolute residuals."""


@dataclass(frozen=True, eq=False)
class Template:
    """What is precomputed of the picture that others are registered to.

    Args:
        spectra: (angles, h', w'/2 + 1) complex64, of it rotated, at the size of the coarse search.
        values: (h·w,) float32, its structure.
        jacobian: (3, h·w) float32: derivatives by rotation in radians, and by translation in
            pixels down and across.
        weights: (h·w,) float32, tapered towards the edges.
    """

    spectra: Array
    values: Array
    jacobian: Array
    weights: Array


def compute_template(grey: Array) -> Template:
    """Return the template of a picture.

    Args:
        grey: (h, w) float32; not changed.
    """
    from scipy.fft import rfft2

    values = structure(grey)
    small = block_means(values, max(1, max(values.shape) // COARSE))
    taper = window(small.shape)
    spectra = [rfft2(Motion(float(a), 0, 0).restore(small) * taper) for a in _angles()]
    rows, columns = (np.arange(side) - np.float32((side - 1) / 2) for side in values.shape)
    down, across = (_gradient(values, axis) for axis in (0, 1))
    jacobian = np.stack([across * rows[:, None] - down * columns, down, across])
    return Template(
        np.stack(spectra),
        values.reshape(-1),
        jacobian.reshape(3, -1).astype(np.float32),
        window(values.shape).reshape(-1),
    )


def _angles() -> Array:
    """Return the rotations of the coarse search, in degrees."""
    return np.arange(-DEGREES, DEGREES + 1)


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


def register(grey: Array, template: Template) -> tuple[Motion, float]:
    """Return the motion at which a picture agrees best with a template, and the correlation there.

    Args:
        grey: (h, w) float32, of the template's shape; not changed.
        template: of the reference.
    """
    values = structure(grey)
    return refine_motion(values, template, coarse_motion(values, template))


def coarse_motion(values: Array, template: Template) -> Motion:
    """Return the motion of the highest peak of the phase correlations.

    Source: Kuglin and Hines 1975, half whitened.
    """
    from scipy.fft import irfft2, rfft2

    small = block_means(values, max(1, max(values.shape) // COARSE))
    spectrum = rfft2(small * window(small.shape)) * template.spectra.conj()
    spectrum /= np.maximum(np.abs(spectrum), 1e-12) ** WHITENING
    correlation = irfft2(spectrum, s=small.shape)
    down, across = (np.arange(-int(side * SHARE), int(side * SHARE) + 1) for side in small.shape)
    searched = correlation[:, down[:, None], across]
    k, i, j = np.unravel_index(int(searched.argmax()), searched.shape)
    return Motion(
        float(_angles()[k]), float(down[i] / small.shape[0]), float(across[j] / small.shape[1])
    )


def refine_motion(values: Array, template: Template, motion: Motion) -> tuple[Motion, float]:
    """Refine a motion to the one at which a picture agrees best.

    Large residuals (a defect, say) are weighted down, so that they do not bias the motion.

    Args:
        values: (h, w) float32, the picture's structure; not changed.
        template: of the reference.
        motion: the start, off by a degree and a few pixels at most.

    Returns:
        The motion, and the correlation before the last step.

    Source: Evangelidis and Psarakis 2008, with the inverse composition of Baker and Matthews 2004
        and Cauchy weights.
    """
    shape_hw, agreement = (values.shape[0], values.shape[1]), 0.0
    for _ in range(STEPS):
        affine = motion.forward(shape_hw)
        weights = template.weights * inside_mask(affine, shape_hw).reshape(-1)
        warped = warp(values, affine).reshape(-1)
        warped = warped - np.average(warped, weights=weights)
        target = template.values - np.average(template.values, weights=weights)
        covariance, variance = (weights * warped) @ target, (weights * warped) @ warped
        target_variance = (weights * target) @ target
        agreement = float(covariance / np.sqrt(max(variance * target_variance, 1e-9)))
        if agreement <= 0:
            break
        residual = warped * (target_variance / covariance) - target
        scale = max(float(np.average(np.abs(residual), weights=weights)), 1e-6)
        weights /= 1 + (residual / (CAUCHY_SCALE * scale)) ** 2
        weighted = template.jacobian * weights
        hessian = weighted @ template.jacobian.T + 1e-6 * np.eye(3)
        turn, *shift = np.linalg.solve(hessian, weighted @ residual).tolist()
        updated = _compose_inverse(motion, turn, shift, shape_hw)
        if updated is None:
            break
        motion = updated
        if max(abs(turn) * max(shape_hw) / 2, *map(abs, shift)) < CONVERGED_PX:
            break
    return motion, agreement


def _compose_inverse(
    motion: Motion, turn: float, shift: Sequence[float], shape_hw: tuple[int, int]
) -> Motion | None:
    """Return a motion composed with the inverse of a step; None outside the search range."""
    degrees = motion.degrees - float(np.rad2deg(turn))
    if abs(degrees) > DEGREES * (1 + SLACK):
        return None
    matrix, _ = Motion(degrees, 0, 0).forward(shape_hw)
    translation = np.array([motion.down, motion.across]) - matrix @ np.asarray(shift) / shape_hw
    if np.abs(translation).max() > SHARE * (1 + SLACK):
        return None
    return Motion(degrees, *translation.tolist())
