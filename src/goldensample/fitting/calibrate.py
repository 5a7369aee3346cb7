"""Calibration of the limits by detectors on good pictures that were held out of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.calibration import conformal, tails
from goldensample.drift.measures import add_held_out
from goldensample.drift.picture import PictureMeasures, measure
from goldensample.features.extraction import as_picture, batches, prepare
from goldensample.fitting.copies import WithCopies, usual_odd_one
from goldensample.inspection.inspector import Inspector
from goldensample.methods.cross_fitted import CrossedDetector, fold_indices
from goldensample.methods.protocols import Detector
from goldensample.records import Array, Calibration, Notify, Picture, Pictures, Threshold, silent
from goldensample.runners import Runner, local_runner

Scored = Pictures | Sequence[Array | Picture] | WithCopies


@dataclass(frozen=True, slots=True)
class Promise:
    """The false-alarm rates that limits are to promise.

    Args:
        false_alarms: rate of good pictures that may be called defects, in (0, 1).
        review: larger rate of good pictures that may be sent to review or called defects; None
            for two verdicts alone.
        kind: "split", "cross" or "estimate", as in `records.Threshold`.

    Raises:
        ValueError: a rate is out of its range.
    """

    false_alarms: float
    review: float | None = None
    kind: str = "split"

    def __post_init__(self) -> None:
        if not 0 < self.false_alarms < 1:
            raise ValueError(f"false_alarms must be in (0, 1); got {self.false_alarms}")
        if self.review is not None and not self.false_alarms < self.review < 1:
            raise ValueError(
                f"review must be above false_alarms, {self.false_alarms:g}, and below 1; got "
                f"{self.review:g}"
            )


def compute_limits(calibration: Calibration, promise: Promise) -> Threshold:
    """Return the limits that keep a promise, or estimate it, on scores of good pictures.

    Raises:
        ValueError: there are too few scores for it.
    """
    scores, peaks, rate = calibration.scores, calibration.peaks, promise.false_alarms
    return Threshold(
        score=limit(scores, rate, promise.kind),
        pixel=None if peaks is None else limit(peaks, rate, promise.kind),
        false_alarms=rate,
        held_out=len(scores),
        kind=promise.kind,
        review=None if promise.review is None else limit(scores, promise.review, promise.kind),
        review_rate=promise.review,
        interval=tails.interval(scores, rate) if promise.kind == "estimate" else None,
    )


def limit(values: Array, rate: float, kind: str) -> float:
    """Return the limit that keeps a rate on values (n,) of good pictures, or estimates it.

    Raises:
        ValueError: there are too few values for it.
    """
    if kind == "estimate" and len(values) < conformal.required_count(rate):
        return tails.limit(values, rate)
    return conformal.limit(values, rate)


def fold_detectors(
    inspector: Inspector, count: int, groups: Sequence[str] = ()
) -> list[tuple[Detector, Array]]:
    """Return detectors, each with the pictures of the fit that were held out of it.

    Args:
        inspector: fitted.
        count: all pictures of the fit.
        groups: of each, as the fit was given them.

    Returns:
        Detectors, each with ascending indices; none where no picture was held out.
    """
    if isinstance(inspector.detector, CrossedDetector):
        return [
            (detector, fold_indices(fold, count))
            for fold, detector in enumerate(inspector.detector.detectors)
        ]
    held_out = conformal.draw_indices(count, count - len(inspector.pictures), groups)
    return [(inspector.detector, held_out)] if len(held_out) else []


def calibrate(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    promise: Promise,
    detectors: Sequence[tuple[Detector, Array]],
    notify: Notify = silent,
    runner: Runner = local_runner,
    others: Sequence[Backbone] = (),
) -> Inspector:
    """Set limits, in the backbone's precision, from the scores of held-out good pictures.

    Args:
        inspector: fitted.
        images: all pictures of the fit; enough for the promise. Of fewer than MIN_TAIL_SCORES,
            which allow an estimate, copies are scored as well, see `WithCopies`.
        promise: the rates of the limits.
        detectors: each with the indices of the pictures it scores; see `fold_detectors`.
        notify: told ("threshold", pictures scored, pictures).
        runner: of the scoring.
        others: the backbone in other precisions, in which limits are set as well, so that each
            picture is read and prepared once. Left to a later call where other machines run it:
            they may lack a precision.

    Returns:
        The inspector with the limits, and with the calibrations they are computed from.
    """
    reduce: Callable[[Array], Array] = np.asarray
    scored: Scored = images
    if promise.kind == "estimate" and len(images) < conformal.MIN_TAIL_SCORES:
        scored, reduce = WithCopies(images), usual_odd_one
        detectors = [(detector, scored.indices(numbers)) for detector, numbers in detectors]
    total = sum(len(indices) for _, indices in detectors)
    unlimited = replace(inspector, thresholds={}, calibrations={})
    backbones = inspector.backbone, *(others if runner is local_runner else ())
    job = ScoringJob(unlimited, backbones, tuple(detector for detector, _ in detectors), scored)
    tasks = [
        (number, indices[batch.start : batch.stop])
        for number, (_, indices) in enumerate(detectors)
        for batch in batches(len(indices), inspector.preparation)
    ]
    results: dict[int, list[HeldOutResult]] = {}
    for (_, indices), batch_results in zip(tasks, runner.run(score_batch, job, tasks), strict=True):
        results.update(zip(indices.tolist(), batch_results, strict=True))
        notify("threshold", len(results), total)
    for number, backbone in enumerate(backbones):
        own = {index: of_backbones[number] for index, of_backbones in results.items()}
        inspector = _set_limits(inspector, backbone.precision, own, promise, reduce)
    return inspector


def _set_limits(
    inspector: Inspector,
    precision: str,
    results: dict[int, "HeldOutResult"],
    promise: Promise,
    reduce: Callable[[Array], Array],
) -> Inspector:
    """Return the inspector with limits in a precision, from the results by picture.

    `reduce` makes one value a picture of those of it and its copies.
    """
    scores = np.asarray([results[index].score for index in sorted(results)], "f8")
    peaks = to_peaks([results[index].peak for index in sorted(results)])
    opinions = [results[index].opinions for index in sorted(results)]
    calibration = Calibration(
        reduce(scores),
        None if peaks is None else reduce(peaks),
        None if opinions[0] is None else np.asarray(opinions, "f8"),
    )
    watched = [result.watched for result in results.values() if result.watched is not None]
    return replace(
        inspector,
        thresholds={**inspector.thresholds, precision: compute_limits(calibration, promise)},
        calibrations={**inspector.calibrations, precision: calibration},
        habits=add_held_out(inspector.habits, precision, watched),
    )


@dataclass(frozen=True, slots=True)
class ScoringJob:
    """The scoring of held-out pictures.

    Args:
        inspector: without limits.
        backbones: that replace its own; each scores every picture.
        detectors: that replace its own.
        images: all pictures of the fit, perhaps with copies.
    """

    inspector: Inspector
    backbones: tuple[Backbone, ...]
    detectors: tuple[Detector, ...]
    images: Scored


@dataclass(frozen=True, slots=True)
class HeldOutResult:
    """Score and opinions of a held-out picture, the maximum of its map, and what is watched."""

    score: float
    opinions: tuple[float, float] | None
    peak: float | None
    watched: Array | None


def score_batch(job: ScoringJob, task: tuple[int, Array]) -> list[list[HeldOutResult]]:
    """Score pictures, by their indices, with a detector, by its number; see `calibrate`.

    Returns:
        The results of each picture, one of each backbone.
    """
    number, indices = task
    detector, reference = job.detectors[number], job.inspector.habits
    is_watched = reference is not None and detector is job.inspector.detector
    pictures = [as_picture(job.images[index], int(index)) for index in indices]
    canvases, placements = prepare(pictures, job.inspector.preparation)
    measures: list[PictureMeasures | None] = [
        measure(*pair) if is_watched else None for pair in zip(canvases, placements, strict=True)
    ]
    results: list[list[HeldOutResult]] = [[] for _ in pictures]
    for backbone in job.backbones:
        inspector = replace(job.inspector, backbone=backbone, detector=detector, habits=None)
        inspections = inspector.inspect_prepared(pictures, canvases, placements)
        for own, measured, inspection in zip(results, measures, inspections, strict=True):
            peak = None if inspection.heat_map is None else float(inspection.heat_map.max())
            watched = None
            if reference and measured:
                watched = reference.watched_values(measured, inspection)
            own.append(HeldOutResult(inspection.score, inspection.opinions, peak, watched))
    return results


def to_peaks(peaks: Sequence[float | None]) -> Array | None:
    """Return the maxima of maps as an array, None for a method without a map."""
    return None if peaks[0] is None else np.asarray(peaks, "f8")
