"""Changes to a fitted inspector, each a revision of its journal, so that all can be undone.

Only PatchCore can learn: its bank is made of patches, each of which came from a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.drift.measures import Habits
from goldensample.fitting.calibrate import Promise, calibrated
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.inspection.journal import (
    CALIBRATE,
    DROP,
    FIT,
    LIMIT,
    REVERT,
    Journal,
    Limits,
    Revision,
)
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Calibration, Picture, Pictures, Threshold


@dataclass(frozen=True, slots=True)
class Note:
    """What a door adds to a change.

    Args:
        time: ISO 8601.
        reason: in the user's words.
        cost: largest share of good pictures that a defect that is taught may make false alarms.

    Raises:
        ValueError: the cost is out of its range.
    """

    time: str
    reason: str = ""
    cost: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.cost < 1:
            raise ValueError(f"cost must be in (0, 1); got {self.cost:g}")


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
        (
            Revision(
                FIT,
                "",
                "",
                tuple(range(len(inspector.pictures))),
                rows_of(inspector.habits.values) if inspector.habits else (),
                limits_of(inspector),
            ),
        ),
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
    promise: Promise,
    note: Note,
    others: Sequence[Backbone] = (),
) -> Inspector:
    """Set the limits anew from good pictures that are not in the bank.

    What the scene is watched by rests on these pictures alone from now on. Limits in precisions
    that are not given go: they rested on other scores.

    Args:
        images: all of them are used; none may have been fitted or learned.
        promise: that the limits are to keep.
        others: the same network in the other precisions that limits are wanted in.

    Raises:
        ValueError: no picture, or too few for the rate.
    """
    journal, every = opened(inspector), np.arange(len(images))
    anew = replace(inspector, thresholds={}, calibrations={})
    for backbone in (inspector.backbone, *others):
        used = replace(anew, backbone=backbone)
        anew = calibrated(used, images, promise, [(inspector.detector, every)])
    revision = Revision(CALIBRATE, note.time, note.reason, limits=limits_of(anew))
    return revised(inspector, journal.extended(revision))


def costed(inspector: Inspector, alarms: int, good: int) -> Inspector:
    """Add to the last revision what it costs: false alarms that it added among good pictures."""
    journal = opened(inspector)
    last = replace(journal.revisions[-1], cost=(alarms, good))
    counted = replace(journal, revisions=(*journal.revisions[:-1], last)).signed()
    return replace(inspector, journal=counted)


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
        habits=_habits(inspector.habits, journal),
    )


def _habits(before: Habits | None, journal: Journal) -> Habits | None:
    """Return the habits that a journal's last revision says; None where the fit knew none.

    Pictures that were learned are good, and usual from then on. But they were chosen, so the scene
    is not compared with them: it is with pictures made like those that the limits rest on.
    """
    if before is None:
        return None
    measures: dict[int, tuple[float, ...]] = {}
    for at in journal.line(journal.head):
        revision = journal.revisions[at]
        measures |= zip(revision.pictures, revision.measures, strict=False)
    pictures = journal.pictures(journal.head)
    fitted = np.isin(pictures, journal.revisions[0].pictures)  # they come first
    first, now = (_watched(journal, number) for number in (0, journal.limited_by(journal.head)))
    known = {precision: np.array(rows) for precision, rows in now.items()}
    values = np.array([measures[number] for number in pictures])
    peers = int(fitted.sum()) if now.items() <= first.items() else 0
    return replace(before, values=values, known=known, peers=peers)


def _watched(journal: Journal, number: int) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return what was watched on the pictures that a revision's limits rest on, by precision."""
    limits = journal.revisions[number].limits or ()
    return {one.precision: one.watched for one in limits if one.watched}


def limits_of(inspector: Inspector) -> tuple[Limits, ...]:
    """Return an inspector's limits, and what they rest on, as a revision keeps them."""
    found = []
    for precision, threshold in inspector.thresholds.items():
        known = inspector.calibrations.get(precision)
        peaks = None if known is None or known.peaks is None else tuple(known.peaks.tolist())
        scores = tuple(known.scores.tolist()) if known else ()
        watched = inspector.habits.known.get(precision) if inspector.habits else None
        rows = () if watched is None else rows_of(watched)
        found.append(Limits(precision, threshold, scores, peaks, rows))
    return tuple(found)


def rows_of(table: Array) -> tuple[tuple[float, ...], ...]:
    """Return the rows of an array as a revision keeps them."""
    return tuple(map(tuple, table.tolist()))


def _promised(threshold: Threshold, keeps: bool) -> Threshold:
    """Return limits, without their promise where a change may have raised a distance."""
    if keeps:
        return threshold
    return Threshold(
        threshold.score, threshold.pixel, None, threshold.held_out, "hand", threshold.review
    )
