"""Limits for other rates of false alarms, from the stored calibration scores."""

from dataclasses import replace

from goldensample.calibration.conformal import MIN_ESTIMATED, MIN_TAIL_SCORES, required_count
from goldensample.calibration.tradeoff import EXTRAPOLATION
from goldensample.fitting.calibrate import Promise, compute_limits
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.revision import CALIBRATE, Revision
from goldensample.learning.revisions import Note, apply_journal, open_journal
from goldensample.learning.stored_limits import limits_of
from goldensample.records import Calibration, Threshold


def set_rates(
    inspector: Inspector, false_alarms: float, review: float | None, note: Note
) -> Inspector:
    """Recompute the limits for other rates, from the scores that they rest on now.

    Limits in precisions whose scores are not stored are removed.

    Args:
        inspector: fitted with PatchCore, with limits that still hold; not changed.
        false_alarms: in (0, 1).
        review: a larger rate, or None for two verdicts alone.
        note: when and why.

    Raises:
        ValueError: no scores are stored, or there are too few for a rate.
    """
    journal = open_journal(inspector)
    calibration_of(inspector)
    thresholds = {
        precision: limits_for_rates(inspector, calibration, false_alarms, review)
        for precision, calibration in inspector.calibrations.items()
    }
    changed = replace(inspector, thresholds=thresholds)
    revision = Revision(CALIBRATE, note.time, note.reason, limits=limits_of(changed))
    return apply_journal(inspector, journal.add_revision(revision))


def calibration_of(inspector: Inspector) -> Calibration:
    """Return the scores of good pictures that the limits rest on.

    Raises:
        ValueError: there are none.
    """
    calibration = inspector.calibrations.get(inspector.backbone.precision)
    if calibration is None:
        raise ValueError(
            "limits must rest on good pictures kept out of the bank; none are known here, or rows "
            "went that they relied on; fit anew on more pictures, or set the limits with golden "
            "learn --calibrate"
        )
    return calibration


def limits_for_rates(
    inspector: Inspector, calibration: Calibration, false_alarms: float, review: float | None
) -> Threshold:
    """Return the limits for other rates; a rate too small to guarantee is estimated.

    Raises:
        ValueError: there are too few scores even for an estimate.
    """
    kind, n = promise_kind(inspector, calibration), len(calibration.scores)
    for rate in (false_alarms, *([] if review is None else [review])):
        if not supports_rate(n, rate, kind):
            raise ValueError(
                f"a rate of {rate:g} must rest on {required_count(rate)} good pictures kept out; "
                f"there are {n}; choose a larger rate, or fit anew on more pictures"
            )
    if kind == "split" and n < required_count(false_alarms):
        kind = "estimate"
    return compute_limits(calibration, Promise(false_alarms, review, kind))


def supports_rate(n: int, rate: float, kind: str = "split") -> bool:
    """Return whether n good pictures guarantee a rate, or allow an estimate of it.

    Fewer than MIN_TAIL_SCORES allow one where they were scored for that, with copies.
    """
    least = MIN_TAIL_SCORES if kind == "split" else MIN_ESTIMATED
    return required_count(rate) <= n or (n >= least and rate * (n + 1) * EXTRAPOLATION >= 1)


def promise_kind(inspector: Inspector, calibration: Calibration) -> str:
    """Return the calibration scheme of scores: "split", or "estimate" if fold detectors gave them.

    The limits in use may be an estimate only because their rate is too small to guarantee: the
    journal has the kinds of all limits that ever rested on these scores.
    """
    journal, scores = open_journal(inspector), tuple(calibration.scores.tolist())
    kinds = {
        limit_set.threshold.kind
        for number in journal.lineage(journal.head)
        for limit_set in journal.revisions[number].limits or ()
        if limit_set.scores == scores
    }
    return "split" if "split" in kinds else "estimate"
