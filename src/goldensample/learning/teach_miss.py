"""Analyse a missed defect: which bank rows excuse it, and what catching it would cost."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.features.extraction import batches, extract
from goldensample.features.store import InMemoryFeatureStore
from goldensample.fitting.fit import picture_name
from goldensample.inspection.inspector import Inspector, TrainingPicture
from goldensample.learning.misses import Excuse, MissAnalysis, Proposal, Trial
from goldensample.learning.revisions import Note, drop_rows, patchcore_of, set_cost, teach_defect
from goldensample.methods.corrections import defect_factors
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.preparation.placement import Placement
from goldensample.records import Array, Features, Notify, Picture, Pictures, Scores, silent

PATCHES = 24
"""Largest number of the defect's patches to teach: those farthest from the bank."""
GRIDS = ("grid", "nearest")
"""Of scores: the distance of each patch, and its nearest row."""
DROP_MARGIN = 1.05
"""Rows are removed up to this factor times the limit."""


def analyse_miss(
    inspector: Inspector,
    missed: Picture,
    mask: Array,
    good: Pictures | Sequence[Picture],
    note: Note,
    notify: Notify = silent,
) -> MissAnalysis:
    """Find the bank rows that excuse a defect, and test both changes that could catch it.

    Args:
        missed: a picture of the defect.
        mask: (H, W) bool, True on it.
        good: pictures that the cost is counted on; none of the bank, or it is underestimated.
        note: for the journal of the proposed inspectors, and what the change may cost.
        notify: called with ("teach", good pictures scored, pictures).

    Raises:
        ValueError: the file has no limit, the defect is caught already, no good picture is given,
            or the mask has another size or marks nothing that is inspected.

    Cost: two or three times that of scoring the good pictures.
    """
    detector, threshold = patchcore_of(inspector), inspector.threshold
    if threshold is None:
        raise ValueError("a miss must have a limit that missed it; this file has none; fit one")
    if not len(good):
        raise ValueError("a miss must have good pictures that the cost is counted on; got none")
    (missed_features,), (placement,) = _half_features(inspector, [missed])
    scores = detector.score(missed_features)
    if scores.image[0] > threshold.score:
        raise ValueError(f"a miss must not be caught already; {missed.name} is called a defect")
    marked = masked_cells(mask, missed, placement, scores)[scores.valid[0]]
    if not marked.any():
        raise ValueError(
            f"a mask must mark a part that is inspected; that of {missed.name} does not: nothing "
            "in the bank excused it, and nothing can be taught"
        )
    features: list[Features] = []
    for indices in batches(len(good), inspector.preparation):
        features += _half_features(inspector, [good[k] for k in indices])[0]
    good_scores = []
    for picture_features in features:
        good_scores.append(detector.score(picture_features))
        notify("teach", len(good_scores), len(features))
    names = tuple(picture_name(good, index) for index in range(len(good)))
    limits = threshold.score, note.cost
    trial = Trial(missed_features, marked, names, tuple(features), tuple(good_scores), *limits)
    drop = _propose_drop(inspector, trial, note)
    return MissAnalysis(
        float(scores.image[0]),
        _excuses(inspector, trial, scores),
        tuple(filter(None, (drop, _propose_limit(inspector, trial, missed, note)))),
    )


def masked_cells(mask: Array, picture: Picture, placement: Placement, scores: Scores) -> Array:
    """Return (h, w) bool: the cells of the grid that a mask touches.

    Raises:
        ValueError: the mask has another size than the picture.
    """
    if mask.shape != picture.pixels.shape[:2]:
        raise ValueError(
            f"a mask must have the size of its picture; got {mask.shape} and "
            f"{picture.pixels.shape[:2]}"
        )
    inside, indices = np.ones(int(mask.sum()), bool), []
    for axis, canvas_px in enumerate(placement.canvas_px(np.stack(np.nonzero(mask)) + 0.5)):
        length = placement.canvas_hw[axis]
        centres = np.asarray(scores.centres[axis]) * length
        inside &= (canvas_px > 0) & (canvas_px < length)
        indices.append(np.searchsorted((centres[1:] + centres[:-1]) / 2, canvas_px))
    touched = np.zeros(scores.valid.shape[1:], bool)
    touched[indices[0][inside], indices[1][inside]] = True
    return touched


def _half_features(
    inspector: Inspector, batch: list[Picture]
) -> tuple[list[Features], list[Placement]]:
    """Return the features of each picture, in half precision as in a fit, and the placements."""
    features, placements = extract(batch, inspector.preparation, inspector.backbone)
    store = InMemoryFeatureStore()
    store.put(features)
    return [part.select(k) for part in store for k in range(len(batch))], placements


def _excuses(inspector: Inspector, trial: Trial, scores: Scores) -> tuple[Excuse, ...]:
    """Return the bank rows that excuse a defect, the one with the most patches first."""
    distances, nearest = (
        grid[0][scores.valid[0]][trial.marked] for grid in (scores.grid, scores.nearest)
    )
    rows, patches = np.unique(nearest[distances <= trial.limit], return_counts=True)
    pictures = np.zeros(len(rows), int)
    for good_scores in trial.scores:
        pictures += np.isin(rows, good_scores.nearest)
    order = np.argsort(-patches, kind="stable")
    return tuple(
        Excuse(inspector.source(int(rows[k])), int(patches[k]), int(pictures[k])) for k in order
    )


