"""Limits as a revision stores them, with the scores of good pictures that they rest on."""

import numpy as np

from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Limits
from goldensample.records import Array, Calibration


def limits_of(inspector: Inspector) -> tuple[Limits, ...]:
    """Return an inspector's limits, and the scores they rest on, as a revision stores them."""
    limits = []
    for precision, threshold in inspector.thresholds.items():
        calib = inspector.calibrations.get(precision)
        peaks = None if calib is None or calib.peaks is None else tuple(calib.peaks.tolist())
        scores = tuple(calib.scores.tolist()) if calib else ()
        watched = inspector.habits.held_out.get(precision) if inspector.habits else None
        rows = () if watched is None else to_tuples(watched)
        limits.append(Limits(precision, threshold, scores, peaks, rows))
    return tuple(limits)


def to_tuples(table: Array) -> tuple[tuple[float, ...], ...]:
    """Return the rows of an array as tuples, as a revision stores them."""
    return tuple(map(tuple, table.tolist()))


def restore_calibration(limits: Limits, known: Calibration | None) -> Calibration:
    """Return the scores that limits rest on; opinions are known of those in use before alone."""
    scores, peaks = np.array(limits.scores), limits.peaks
    same = known is not None and np.array_equal(known.scores, scores)
    opinions = known.opinions if known and same else None
    return Calibration(scores, None if peaks is None else np.array(peaks), opinions)
