"""A plan of synthetic defects: kinds, sizes, contrasts and places, crossed evenly."""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array
from goldensample.synthetic.defects import KINDS, LEAST_PX, paste_defect

LEVELS = 5
"""Of sizes, contrasts, and rows and columns of zones; as many as kinds."""
PLANNED = LEVELS**4
CONTRASTS = (8.0, 16.0, 32.0, 64.0, 128.0)
"""Largest change of a value, of 255."""
SMALLEST, LARGEST = 0.0125, 0.2
"""Sizes as shares of the shorter side of what is looked at."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One defect: its kind, levels of size and contrast from 0, and the zone it lies in.

    Args:
        number: in the plan, the seed it is drawn with.
        kind: a key of KINDS.
        size, contrast: levels, from the smallest and the faintest.
        zone: row and column.
    """

    number: int
    kind: str
    size: int
    contrast: int
    zone: tuple[int, int]


def crossed() -> list[Planned]:
    """Return 625 defects, of which every four of kind, size, contrast, row and column are crossed
    in full: each zone gets each pair of kind, size and contrast once.

    Source: an orthogonal array of strength 4; Hedayat, Sloane and Stufken, Orthogonal arrays, 1999.
    """
    levels = range(LEVELS)
    every = [(k, s, r, c) for k in levels for s in levels for r in levels for c in levels]
    kinds = list(KINDS)
    return [
        Planned(number, kinds[k], s, (k + 2 * s + r + 3 * c) % LEVELS, (r, c))
        for number, (k, s, r, c) in enumerate(every)
    ]


def sizes_px(side_px: float) -> Array:
    """Return the sizes of the levels for the shorter side of what is looked at, (5,) float64."""
    least = max(LEAST_PX, SMALLEST * side_px)
    return np.geomspace(least, max(LARGEST * side_px, 2 * LEAST_PX), LEVELS)


def zones(seen: Array) -> Array:
    """Return (H, W) int, the zone of each pixel: row * LEVELS + column; -1 where none is looked at.

    Args:
        seen: (H, W) bool, the pixels that are looked at; their box is divided evenly.
    """
    index = np.full(seen.shape, -1)
    spans = [np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0)]
    row, column = (
        np.clip(LEVELS * (np.arange(side) - span[0]) // (span[-1] + 1 - span[0]), 0, LEVELS - 1)
        for side, span in zip(seen.shape, spans, strict=True)
    )
    every = row[:, None] * LEVELS + column
    index[seen] = every[seen]
    return index


def paste_planned(
    pixels: Array, planned: Planned, size_px: float, index: Array
) -> tuple[Array, Array] | None:
    """Return a picture with the defect, and where it is; None where it cannot be drawn.

    That is where nothing of its zone is looked at, or no value changes by half of the contrast, as
    by a missing part of an even surface.

    Args:
        pixels: (H, W, c) uint8; not changed.
        planned: what to draw.
        size_px: of its level.
        index: see `zones`.
    """
    rng = np.random.default_rng(planned.number)
    inside = np.flatnonzero(index == planned.zone[0] * LEVELS + planned.zone[1])
    if not len(inside):
        return None
    middle = divmod(int(inside[rng.integers(len(inside))]), index.shape[1])
    contrast = CONTRASTS[planned.contrast]
    after, mask = paste_defect(
        pixels, planned.kind, rng, size_px=size_px, contrast=contrast, middle=middle,
        within=index >= 0,
    )  # fmt: skip
    change = np.abs(after[mask].astype(int) - pixels[mask])
    return (after, mask) if change.max(initial=0) >= contrast / 2 else None