def _propose_drop(inspector: Inspector, trial: Trial, note: Note) -> Proposal | None:
    """Propose to remove the rows around the defect's patch that is farthest from the bank."""
    detector, (patches, scores) = patchcore_of(inspector), _patches(inspector, trial)
    distances = scores.grid[0][scores.valid[0]]
    worst = int(np.argmax(np.where(trial.marked, distances, -1)))
    rows = scores.nearest[0][scores.valid[0]]
    radius = trial.limit * detector.patch_limits(trial.missed, 0, rows)[worst]
    ratio = float(scores.image[0] / max(scores.grid.max(), 1e-9))  # of score and distance
    to_worst = np.sqrt(np.square(detector.bank - patches[worst]).sum(axis=1))
    rows = np.flatnonzero(to_worst <= DROP_MARGIN * radius / max(ratio, 1e-9))
    if len(rows) in (0, len(detector.bank)):
        return None
    return _test(trial, "drop", len(rows), drop_rows(inspector, rows, note))


def _propose_limit(
    inspector: Inspector, trial: Trial, missed: Picture, note: Note
) -> Proposal | None:
    """Propose to teach those patches of the defect that cause few enough false alarms.

    A part of the good pictures is used to select them; on the others the cost is counted. Where it
    is too high, half as many patches are tested, repeatedly.
    """
    detector, (patches, scores) = patchcore_of(inspector), _patches(inspector, trial)
    distances = np.where(trial.marked, scores.grid[0][scores.valid[0]], -1)
    farthest = np.argsort(-distances, kind="stable")[: min(PATCHES, int(trial.marked.sum()))]
    selection, testing = trial.split()
    affordable = _affordable(detector, selection, patches[farthest])
    _, centres = detector.settings.patches_of(trial.missed, 0)
    height, width, _ = missed.pixels.shape
    motion = inspector.preparation.apply(missed.pixels)[1].motion
    picture = TrainingPicture(missed.name, (height, width), motion=motion)
    tests: list[Proposal] = []
    while affordable and not (tests and (tests[-1].accepted or tests[-1].score <= trial.limit)):
        chosen = farthest[affordable]
        changed = teach_defect(inspector, picture, (patches[chosen], centres[chosen]), note)
        tests.append(_test(testing, "limit", len(chosen), changed))
        affordable = affordable[: len(affordable) // 2]
    return next((test for test in tests if test.accepted), tests[0] if tests else None)


def _affordable(detector: PatchCoreDetector, trial: Trial, patches: Array) -> list[int]:
    """Return the indices of patches to teach, together within the budget of false alarms."""
    peaks = np.zeros((len(patches), len(trial.good)), np.float32)
    for index in trial.true_negatives():
        good_patches = to_numpy(detector.settings.patches_of(trial.good[index], 0)[0])
        valid = trial.scores[index].valid[0]
        distances, rows = (getattr(trial.scores[index], name)[0][valid] for name in GRIDS)
        unscaled = distances * detector.patch_limits(trial.good[index], 0, rows)
        for k, patch in enumerate(patches):
            to_patch = np.sqrt(np.square(good_patches - patch).sum(axis=1))
            peaks[k, index] = (distances * defect_factors(unscaled, to_patch)).max()
    alarms_by_patch: list[set[int]] = []
    for k, patch in enumerate(patches):
        defects = patch[None]
        if detector.defect_patches is not None:
            defects = np.concatenate([detector.defect_patches, defects])
        changed, alarms = replace(detector, defect_patches=defects), set[int]()
        for index in np.argsort(-peaks[k]):
            if peaks[k, index] <= trial.limit or len(alarms) > trial.budget:
                break
            alarms |= {int(index)} if trial.is_false_alarm(changed, int(index)) else set()
        alarms_by_patch.append(alarms)
    total, affordable = set[int](), list[int]()
    for k in sorted(range(len(patches)), key=lambda k: len(alarms_by_patch[k])):
        if len(total | alarms_by_patch[k]) <= trial.budget:
            total, affordable = total | alarms_by_patch[k], [*affordable, k]
    return affordable


def _patches(inspector: Inspector, trial: Trial) -> tuple[Array, Scores]:
    """Return the patches of the missed picture, and its scores."""
    detector = patchcore_of(inspector)
    patches, _ = detector.settings.patches_of(trial.missed, 0)
    return to_numpy(patches).astype(np.float16).astype(np.float32), detector.score(trial.missed)


def _test(trial: Trial, action: str, size: int, changed: Inspector) -> Proposal:
    """Return a proposal with its effect on the defect and on the good pictures."""
    detector = patchcore_of(changed)
    score = float(detector.score(trial.missed).image[0])
    alarms = tuple(trial.names[k] for k in trial.alarms(detector))
    costed = set_cost(changed, len(alarms), len(trial.good))
    proposal = Proposal(action, size, costed, score, alarms, len(trial.good), False)
    return replace(proposal, accepted=score > trial.limit and proposal.rate_bound <= trial.cost)
