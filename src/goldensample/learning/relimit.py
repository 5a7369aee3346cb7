"""Other limits from the good pictures that a fit kept out: no picture is looked at again."""

from dataclasses import replace

from goldensample.calibration.conformal import LEAST, needed
from goldensample.calibration.tradeoff import BEYOND
from goldensample.fitting.calibrate import Promise, limits
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import CALIBRATE, Revision
from goldensample.learning.revisions import Note, limits_of, opened, revised
from goldensample.records import Calibration, Threshold


def relimit(
    inspector: Inspector, false_alarms: float, review: float | None, note: Note
) -> Inspector:
    """Set the limits for other rates, on the scores that they rest on now.

    Limits in precisions whose scores are not kept go.

    Args:
        inspector: fitted with PatchCore, with limits that still hold; not changed.
        false_alarms: in (0, 1).
        review: a larger rate, or None for two verdicts alone.
        note: when and why.

    Raises:
        ValueError: no scores are kept, or there are too few for a rate.
    """
    journal = opened(inspector)
    calibration(inspector)
    anew = {
        precision: proposed(inspector, known, false_alarms, review)
        for precision, known in inspector.calibrations.items()
    }
    changed = replace(inspector, thresholds=anew)
    revision = Revision(CALIBRATE, note.time, note.reason, limits=limits_of(changed))
    return revised(inspector, journal.extended(revision))


def calibration(inspector: Inspector) -> Calibration:
    """Return the scores of good pictures that the limits rest on.

    Raises:
        ValueError: there are none.
    """
    known = inspector.calibrations.get(inspector.backbone.precision)
    if known is None:
        raise ValueError(
            "limits must rest on good pictures kept out of the bank; none are known here, or rows "
            "went that they relied on; fit anew on more pictures, or set the limits with golden "
            "learn --calibrate"
        )
    return known


def proposed(
    inspector: Inspector, known: Calibration, false_alarms: float, review: float | None
) -> Threshold:
    """Return the limits that other rates would have; a rate too small to promise is estimated.

    Raises:
        ValueError: there are too few scores even for an estimate.
    """
    kind, n = kind_of(inspector, known), len(known.scores)
    for rate in (false_alarms, *([] if review is None else [review])):
        if not tells_of(n, rate):
            raise ValueError(
                f"a rate of {rate:g} must rest on {needed(rate)} good pictures kept out; there are "
                f"{n}; choose a larger rate, or fit anew on more pictures"
            )
    if kind == "split" and n < needed(false_alarms):
        kind = "estimate"
    return limits(known, Promise(false_alarms, review, kind))


def tells_of(n: int, rate: float) -> bool:
    """Return whether n good pictures promise a rate, or allow an estimate of it."""
    return needed(rate) <= n or (n >= LEAST and rate * (n + 1) * BEYOND >= 1)


def kind_of(inspector: Inspector, known: Calibration) -> str:
    """Return what can be promised on scores: "split", unless other detectors gave them.

    An estimate for a rate too small to promise leaves no doubt of the scores: the journal tells
    whether they ever carried a promise.
    """
    journal, scores = opened(inspector), tuple(known.scores.tolist())
    kinds = {
        one.threshold.kind
        for number in journal.line(journal.head)
        for one in journal.revisions[number].limits or ()
        if one.scores == scores
    }
    return "split" if "split" in kinds else "estimate"
