"""How a small grey picture is turned and shifted against another one.

Where it roughly lies is read from phase correlations with the other one turned by every degree.
From there, Gauss-Newton steps go to where both agree best, a fraction of a pixel from the truth.
Both are seen without their light and their noise.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.preparation.motion import Motion, inside, sampled
from goldensample.records import Array

SIDE, COARSE = 128, 64
"""Longest side in pixels of the small pictures, and about that of those searched first."""
DEGREES, SHARE = 15, 0.2
"""How far a part may be turned, and shifted as a share of the picture's height or width."""
SLACK = 0.1
"""By how much of these the steps may go farther than the search."""
WHITENING = 0.5
"""How phase correlation weighs frequencies: 1 all alike, 0 by their strength. Between one good part
and another, the fine ones say less."""
STEPS, SHORT = 10, 0.05
"""Steps at most, and how many pixels the last one is shorter than."""
SPARED = 1.0
"""From how many times what is usual on, what stays apart counts less."""


@dataclass(frozen=True, eq=False)
class Template:
    """What is computed once of the picture that others lie against.

    Args:
        turned: (angles, h', w'/2 + 1) complex64: spectra of it in the size of the search, turned.
        values: (h·w,) float32, its structure.
        slopes: (3, h·w) float32: by how much it would change with a turn by one radian, and shifts
            by a pixel down and across.
        weights: (h·w,) float32: what counts, less towards the edges.
    """

    turned: Array
    values: Array
    slopes: Array
    weights: Array


