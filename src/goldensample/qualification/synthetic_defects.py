"""The section on synthetic defects: what is found by size and contrast, and where it is blind."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from goldensample.locales.language import gettext, mark
from goldensample.qualification.maps import Counts, blind_figure, grid_figure
from goldensample.qualification.paper import Cell, Section, Table
from goldensample.qualification.synthetic_trials import Synthetic
from goldensample.records import Array
from goldensample.report.words import fraction, number, percent
from goldensample.synthetic.defects import KINDS
from goldensample.synthetic.plan import CONTRASTS, LEVELS

NAMES = {
    "scratch": mark("scratches"),
    "pit": mark("pits"),
    "stain": mark("stains"),
    "crack": mark("cracks"),
    "missing": mark("missing parts"),
}
NOT_MAPPED = "missing"
"""The kind that cannot be drawn everywhere, so that zones with and without it do not compare."""
DOUBT = 0.05
"""Chance that a zone is called blind where none is, at most."""


def synthetic_defects(result: Synthetic | None, mm_per_px: float | None) -> Section:
    """Return what of the synthetic defects was found.

    Args:
        result: of the trials; None where no good picture was called good.
        mm_per_px: millimetres of a pixel; None leaves sizes in pixels.
    """
    about: dict[str, Any] = {
        "key": "synthetic", "title": gettext("Synthetic defects"),
        "shows_not": gettext(
            "How many real defects are found: these are computed, without depth, and without "
            "light that falls otherwise. They compare sizes, contrasts and places with each other, "
            "and are counted nowhere else in this paper."
        ),
    }  # fmt: skip
    if result is None or not len(result.found):
        none = gettext("None could be drawn: no good picture was called good.")
        return Section(**about, answer=[none], rests_on=none, values={"drawn": 0})
    unit = "mm" if mm_per_px else gettext("pixels")
    sizes = (result.sizes * (mm_per_px or 1.0)).tolist()
    zones = _zones(result)
    blind = _blind(zones)
    cells = {gettext(NAMES[kind]): _grid(result, kind) for kind in KINDS}
    return Section(
        **about,
        answer=[*_words(result, sizes, unit), *_places(zones, blind)],
        rests_on=_rests_on(result, sizes, unit),
        values=_values(result, sizes, unit, zones),
        tables=[_by_size(cells, sizes, unit), _by_contrast(cells)],
        figures=[
            grid_figure(cells, sizes, CONTRASTS, unit),
            blind_figure(zones, result.model, result.seen, blind),
        ],
    )


def _grid(result: Synthetic, kind: str) -> list[list[Counts]]:
    """Return found and drawn of a kind, rows of contrasts of sizes."""
    counts = np.zeros((LEVELS, LEVELS, 2), int)
    for one, found in zip(result.drawn, result.found.tolist(), strict=True):
        if one.kind == kind:
            counts[one.contrast, one.size] += (found, 1)
    return [[(found, drawn) for found, drawn in row] for row in counts.tolist()]


def _zones(result: Synthetic) -> Array:
    """Return found and drawn in each zone, (5, 5, 2) int, without missing parts."""
    counts = np.zeros((LEVELS, LEVELS, 2), int)
    for one, found in zip(result.drawn, result.found.tolist(), strict=True):
        if one.kind != NOT_MAPPED:
            counts[one.zone] += (found, 1)
    return counts


def _blind(zones: Array) -> Array:
    """Return (5, 5) bool, where less is found than elsewhere by more than chance (binomial)."""
    from scipy.stats import binom

    found, drawn = zones[..., 0], zones[..., 1]
    share = found.sum() / max(1, drawn.sum())
    below: Array = binom.cdf(found, drawn, share) < DOUBT / LEVELS**2
    return below & (drawn > 0)


def _words(result: Synthetic, sizes: Sequence[float], unit: str) -> list[str]:
    """Return how many were found, the kinds in their order, and the limits of what is found."""
    kinds = np.array([one.kind for one in result.drawn])
    shares = {k: float(result.found[kinds == k].mean()) for k in KINDS if (kinds == k).any()}
    order = sorted(shares, key=lambda kind: -shares[kind])
    easy = np.array([min(one.size, one.contrast) >= LEVELS - 2 for one in result.drawn])
    found = int(result.found.sum())
    known = {
        "sum": fraction(found, len(result.found)),
        "order": ", ".join(f"{gettext(NAMES[kind])} ({percent(shares[kind])})" for kind in order),
        "large": fraction(int(result.found[easy].sum()), int(easy.sum())),
        "size": number(sizes[LEVELS - 2]), "unit": unit, "contrast": f"{CONTRASTS[LEVELS - 2]:g}",
    }  # fmt: skip
    text = gettext("Found of the synthetic defects, faint and tiny ones among them: %(sum)s.")
    large = gettext(
        "Of those of at least %(size)s %(unit)s and a contrast of at least %(contrast)s: %(large)s."
    )
    kind = gettext("From the kind found most often to the one found least: %(order)s.")
    return [line % known for line in (text, large, kind)]


def _places(zones: Array, blind: Array) -> list[str]:
    """Return where it is blind, or that no place stands out."""
    names = [
        gettext("row %(row)s, column %(column)s (%(found)s of %(drawn)s)")
        % {"row": row + 1, "column": column + 1, "found": found, "drawn": drawn}
        for (row, column), (found, drawn) in zip(
            np.argwhere(blind).tolist(), zones[blind].tolist(), strict=True
        )
    ]
    if names:
        text = gettext("Less is found, by more than chance, in these zones: %(names)s.")
        return [text % {"names": "; ".join(names)}]
    return [gettext("No zone of the part stands out by more than chance as one where it is blind.")]


def _rests_on(result: Synthetic, sizes: Sequence[float], unit: str) -> str:
    text = gettext(
        "%(drawn)s defects, each drawn alone, with fixed seeds, into one of %(pictures)s good "
        "pictures that are called good: kinds, sizes from %(least)s to %(most)s %(unit)s, "
        "contrasts from %(faint)s to %(strong)s grey levels of 255, and 25 zones, crossed evenly. "
        "Found means that the picture is called a defect and marked there. %(undrawn)s more could "
        "not be drawn, as a missing part of an even surface; zones are compared without missing "
        "parts."
    )
    return text % {
        "drawn": len(result.found), "pictures": result.pictures, "undrawn": result.undrawn,
        "least": number(sizes[0]), "most": number(sizes[-1]), "unit": unit,
        "faint": f"{CONTRASTS[0]:g}", "strong": f"{CONTRASTS[-1]:g}",
    }  # fmt: skip


def _by_size(cells: dict[str, list[list[Counts]]], sizes: Sequence[float], unit: str) -> Table:
    heads = [gettext("found, by size in %(unit)s") % {"unit": unit}, *map(number, sizes)]
    rows = [
        [name, *(_said([row[k] for row in grid]) for k in range(LEVELS))]
        for name, grid in cells.items()
    ]
    return Table(heads, rows)


def _by_contrast(cells: dict[str, list[list[Counts]]]) -> Table:
    heads = [gettext("found, by contrast in grey levels"), *(f"{one:g}" for one in CONTRASTS)]
    return Table(heads, [[name, *map(_said, grid)] for name, grid in cells.items()])


def _said(counts: Sequence[Counts]) -> str:
    found, drawn = (sum(one[k] for one in counts) for k in (0, 1))
    return f"{found} / {drawn}"


def _values(result: Synthetic, sizes: list[float], unit: str, zones: Array) -> dict[str, Any]:
    """Return all figures; cells are kind, size, contrast, found and drawn."""
    cells: list[list[Cell]] = [
        [kind, sizes[size], CONTRASTS[contrast], *counts]
        for kind in KINDS
        for contrast, row in enumerate(_grid(result, kind))
        for size, counts in enumerate(row)
    ]
    places = [[r + 1, c + 1, *zones[r, c].tolist()] for r, c in np.ndindex(zones.shape[:2])]
    return {
        "drawn": len(result.found), "found": int(result.found.sum()), "undrawn": result.undrawn,
        "pictures": result.pictures, "unit": unit, "cells": cells, "zones": places,
    }  # fmt: skip
