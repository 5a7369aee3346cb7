"""Limits as a revision stores them, with the scores of good pictures that they rest on."""

from dataclasses import replace

import numpy as np

from goldensample.fitting.calibrate import Promise, compute_limits
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal
from goldensample.inspection.revision import Limits
from goldensample.records import Array, Calibration, Threshold


def limits_of(inspector: Inspector) -> tuple[Limits, ...]:
    """Return an inspector's limits, and the scores they rest on, as a revision stores them."""
    limits = []
    for precision, threshold in inspector.thresholds.items():
        calib = inspector.calibrations.get(precision)
        peaks = None if calib is None or calib.peaks is None else tuple(calib.peaks.tolist())
        scores = tuple(calib.scores.tolist()) if calib else ()
        watched = inspector.habits.held_out.get(precision) if inspector.habits else None
        rows = () if watched is None else to_tuples(watched)
        judged = None if calib is None or calib.opinions is None else to_tuples(calib.opinions)
        opinions = None if judged is None else tuple((by, other) for by, other in judged)
        limits.append(Limits(precision, threshold, scores, peaks, rows, opinions))
    return tuple(limits)


def to_tuples(table: Array) -> tuple[tuple[float, ...], ...]:
    """Return the rows of an array as tuples, as a revision stores them."""
    return tuple(map(tuple, table.tolist()))


def limits_in(journal: Journal, number: int) -> tuple[Limits, ...]:
    """Return the limits that hold in a revision, one set for each precision."""
    return journal.revisions[journal.limits_revision(number)].limits or ()


def know_composition(limit_sets: tuple[Limits, ...]) -> bool:
    """Return whether the pictures that limits rest on have a score by composition."""
    return all(limits.opinions for limits in limit_sets if limits.scores)


def restore_calibration(limits: Limits) -> Calibration:
    """Return the scores that limits rest on."""
    scores, peaks, opinions = np.array(limits.scores), limits.peaks, limits.opinions
    return Calibration(
        scores,
        None if peaks is None else np.array(peaks),
        None if opinions is None else np.array(opinions),
    )


def of_patches_alone(limits: Limits) -> Limits:
    """Return limits for the scores by patches, with the rates that were for the larger of both.

    Limits that were set by hand, or without a composition, stay as they are.
    """
    threshold = limits.threshold
    if limits.opinions is None:
        return limits
    alone = replace(limits, scores=tuple(patches for patches, _ in limits.opinions), opinions=None)
    if threshold.false_alarms is None:
        return alone
    promise = Promise(threshold.false_alarms, threshold.review_rate, threshold.kind)
    return replace(alone, threshold=compute_limits(restore_calibration(alone), promise))


def current_threshold(threshold: Threshold, holds: bool) -> Threshold:
    """Return limits, without their guarantee where a revision may have raised a distance."""
    if holds:
        return threshold
    return Threshold(
        threshold.score, threshold.pixel, None, threshold.held_out, "hand", threshold.review
    )
