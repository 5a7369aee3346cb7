"""Rigid registration of a small grey picture to a template.

A coarse motion is the best peak of phase correlations with the template rotated by every degree;
where parts may lie in any orientation, only about the best orientations of a coarser search.
Gauss-Newton steps refine it to the best correlation, a fraction of a pixel from the truth.
Both pictures are band-pass filtered first, against illumination and noise.
"""

from collections.abc import Sequence

import numpy as np

from goldensample.preparation.motion import Motion, inside_mask, warp
from goldensample.preparation.template import (
    COARSE,
    COARSEST,
    DEGREES,
    FULL,
    ORIENTATION_STEP,
    SHARE,
    Template,
    reduced,
    structure,
    window,
)
from goldensample.records import Array

ORIENTATIONS = 6
"""How many of the best orientations go on from the coarsest search."""
REFINED = 2
"""How many orientations are refined, where more than one goes on."""
SLACK = 0.1
"""By how much of this range the refinement may leave it."""
WHITENING = 0.5
"""Exponent of the phase correlation: 1 whitens fully, 0 is plain cross-correlation. Between good
parts, high frequencies are less reliable."""
STEPS, CONVERGED_PX = 10, 0.05
"""Most Gauss-Newton steps; a step shorter than this in pixels is the last."""
CAUCHY_SCALE = 1.0
"""Scale of the Cauchy weights, in mean absolute residuals."""


def register(grey: Array, template: Template) -> tuple[Motion, float]:
    """Return the motion at which a picture agrees best with a template, and the correlation there.

    Args:
        grey: (h, w) float32, of the template's shape; not changed.
        template: of the reference.
    """
    values = structure(grey)
    refined = [refine_motion(values, template, m) for m in coarse_motions(values, template)]
    return max(refined, key=lambda found: found[1])


def coarse_motions(values: Array, template: Template) -> list[Motion]:
    """Return the motion of the highest peak of the phase correlations.

    Of a template of many orientations, that of the highest about each of the best orientations:
    REFINED at most, as a part may look much alike when turned by half, say.

    Args:
        values: (h, w) float32, the picture's structure; not changed.
        template: of the reference.
    """
    small = reduced(values, COARSE)
    peaks = [
        (*_highest_peak(small, template.spectra[first:last]), first)
        for first, last in _orientations(values, template)
    ]
    peaks.sort(key=lambda peak: -peak[0])
    return [
        Motion(float(first + k - template.degrees), down, across)
        for _, k, down, across, first in peaks[:REFINED]
    ]


def _orientations(values: Array, template: Template) -> list[tuple[int, int]]:
    """Return the ranges of `template.spectra` to search: first, and one beyond the last."""
    if template.coarsest is None:
        return [(0, len(template.spectra))]
    heights = _correlations(reduced(values, COARSEST), template.coarsest).max(axis=(1, 2))
    ranges: list[tuple[int, int]] = []
    while len(ranges) < ORIENTATIONS and np.isfinite(heights.max()):
        best = int(heights.argmax())
        heights[max(0, best - 1) : best + 2] = -np.inf  # its neighbours are searched with it
        middle = best * ORIENTATION_STEP
        first, last = middle - ORIENTATION_STEP, middle + ORIENTATION_STEP + 1
        ranges.append((max(0, first), min(last, len(template.spectra))))
    return ranges


def _highest_peak(small: Array, spectra: Array) -> tuple[float, int, float, float]:
    """Return the highest correlation, its number in `spectra`, and its shares down and across."""
    found = _correlations(small, spectra)
    k, i, j = (int(n) for n in np.unravel_index(int(found.argmax()), found.shape))
    down, across = _shifts(small.shape)
    return (
        float(found[k, i, j]),
        k,
        float(down[i] / small.shape[0]),
        float(across[j] / small.shape[1]),
    )


def _correlations(small: Array, spectra: Array) -> Array:
    """Return the phase correlations with each spectrum at the shifts of the search range.

    Source: Kuglin and Hines 1975, half whitened.
    """
    from scipy.fft import irfft2, rfft2

    spectrum = rfft2(small * window(small.shape)) * spectra.conj()
    spectrum /= np.maximum(np.abs(spectrum), 1e-12) ** WHITENING
    correlation = irfft2(spectrum, s=small.shape)
    down, across = _shifts(small.shape)
    searched: Array = correlation[:, down[:, None], across]
    return searched


def _shifts(shape_hw: tuple[int, ...]) -> tuple[Array, Array]:
    """Return the translations of the search range, in pixels down and across."""
    down, across = (np.arange(-int(s * SHARE), int(s * SHARE) + 1) for s in shape_hw)
    return down, across


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
        updated = _compose_inverse(motion, turn, shift, shape_hw, template.degrees)
        if updated is None:
            break
        motion = updated
        if max(abs(turn) * max(shape_hw) / 2, *map(abs, shift)) < CONVERGED_PX:
            break
    return motion, agreement


def _compose_inverse(
    motion: Motion, turn: float, shift: Sequence[float], shape_hw: tuple[int, int], most: int
) -> Motion | None:
    """Return a motion composed with the inverse of a step; None outside the search range."""
    degrees = motion.degrees - float(np.rad2deg(turn))
    if most == FULL:
        degrees = (degrees + 180) % 360 - 180
    elif abs(degrees) > most + DEGREES * SLACK:
        return None
    matrix, _ = Motion(degrees, 0, 0).forward(shape_hw)
    translation = np.array([motion.down, motion.across]) - matrix @ np.asarray(shift) / shape_hw
    if np.abs(translation).max() > SHARE * (1 + SLACK):
        return None
    return Motion(degrees, *translation.tolist())
