"""Synthetic defects: scratches, pits, stains, cracks and missing parts, with exact masks."""

from collections.abc import Callable

import numpy as np

from goldensample.records import Array
from goldensample.synthetic.fields import (
    Random,
    coverage,
    fractal_noise,
    polyline_distance,
    random_polyline,
)

LEAST_PX = 3.0
"""The smallest size: smaller, no kind has a shape."""


def paste_defect(
    pixels: Array,
    kind: str,
    rng: Random,
    *,
    size_px: float,
    contrast: float,
    middle: tuple[int, int] | None = None,
    within: Array | None = None,
) -> tuple[Array, Array]:
    """Return a picture with one defect, and where it is.

    Pixels change at most `size_px` / 2 from the middle, and no value by more than `contrast`. A
    defect is darker than its surroundings where there is room for that, else brighter; a scratch
    and a pit have a lit edge of the other sign, and a stain on a coloured surface has a colour.

    Args:
        pixels: (H, W) or (H, W, c), uint8 or uint16; not changed.
        kind: one of KINDS.
        rng: the same state gives the same defect.
        size_px: length of a scratch or crack, diameter of the others, at least LEAST_PX.
        contrast: largest change of a value, in grey levels, at least 1. Where a part is missing,
            values become those of the surroundings as far as that lets them.
        middle: (row, column); None draws a pixel of `within`.
        within: (H, W) bool; nothing outside it changes. None is the whole picture.

    Returns:
        The new picture, and (H, W) bool, True for exactly the pixels that differ. There are none
        where nothing could be changed, as by a missing part of an even surface.

    Raises:
        ValueError: an argument is not as above.
    """
    within = np.ones(pixels.shape[:2], bool) if within is None else within
    _check(pixels, kind, (size_px, contrast), within)
    if middle is None:
        inside = np.flatnonzero(within)
        middle = divmod(int(inside[rng.integers(len(inside))]), within.shape[1])
    elif not all(0 <= at < side for at, side in zip(middle, within.shape, strict=True)):
        raise ValueError(f"middle must be a pixel of a picture of {within.shape}; got {middle}")
    # wider than the defect: a missing part is filled in from its surroundings
    low = [max(0, at - int(size_px)) for at in middle]
    window = tuple(slice(a, at + int(size_px) + 1) for a, at in zip(low, middle, strict=True))
    before = pixels[window].reshape(*within[window].shape, -1).astype(np.float32)  # (h, w, c)
    grid = np.indices(before.shape[:2], np.float32)
    x, y = grid[1] + np.float32(low[1] - middle[1]), grid[0] + np.float32(low[0] - middle[0])
    change = _draw(kind, x, y, rng, size_px, before)
    top = np.iinfo(pixels.dtype).max
    if kind != "missing":
        room = float(before.mean())
        change = change * np.float32(-contrast if room >= min(contrast, top - room) else contrast)
    near = within[window] & (np.hypot(x, y) <= size_px / 2)
    limit = np.floor(contrast)
    after = np.clip(before + near[..., None] * np.clip(np.rint(change), -limit, limit), 0, top)
    result, mask = pixels.copy(), np.zeros(within.shape, bool)
    result[window] = after.astype(pixels.dtype).reshape(pixels[window].shape)
    mask[window] = (after != before).any(axis=-1)
    return result, mask


