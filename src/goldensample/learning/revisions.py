"""Updates of a fitted inspector, each a revision of its journal, so that all can be undone.

Only PatchCore can learn: its bank is made of patches, each of which came from a picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.drift.measures import ReferenceStatistics
from goldensample.fitting.calibrate import Promise, calibrate
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.inspection.journal import Journal
from goldensample.inspection.revision import CALIBRATE, DROP, FIT, LIMIT, REVERT, Revision
from goldensample.learning.stored_limits import (
    current_threshold,
    know_composition,
    limits_in,
    limits_of,
    of_patches_alone,
    restore_calibration,
    to_tuples,
)
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Picture, Pictures


@dataclass(frozen=True, slots=True)
class Note:
    """What a caller adds to a revision.

    Args:
        time: ISO 8601.
        reason: free text of the user.
        cost: largest share of good pictures that teaching a defect may turn into false alarms.

    Raises:
        ValueError: the cost is out of its range.
    """

    time: str
    reason: str = ""
    cost: float = 0.01

    def __post_init__(self) -> None:
        if not 0 < self.cost < 1:
            raise ValueError(f"cost must be in (0, 1); got {self.cost:g}")


def open_journal(inspector: Inspector) -> Journal:
    """Return the journal, or a new one of a fresh fit: its rows, and one revision."""
    detector = patchcore_of(inspector)
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
                to_tuples(inspector.habits.values) if inspector.habits else (),
                limits_of(inspector),
            ),
        ),
    ).sign()


def patchcore_of(inspector: Inspector) -> PatchCoreDetector:
    """Return the PatchCore detector of an inspector; no other method can learn."""
    detector = inspector.detector
    if isinstance(detector, PatchCoreDetector):
        return detector
    got, how = inspector.method_name, "fit with --method patchcore"
    raise ValueError(f"an inspector that learns must be a patchcore fit; got {got}; {how}")


def silent_composition(inspector: Inspector, number: int | None = None) -> bool:
    """Return whether what pictures are composed of is no longer judged: see `of_bank`, `scope`.

    Args:
        number: of a revision; None for the one in use.
    """
    if patchcore_of(inspector).composition is None:
        return False
    journal = open_journal(inspector)
    number = journal.head if number is None else number
    is_learned = journal.born[journal.active(number) & ~journal.defects] > 0
    is_known = know_composition(limits_in(journal, number))
    return bool(is_learned.any()) or not is_known or journal.scope(number) != journal.scope(0)


def drop_rows(inspector: Inspector, rows: Array, note: Note) -> Inspector:
    """Remove rows of the bank, by their numbers in the detector's bank."""
    journal = open_journal(inspector)
    numbers = np.flatnonzero(journal.active(journal.head) & ~journal.defects)[rows]
    revision = Revision(DROP, note.time, note.reason)
    return apply_journal(inspector, journal.add_revision(revision, dropped=np.sort(numbers)))


def teach_defect(
    inspector: Inspector, missed: TrainingPicture, patches: tuple[Array, Array], note: Note
) -> Inspector:
    """Raise the distances of patches near those of a defect, see `methods.corrections`.

    Args:
        missed: the defect's picture.
        patches: (q, d) float32, and their (q, 2) centres as shares of the canvas.
    """
    journal, number = open_journal(inspector), len(inspector.pictures)
    origins = np.hstack([np.full((len(patches[0]), 1), number), patches[1]]).astype(np.float32)
    revision = Revision(LIMIT, note.time, note.reason, (number,))
    extended = replace(inspector, pictures=(*inspector.pictures, missed))
    rows = patches[0].astype(np.float16), origins
    return apply_journal(extended, journal.add_revision(revision, rows))


def recalibrate(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    promise: Promise,
    note: Note,
    others: Sequence[Backbone] = (),
) -> Inspector:
    """Recompute the limits from good pictures that are not in the bank.

    Drift is measured against these pictures alone from now on. Limits in other precisions are
    removed: they rested on other scores.

    Args:
        images: all of them are used; none may have been fitted or learned.
        promise: what the limits must guarantee.
        others: the same network in further precisions to set limits in.

    Raises:
        ValueError: no picture, or too few for the rate.
    """
    journal, indices = open_journal(inspector), np.arange(len(images))
    updated = replace(inspector, thresholds={}, calibrations={})
    for backbone in (inspector.backbone, *others):
        updated = replace(updated, backbone=backbone)
        updated = calibrate(updated, images, promise, [(inspector.detector, indices)])
    revision = Revision(CALIBRATE, note.time, note.reason, limits=limits_of(updated))
    before = replace(inspector, calibrations=updated.calibrations)
    return apply_journal(before, journal.add_revision(revision))


