"""What the composition of a picture says, in words."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from goldensample.calibration.conformal import p_value
from goldensample.locales.language import mark
from goldensample.methods.composition import Composition, Unusual
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.methods.protocols import Detector
from goldensample.records import Amount, Array, Calibration, Inspection, Scores, Source

QUARTER_NAMES = mark("upper left"), mark("upper right"), mark("lower left"), mark("lower right")
MISSING = mark("something is missing in the %(quarter)s quarter: %(what)s")
TOO_MUCH = mark("there is too much of something in the %(quarter)s quarter: %(what)s")
AMOUNTS = {
    (True, True): mark(
        "1 patch is like %(picture)s around row %(row)s, column %(column)s, where 1 is usual"
    ),
    (True, False): mark(
        "1 patch is like %(picture)s around row %(row)s, column %(column)s, where %(usual)s are "
        "usual"
    ),
    (False, True): mark(
        "%(found)s patches are like %(picture)s around row %(row)s, column %(column)s, where 1 is "
        "usual"
    ),
    (False, False): mark(
        "%(found)s patches are like %(picture)s around row %(row)s, column %(column)s, where "
        "%(usual)s are usual"
    ),
}
"""Sentences on an amount, by whether one is found and whether one is usual."""


def add_opinions(
    inspection: Inspection,
    judged: tuple[Detector, Scores],
    calibration: Calibration | None,
    source: Callable[[int], Source],
) -> Inspection:
    """Return an inspection with the opinions of patches and composition, if there are two.

    Args:
        judged: by which detector, and its scores of the one picture.
        calibration: of the limits, if there is any.
        source: returns where a bank row came from.
    """
    detector, scores = judged
    if scores.opinions is None or not isinstance(detector, PatchCoreDetector):
        return inspection
    patches, composition = scores.opinions[0].tolist()
    p_values, amounts = None, tuple[Amount, ...]()
    if calibration and calibration.opinions is not None:
        by_patches, by_composition = calibration.opinions.T
        p_values = p_value(by_patches, patches), p_value(by_composition, composition)
    if inspection.verdict not in (None, "good") and composition >= patches:
        amounts = unusual_amounts(detector, scores.nearest[0], source)
    return replace(
        inspection,
        opinions=(patches, composition),
        p_values=p_values,
        amounts=amounts,
        note="; ".join(filter(None, (amounts_note(amounts), inspection.note))),
    )


def unusual_amounts(
    detector: PatchCoreDetector, nearest: Array, source: Callable[[int], Source]
) -> tuple[Amount, ...]:
    """Return what a picture has too few and too many of, by its nearest rows (h, w).

    Returns:
        What tells most first: of fewer than usual one, of more than usual one.
    """
    composition = detector.composition
    assert composition, "only what a composition has decided is explained by it"
    amounts = []
    for one in composition.most_unusual(nearest):
        like = source(_example(composition, detector.origins, one))
        amounts.append(Amount(QUARTER_NAMES[one.quarter], one.found, one.usual, like))
    return tuple(amounts)


def _example(composition: Composition, origins: Array, unusual: Unusual) -> int:
    """Return a bank row of a kind: where it usually is, in the quarter if it ever is there."""
    rows = np.flatnonzero(composition.kinds == unusual.kind)
    near = (origins[rows, 1:] >= 0.5) == np.array(divmod(unusual.quarter, 2), bool)
    if near.all(axis=1).any():
        rows = rows[near.all(axis=1)]
    places = origins[rows, 1:].astype(np.float64)
    from_middle = np.linalg.norm(places - places.mean(axis=0), axis=1)
    return int(rows[np.argmin(from_middle)])


def amounts_note(amounts: Sequence[Amount]) -> str:
    """Return what is missing or too many, in words; "" of nothing."""
    if not amounts:
        return ""
    first = amounts[0]
    text = MISSING if first.found < first.usual else TOO_MUCH
    return text % {"quarter": first.quarter, "what": "; ".join(map(_words, amounts))}


def _words(amount: Amount) -> str:
    like, usual = amount.like, round(amount.usual)
    return AMOUNTS[amount.found == 1, usual == 1] % {
        "found": amount.found,
        "usual": usual,
        "picture": like.picture,
        "row": f"{like.row_px:.0f}",
        "column": f"{like.column_px:.0f}",
    }