def _draw(kind: str, x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Return the change by a kind, see KINDS; drawn only where it is kept, if that is enough."""
    if kind not in DRAWN_ALONE:
        return KINDS[kind](x, y, rng, size_px, before)
    inner = np.ix_(np.abs(y[:, 0]) <= size_px / 2, np.abs(x[0]) <= size_px / 2)
    change = np.zeros((*x.shape, 1), np.float32)
    change[inner] = KINDS[kind](x[inner], y[inner], rng, size_px, before)
    return change


def _check(pixels: Array, kind: str, numbers: tuple[float, float], within: Array) -> None:
    """Refuse what `paste_defect` cannot draw or draw into."""
    if pixels.dtype not in (np.uint8, np.uint16) or pixels.ndim not in (2, 3) or not pixels.size:
        raise ValueError(
            "pixels must be (H, W) or (H, W, c) of uint8 or uint16, and not empty; got "
            f"{pixels.shape} of {pixels.dtype}"
        )
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {kind!r}")
    if not (LEAST_PX <= numbers[0] < np.inf and 1 <= numbers[1] < np.inf):
        raise ValueError(
            f"size_px must be at least {LEAST_PX:g} and contrast at least 1; got {numbers[0]:g} "
            f"and {numbers[1]:g}"
        )
    if within.shape != pixels.shape[:2] or within.dtype != bool or not within.any():
        raise ValueError(
            f"within must be {pixels.shape[:2]} of bool, with a pixel in it; got {within.shape} "
            f"of {within.dtype} with {np.count_nonzero(within)}"
        )


def _scratch(x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Draw a groove with a burr along one side, thin at its ends."""
    points = _through_middle(rng, size_px, 0.05)
    distance, along = polyline_distance(x, y, points)
    width = np.float32(max(0.7, size_px / 40)) * np.sqrt(np.clip(4 * along * (1 - along), 0, 1))
    burr, _ = polyline_distance(x - 1, y - 1, points)
    groove = coverage(distance - width, 1.0)
    change: Array = groove - np.float32(0.5) * (1 - groove) * coverage(burr - width, 1.0)
    return change[..., None]


def _crack(x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Draw a jagged gap that narrows to its end, with one branch."""
    trunk = _through_middle(rng, size_px, 0.35)
    (x0, y0), (x1, y1) = trunk[4], trunk[5]
    angle = float(np.arctan2(y1 - y0, x1 - x0)) + float(rng.choice([-0.6, 0.6]))
    branch = random_polyline(rng, trunk[4], angle, size_px / 3, 0.35)
    gap = np.zeros(x.shape, np.float32)
    for points in (trunk, branch):
        distance, along = polyline_distance(x, y, points)
        half = np.float32(max(0.6, size_px / 50)) * (np.float32(1.1) - along)
        gap = np.maximum(gap, coverage(distance - half, 1.0))
    return gap[..., None]


def _pit(x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Press a hollow into the surface, its rim lit on one side."""
    angle = float(rng.uniform(0, 2 * np.pi))
    across = x * np.float32(np.cos(angle)) + y * np.float32(np.sin(angle))
    distance = np.hypot(x, y) / np.float32(size_px / 2)
    hollow = np.clip(1 - (distance / np.float32(0.85)) ** 2, 0, 1) ** np.float32(0.7)
    rim = np.exp(-(((distance - np.float32(0.85)) / np.float32(0.12)) ** 2)) * (across > 0)
    change: Array = hollow - np.float32(0.6) * rim
    return change[..., None]


def _stain(x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Lay a film with a strong edge over the surface, of a colour where the surface has one."""
    distance = _ragged(x, y, rng, size_px)
    film = coverage(distance, max(1.0, size_px / 10))
    edge = np.exp(-((distance / np.float32(max(1.0, size_px / 12))) ** 2))
    tint = rng.uniform(0.3, 1.0, (before.shape[2],))
    if not np.ptp(before, axis=2).any():  # a grey picture, whatever its channels
        tint[:] = 1
    change: Array = film * (np.float32(0.7) + np.float32(0.3) * edge)
    return change[..., None] * (tint / tint.max()).astype(np.float32)


def _missing(x: Array, y: Array, rng: Random, size_px: float, before: Array) -> Array:
    """Replace a ragged patch by what surrounds it; return the change in grey levels."""
    cover = coverage(_ragged(x, y, rng, size_px), 1.0)
    change: Array = cover[..., None] * (fill_in(before, cover == 0) - before)
    return change


KINDS: dict[str, Callable[[Array, Array, Random, float, Array], Array]] = {
    "scratch": _scratch,
    "pit": _pit,
    "stain": _stain,
    "crack": _crack,
    "missing": _missing,
}
"""How each is drawn: from x and y, (h, w) float32 pixels from the middle, a generator, the size and
the values, (h, w, c) float32, to (h, w, 1 or c), in [-1, 1]; a missing part, in grey levels."""
DRAWN_ALONE = "scratch", "pit", "crack"
"""The kinds that do not depend on what surrounds them."""


def _through_middle(rng: Random, length_px: float, bend: float) -> list[tuple[float, float]]:
    """Draw a polyline in any direction, its middle point at the origin."""
    points = random_polyline(rng, (0.0, 0.0), float(rng.uniform(0, 2 * np.pi)), length_px, bend)
    middle_x, middle_y = points[len(points) // 2]
    return [(point_x - middle_x, point_y - middle_y) for point_x, point_y in points]


def _ragged(x: Array, y: Array, rng: Random, size_px: float) -> Array:
    """Return the signed distance, roughly, to a ragged outline of about a diameter."""
    rough = fractal_noise(rng, (x.shape[0], x.shape[1]), max(size_px / 3, 2.0), 2)
    outline = np.float32(0.42) + np.float32(0.06) * np.clip(rough, -2, 2)
    distance: Array = np.hypot(x, y) - np.float32(size_px) * outline
    return distance


def fill_in(values: Array, known: Array) -> Array:
    """Fill unknown pixels smoothly from the known ones around them: pull-push over a pyramid.

    Args:
        values: (h, w, c) float32; not changed.
        known: (h, w) bool.

    Returns:
        (h, w, c) float32; known pixels as they were, all of them where none is known.

    Source: Gortler et al., The Lumigraph, 1996, section 3.4.
    """
    if known.all() or not known.any():
        return values
    height, width = known.shape
    odd = ((0, height % 2), (0, width % 2))
    weights = np.pad(known, odd)[..., None].astype(np.float32)
    sums, counts = (
        padded.reshape(weights.shape[0] // 2, 2, weights.shape[1] // 2, 2, -1).sum(axis=(1, 3))
        for padded in (np.pad(values, (*odd, (0, 0))) * weights, weights)
    )
    coarse = fill_in(sums / np.maximum(counts, 1), counts[..., 0] > 0)
    smooth = np.pad(coarse.repeat(2, 0).repeat(2, 1), ((1, 1), (1, 1), (0, 0)), "edge")
    smooth = (smooth[:-2] + 2 * smooth[1:-1] + smooth[2:]) / 4
    smooth = (smooth[:, :-2] + 2 * smooth[:, 1:-1] + smooth[:, 2:]) / 4
    return np.where(known[..., None], values, smooth[:height, :width])