def set_cost(inspector: Inspector, alarms: int, good: int) -> Inspector:
    """Store the cost of the last revision: false alarms that it added among `good` pictures."""
    journal = open_journal(inspector)
    last = replace(journal.revisions[-1], cost=(alarms, good))
    signed = replace(journal, revisions=(*journal.revisions[:-1], last)).sign()
    return replace(inspector, journal=signed)


def revert(inspector: Inspector, number: int, note: Note) -> Inspector:
    """Return to an earlier revision, to the bit; this is itself a revision that can be reverted.

    Raises:
        ValueError: there is no such revision.
    """
    journal = open_journal(inspector)
    if not 0 <= number <= journal.head:
        raise ValueError(
            f"a revision to go back to must be in 0 to {journal.head}; got {number}; golden "
            "history lists them"
        )
    revision = Revision(REVERT, note.time, note.reason)
    return apply_journal(inspector, journal.add_revision(revision, parent=number))


def apply_journal(inspector: Inspector, journal: Journal) -> Inspector:
    """Return the inspector in the state of a journal's last revision.

    Raises:
        ValueError: no row is left.
    """
    active, defects = journal.active(journal.head), journal.defects
    rows, taught = active & ~defects, active & defects
    if not rows.any():
        raise ValueError("a bank must keep at least one row; this change takes all; fit anew")
    limit_sets = limits_in(journal, journal.head)
    holds, scope = journal.limits_hold(journal.head), journal.scope(journal.head)
    before, bank = patchcore_of(inspector), journal.bank[rows].astype(np.float32)
    composition = before.composition
    if composition is not None:
        known = know_composition(limit_sets) and scope == journal.scope(0)
        composition = composition.of_bank(bank, journal.born[rows] > 0, known)
        if not composition.speaks:
            limit_sets = tuple(map(of_patches_alone, limit_sets))
    detector = replace(
        before,
        bank=bank,
        composition=composition,
        origins=journal.origins[rows],
        defect_patches=journal.bank[taught].astype(np.float32) if taught.any() else None,
    )
    prepared = inspector.preparation
    return replace(
        inspector,
        preparation=replace(prepared, view=scope.view, zones=scope.zones) if scope else prepared,
        detector=detector,
        thresholds={s.precision: current_threshold(s.threshold, holds) for s in limit_sets},
        calibrations={
            s.precision: restore_calibration(s) for s in limit_sets if holds and s.scores
        },
        journal=journal,
        habits=_update_statistics(inspector.habits, journal),
    )


def _update_statistics(
    statistics: ReferenceStatistics | None, journal: Journal
) -> ReferenceStatistics | None:
    """Return the reference statistics of a journal's last revision; None where the fit had none.

    Pictures that were learned count as good. But they were selected, so drift is not measured
    against them: it is against pictures taken like those that the limits rest on.
    """
    if statistics is None:
        return None
    measures: dict[int, tuple[float, ...]] = {}
    for number in journal.lineage(journal.head):
        revision = journal.revisions[number]
        measures |= zip(revision.pictures, revision.measures, strict=False)
    pictures = journal.pictures(journal.head)
    fitted = np.isin(pictures, journal.revisions[0].pictures)  # they come first
    fit, current = (_drift_measures(journal, k) for k in (0, journal.limits_revision(journal.head)))
    held_out = {precision: np.array(rows) for precision, rows in current.items()}
    values = np.array([measures[number] for number in pictures])
    peers = int(fitted.sum()) if current.items() <= fit.items() else 0
    return replace(statistics, values=values, held_out=held_out, peers=peers)


def _drift_measures(journal: Journal, number: int) -> dict[str, tuple[tuple[float, ...], ...]]:
    """Return the drift measures of the pictures that a revision's limits rest on, by precision."""
    limits = journal.revisions[number].limits or ()
    return {limit.precision: limit.watched for limit in limits if limit.watched}
