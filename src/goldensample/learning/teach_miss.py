"""Answer a miss: what excused the defect, and what it would cost to have it caught."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.features.extraction import batches, extract
from goldensample.features.store import InMemory
from goldensample.fitting.fit import name_of
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.learning.misses import Excuse, Proposal, Study, Trial
from goldensample.learning.revisions import Note, bank_of, costed, drop, limit
from goldensample.methods.corrections import factors
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.preparation.placement import Placement
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Features, Notify, Picture, Pictures, Scores, silent

PATCHES = 24
"""Patches of the defect that are taught at most: those farthest from the bank."""
BEYOND = 1.05
"""How far beyond the limit rows are taken out."""


def study(
    inspector: Inspector,
    missed: Picture,
    mask: Array,
    good: Pictures | Sequence[Picture],
    note: Note,
    notify: Notify = silent,
) -> Study:
    """Find what excused a defect, and try both ways of having it caught.

    Args:
        missed: a picture of the defect.
        mask: (H, W) bool, True on it.
        good: pictures that the cost is counted on; none of the bank, or it counts too little.
        note: for the journal of what is proposed, and what it may cost.
        notify: told ("teach", good pictures scored, pictures).

    Raises:
        ValueError: the file has no limit, the defect is caught already, no good picture is given,
            or the mask has another size or marks nothing that is inspected.

    Cost: two or three times that of scoring the good pictures.
    """
    detector, threshold = bank_of(inspector), inspector.threshold
    if threshold is None:
        raise ValueError("a miss must have a limit that missed it; this file has none; fit one")
    if not len(good):
        raise ValueError("a miss must have good pictures that the cost is counted on; got none")
    seen, placements = _seen(inspector, [missed])
    found = detector.score(seen[0])
    if found.image[0] > threshold.score:
        raise ValueError(f"a miss must not be caught already; {missed.name} is called a defect")
    marked = cells(mask, missed, placements[0], found)[found.valid[0]]
    if not marked.any():
        raise ValueError(
            f"a mask must mark a part that is inspected; that of {missed.name} does not: nothing "
            "in the bank excused it, and nothing can be taught"
        )
    features: list[Features] = []
    for some in batches(len(good), inspector.preparation):
        features += _seen(inspector, [good[k] for k in some])[0]
    scores = []
    for one in features:
        scores.append(detector.score(one))
        notify("teach", len(scores), len(features))
    names = tuple(name_of(good, index) for index in range(len(good)))
    limits = threshold.score, note.cost
    trial = Trial(seen[0], marked, names, tuple(features), tuple(scores), *limits)
    ways = (_dropping(inspector, trial, note), _limiting(inspector, trial, missed, note))
    return Study(
        float(found.image[0]),
        _excuses(inspector, trial, found),
        tuple(way for way in ways if way),
    )


def cells(mask: Array, picture: Picture, placement: Placement, scores: Scores) -> Array:
    """Return (h, w) bool: the cells of the grid that a mask touches.

    Raises:
        ValueError: the mask has another size than the picture.
    """
    if mask.shape != picture.pixels.shape[:2]:
        raise ValueError(
            f"a mask must have the size of its picture; got {mask.shape} and "
            f"{picture.pixels.shape[:2]}"
        )
    inside, at = np.ones(int(mask.sum()), bool), []
    for axis, on in enumerate(placement.canvas_px(np.stack(np.nonzero(mask)) + 0.5)):
        canvas = placement.canvas_hw[axis]
        centres = np.asarray(scores.centres[axis]) * canvas
        inside &= (on > 0) & (on < canvas)
        at.append(np.searchsorted((centres[1:] + centres[:-1]) / 2, on))
    touched = np.zeros(scores.valid.shape[1:], bool)
    touched[at[0][inside], at[1][inside]] = True
    return touched


def _seen(inspector: Inspector, batch: list[Picture]) -> tuple[list[Features], list[Placement]]:
    """Return the features of pictures, one each, in half precision as a fit has them."""
    found, placements = extract(batch, inspector.preparation, inspector.backbone)
    store = InMemory()
    store.put(found)
    return [part.only(k) for part in store for k in range(len(batch))], placements


def _excuses(inspector: Inspector, trial: Trial, found: Scores) -> tuple[Excuse, ...]:
    """Return the rows that excused a defect, the one of most patches first."""
    apart, nearest = (of[0][found.valid[0]][trial.marked] for of in (found.grid, found.nearest))
    rows, patches = np.unique(nearest[apart <= trial.limit], return_counts=True)
    leaning = np.zeros(len(rows), int)
    for one in trial.scores:
        leaning += np.isin(rows, one.nearest)
    order = np.argsort(-patches, kind="stable")
    return tuple(
        Excuse(inspector.source(int(rows[k])), int(patches[k]), int(leaning[k])) for k in order
    )


def _dropping(inspector: Inspector, trial: Trial, note: Note) -> Proposal | None:
    """Propose to drop the rows around the defect's patch that is farthest from the bank."""
    detector, (patches, found) = bank_of(inspector), _patches(inspector, trial)
    apart = found.grid[0][found.valid[0]]
    worst = int(np.argmax(np.where(trial.marked, apart, -1)))
    within = trial.limit * patch_limits(trial.missed, 0, detector.settings.stride)[worst]
    share = float(found.image[0] / max(found.grid.max(), 1e-9))  # of a distance in the score
    away = np.sqrt(np.square(detector.bank - patches[worst]).sum(axis=1))
    rows = np.flatnonzero(away <= BEYOND * within / max(share, 1e-9))
    if len(rows) in (0, len(detector.bank)):
        return None
    return _tried(trial, "drop", len(rows), drop(inspector, rows, note))


