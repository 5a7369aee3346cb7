"""Changes to a fitted inspector, each a revision of its journal, so that all can be undone.

Only PatchCore can learn: its bank is made of patches, each of which came from a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample import conformal
from goldensample.extracting import as_picture
from goldensample.inspector import Inspector, TrainingPicture
from goldensample.journal import CALIBRATE, DROP, FIT, LIMIT, REVERT, Journal, Limits, Revision
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Calibration, Picture, Pictures, Threshold


@dataclass(frozen=True, slots=True)
class Note:
    """What a door adds to a change: its time (ISO 8601) and the reason, in the user's words."""

    time: str
    reason: str = ""


def opened(inspector: Inspector) -> Journal:
    """Return the journal, or that of a fresh fit: its rows, and one revision."""
    detector = bank_of(inspector)
    if inspector.journal:
        return inspector.journal
    bank = detector.bank.astype(np.float16)
    return Journal(
        bank,
        detector.origins,
        np.zeros(len(bank), np.int32),
        np.empty((0, 2), np.int32),
        (Revision(FIT, "", "", tuple(range(len(inspector.pictures))), limits_of(inspector)),),
    ).signed()


def bank_of(inspector: Inspector) -> PatchCoreDetector:
    """Return the detector of an inspector that can learn."""
    if not isinstance(inspector.detector, PatchCoreDetector):
        raise ValueError(
            f"an inspector that learns must be a patchcore fit; got {inspector.method_name}; fit "
            "with --method patchcore"
        )
    return inspector.detector


def drop(inspector: Inspector, rows: Array, note: Note) -> Inspector:
    """Take rows of the bank out, by their numbers in the detector's bank."""
    journal = opened(inspector)
    numbers = np.flatnonzero(journal.active(journal.head) & ~journal.taught)[rows]
    revision = Revision(DROP, note.time, note.reason)
    return revised(inspector, journal.extended(revision, dropped=np.sort(numbers)))


def limit(
    inspector: Inspector, missed: TrainingPicture, patches: tuple[Array, Array], note: Note
) -> Inspector:
    """Lower what is excused around patches of a defect, see `methods.taught`.

    Args:
        missed: the defect's picture.
        patches: (q, d) float32, and their (q, 2) centres as shares of the canvas.
    """
    journal, number = opened(inspector), len(inspector.pictures)
    places = np.hstack([np.full((len(patches[0]), 1), number), patches[1]]).astype(np.float32)
    revision = Revision(LIMIT, note.time, note.reason, (number,))
    known = replace(inspector, pictures=(*inspector.pictures, missed))
    return revised(known, journal.extended(revision, (patches[0].astype(np.float16), places)))


def recalibrate(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    false_alarms: float,
    note: Note,
) -> Inspector:
    """Set the limits anew, in the precision in use, from good pictures that are not in the bank.

    Limits in other precisions go: they rested on other scores.

    Args:
        images: all of them are used; none may have been fitted or learned.
        false_alarms: in (0, 1).

    Raises:
        ValueError: too few pictures for the rate.
    """
    journal = opened(inspector)
    held = (as_picture(images[index], index) for index in range(len(images)))
    found = list(inspector.inspect_many(held))
    peaks = [one.heat_map.max() for one in found if one.heat_map is not None]
    scores = np.array([one.score for one in found], np.float64)
    known = Calibration(scores, np.array(peaks, np.float64) if peaks else None)
    threshold = Threshold(
        conformal.limit(scores, false_alarms),
        None if known.peaks is None else conformal.limit(known.peaks, false_alarms),
        false_alarms,
        len(scores),
        "split",
    )
    precision = inspector.backbone.precision
    anew = replace(inspector, thresholds={precision: threshold}, calibrations={precision: known})
    revision = Revision(CALIBRATE, note.time, note.reason, limits=limits_of(anew))
    return revised(inspector, journal.extended(revision))


def revert(inspector: Inspector, number: int, note: Note) -> Inspector:
    """Go back to an earlier revision: bank, limits and all are those it left, to the bit.

    It is a change as others are, with that revision as its parent: it can be reverted, too.

    Raises:
        ValueError: there is no such revision.
    """
    journal = opened(inspector)
    if not 0 <= number <= journal.head:
        raise ValueError(
            f"a revision to go back to must be in 0 to {journal.head}; got {number}; golden "
            "history lists them"
        )
    revision = Revision(REVERT, note.time, note.reason)
    return revised(inspector, journal.extended(revision, parent=number))


def revised(inspector: Inspector, journal: Journal) -> Inspector:
    """Return the inspector that a journal's last revision says.

    Raises:
        ValueError: no row is left.
    """
    active, defects = journal.active(journal.head), journal.taught
    rows, taught = active & ~defects, active & defects
    if not rows.any():
        raise ValueError("a bank must keep at least one row; this change takes all; fit anew")
    limits = journal.revisions[journal.limited_by(journal.head)].limits or ()
    keeps = journal.keeps(journal.head)
    detector = replace(
        bank_of(inspector),
        bank=journal.bank[rows].astype(np.float32),
        origins=journal.origins[rows],
        taught=journal.bank[taught].astype(np.float32) if taught.any() else None,
    )
    return replace(
        inspector,
        detector=detector,
        thresholds={one.precision: _promised(one.threshold, keeps) for one in limits},
        calibrations={
            one.precision: Calibration(
                np.array(one.scores), None if one.peaks is None else np.array(one.peaks)
            )
            for one in limits
            if keeps and one.scores
        },
        journal=journal,
    )


def limits_of(inspector: Inspector) -> tuple[Limits, ...]:
    """Return an inspector's limits, and what they rest on, as a revision keeps them."""
    found = []
    for precision, threshold in inspector.thresholds.items():
        known = inspector.calibrations.get(precision)
        peaks = None if known is None or known.peaks is None else tuple(known.peaks.tolist())
        scores = tuple(known.scores.tolist()) if known else ()
        found.append(Limits(precision, threshold, scores, peaks))
    return tuple(found)


def _promised(threshold: Threshold, keeps: bool) -> Threshold:
    """Return limits, without their promise where rows went that they rested on."""
    return (
        threshold if keeps else Threshold(threshold.score, threshold.pixel, review=threshold.review)
    )