def template(grey: Array) -> Template:
    """Return what is computed once of a picture.

    Args:
        grey: (h, w) float32; not changed.
    """
    from scipy.fft import rfft2

    values = structure(grey)
    small = blocks(values, max(1, max(values.shape) // COARSE))
    taper = window(small.shape)
    turned = [rfft2(Motion(float(a), 0, 0).returned(small) * taper) for a in _angles()]
    rows, columns = (np.arange(side) - np.float32((side - 1) / 2) for side in values.shape)
    down, across = (_slope(values, axis) for axis in (0, 1))
    slopes = np.stack([across * rows[:, None] - down * columns, down, across])
    return Template(
        np.stack(turned),
        values.reshape(-1),
        slopes.reshape(3, -1).astype(np.float32),
        window(values.shape).reshape(-1),
    )


def _angles() -> Array:
    """Return the degrees that are searched."""
    return np.arange(-DEGREES, DEGREES + 1)


def _slope(values: Array, axis: int) -> Array:
    """Return the slopes along an axis; none along a side of a single pixel."""
    slopes: Array = np.gradient(values, axis=axis) if values.shape[axis] > 1 else 0 * values
    return slopes


def structure(grey: Array) -> Array:
    """Return what a small picture has to hold on to: neither its light nor its noise.

    A band of sizes: Gaussians of a pixel and of 1/16 of the longest side, subtracted. What is much
    stronger than the rest is brought near to it: one glint is not to outweigh a part.

    Args:
        grey: (h, w) float32; not changed.
    """
    from scipy.ndimage import gaussian_filter

    fine = gaussian_filter(grey, 1.0, mode="nearest", truncate=3.0)
    light = gaussian_filter(fine, max(grey.shape) / 16, mode="nearest", truncate=3.0)
    values: Array = fine - light
    strength = float(np.sqrt((values**2).mean())) + 1e-3
    return values / np.sqrt(1 + (values / strength) ** 2)


def window(shape_hw: tuple[int, ...]) -> Array:
    """Return (h, w) float32, 1 in the middle half of each side and falling to 0 at the edges."""
    sides = [np.sin(np.pi * (np.arange(side) + 0.5) / side) for side in shape_hw]
    down, across = (np.minimum(1, 2 * side**2) for side in sides)
    return np.outer(down, across).astype(np.float32)


def blocks(values: Array, side: int) -> Array:
    """Return the means of square blocks of so many pixels a side; what is left over is cut."""
    if side == 1:
        return values
    down, across = (min(side, length) for length in values.shape)
    rows, columns = values.shape[0] // down, values.shape[1] // across
    cut = values[: rows * down, : columns * across].reshape(rows, down, columns, across)
    means: Array = cut.mean(axis=(1, 3))
    return means


def register(grey: Array, known: Template) -> tuple[Motion, float]:
    """Return the motion at which a picture agrees best with another, and the correlation there.

    Args:
        grey: (h, w) float32, of the same shape as the other one; not changed.
        known: of the other one.
    """
    values = structure(grey)
    return refined(values, known, roughly(values, known))


def roughly(values: Array, known: Template) -> Motion:
    """Return the motion of the highest peak of the phase correlations.

    Source: Kuglin and Hines 1975, whitened by half.
    """
    from scipy.fft import irfft2, rfft2

    small = blocks(values, max(1, max(values.shape) // COARSE))
    crossed = rfft2(small * window(small.shape)) * known.turned.conj()
    crossed /= np.maximum(np.abs(crossed), 1e-12) ** WHITENING
    peaks = irfft2(crossed, s=small.shape)
    down, across = (np.arange(-int(side * SHARE), int(side * SHARE) + 1) for side in small.shape)
    near = peaks[:, down[:, None], across]
    k, i, j = np.unravel_index(int(near.argmax()), near.shape)
    return Motion(
        float(_angles()[k]), float(down[i] / small.shape[0]), float(across[j] / small.shape[1])
    )


def refined(values: Array, known: Template, motion: Motion) -> tuple[Motion, float]:
    """Go from a motion to the one at which a picture agrees best.

    What stays apart (a defect, say) counts less the more it does, so that it pulls at nothing.

    Args:
        values: (h, w) float32, the picture's structure; not changed.
        known: of the other one.
        motion: near it: a degree off, a few pixels.

    Returns:
        The motion, and the correlation where the last step began.

    Source: Evangelidis and Psarakis 2008, with the inverse composition of Baker and Matthews 2004
        and Cauchy weights.
    """
    shape_hw, agreement = (values.shape[0], values.shape[1]), 0.0
    for _ in range(STEPS):
        way = motion.forth(shape_hw)
        weights = known.weights * inside(way, shape_hw).reshape(-1)
        moved = sampled(values, way).reshape(-1)
        moved, wanted = (one - np.average(one, weights=weights) for one in (moved, known.values))
        both, own = (weights * moved) @ wanted, (weights * moved) @ moved
        needed = (weights * wanted) @ wanted
        agreement = float(both / np.sqrt(max(own * needed, 1e-9)))
        if agreement <= 0:
            break
        apart = moved * (needed / both) - wanted
        usual = max(float(np.average(np.abs(apart), weights=weights)), 1e-6)
        weights /= 1 + (apart / (SPARED * usual)) ** 2
        weighted = known.slopes * weights
        stiffness = weighted @ known.slopes.T + 1e-6 * np.eye(3)
        turn, *shift = np.linalg.solve(stiffness, weighted @ apart).tolist()
        following = _less(motion, turn, shift, shape_hw)
        if following is None:
            break
        motion = following
        if max(abs(turn) * max(shape_hw) / 2, *map(abs, shift)) < SHORT:
            break
    return motion, agreement


def _less(
    motion: Motion, turn: float, shift: Sequence[float], shape_hw: tuple[int, int]
) -> Motion | None:
    """Return a motion after the reverse of a small one; None where it goes too far."""
    degrees = motion.degrees - float(np.rad2deg(turn))
    if abs(degrees) > DEGREES * (1 + SLACK):
        return None
    matrix, _ = Motion(degrees, 0, 0).forth(shape_hw)
    moved = np.array([motion.down, motion.across]) - matrix @ np.asarray(shift) / shape_hw
    if np.abs(moved).max() > SHARE * (1 + SLACK):
        return None
    return Motion(degrees, *moved.tolist())