def _limiting(inspector: Inspector, trial: Trial, missed: Picture, note: Note) -> Proposal | None:
    """Propose to teach those patches of the defect that the good pictures can bear.

    A part of the pictures helps to choose them; on the others, which had no part in that, the cost
    is counted. Where it is too high, half as many patches are tried, and again.
    """
    detector, (patches, found) = bank_of(inspector), _patches(inspector, trial)
    apart = np.where(trial.marked, found.grid[0][found.valid[0]], -1)
    chosen = np.argsort(-apart, kind="stable")[: min(PATCHES, int(trial.marked.sum()))]
    choosing, counting = trial.parted()
    borne = _borne(detector, choosing, patches[chosen])
    _, centres = detector.settings.patches_of(trial.missed, 0)
    height, width, _ = missed.pixels.shape
    motion = inspector.preparation.apply(missed.pixels)[1].motion
    picture = TrainingPicture(missed.name, (height, width), motion=motion)
    tried: list[Proposal] = []
    while borne and not (tried and (tried[-1].holds or tried[-1].score <= trial.limit)):
        some = chosen[borne]
        taught = limit(inspector, picture, (patches[some], centres[some]), note)
        tried.append(_tried(counting, "limit", len(some), taught))
        borne = borne[: len(borne) // 2]
    return next((one for one in tried if one.holds), tried[0] if tried else None)


def _borne(detector: PatchCoreDetector, trial: Trial, patches: Array) -> list[int]:
    """Return which patches can be taught, together, within the budget of false alarms."""
    peaks = np.zeros((len(patches), len(trial.good)), np.float32)
    for index in trial.quiet():
        own = to_numpy(detector.settings.patches_of(trial.good[index], 0)[0])
        counted = trial.scores[index].grid[0][trial.scores[index].valid[0]]
        plain = counted * patch_limits(trial.good[index], 0, detector.settings.stride)
        for k, patch in enumerate(patches):
            near = np.sqrt(np.square(own - patch).sum(axis=1))
            peaks[k, index] = (counted * factors(plain, near)).max()
    alarming: list[set[int]] = []
    for k, patch in enumerate(patches):
        known = [patch[None]] if detector.taught is None else [detector.taught, patch[None]]
        alone, alarms = replace(detector, taught=np.concatenate(known)), set[int]()
        for index in np.argsort(-peaks[k]):
            if peaks[k, index] <= trial.limit or len(alarms) > trial.budget:
                break
            alarms |= {int(index)} if trial.alarmed(alone, int(index)) else set()
        alarming.append(alarms)
    kept, borne = set[int](), list[int]()
    for k in sorted(range(len(patches)), key=lambda k: len(alarming[k])):
        if len(kept | alarming[k]) <= trial.budget:
            kept, borne = kept | alarming[k], [*borne, k]
    return borne


def _patches(inspector: Inspector, trial: Trial) -> tuple[Array, Scores]:
    """Return the patches of the miss, and its scores."""
    detector = bank_of(inspector)
    patches, _ = detector.settings.patches_of(trial.missed, 0)
    return to_numpy(patches).astype(np.float16).astype(np.float32), detector.score(trial.missed)


def _tried(trial: Trial, way: str, size: int, taught: Inspector) -> Proposal:
    """Return a proposal with what it does to the defect and to the good pictures."""
    detector = bank_of(taught)
    score = float(detector.score(trial.missed).image[0])
    alarms = tuple(trial.names[k] for k in trial.alarms(detector))
    known = costed(taught, len(alarms), len(trial.good))
    found = Proposal(way, size, known, score, alarms, len(trial.good), False)
    return replace(found, holds=score > trial.limit and found.upper <= trial.cost)
