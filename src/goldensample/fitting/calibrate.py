"""Limits from good pictures that did not build what scores them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.calibration import conformal, tails
from goldensample.drift.measures import add_held_out, measure
from goldensample.features.extraction import as_picture, batches
from goldensample.inspection.inspector import Inspector
from goldensample.methods.cross_fitted import CrossedDetector, fold_indices
from goldensample.methods.protocols import Detector
from goldensample.records import Array, Calibration, Notify, Picture, Pictures, Threshold, silent
from goldensample.runners import Runner, local_runner


@dataclass(frozen=True, slots=True)
class Promise:
    """What limits are to promise.

    Args:
        false_alarms: rate of good pictures that may be called defects, in (0, 1).
        review: larger rate of good pictures that may be looked at again or called defects; None
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


def limits(known: Calibration, promise: Promise) -> Threshold:
    """Return the limits that keep a promise, or estimate it, on scores of good pictures.

    Raises:
        ValueError: there are too few scores for it.
    """
    guessed = promise.kind == "estimate"

    def at(values: Array, rate: float) -> float:
        if guessed and len(values) < conformal.required_count(rate):
            return tails.limit(values, rate)
        return conformal.limit(values, rate)

    score = at(known.scores, promise.false_alarms)
    return Threshold(
        score=score,
        pixel=None if known.peaks is None else at(known.peaks, promise.false_alarms),
        false_alarms=promise.false_alarms,
        held_out=len(known.scores),
        kind=promise.kind,
        review=None if promise.review is None else at(known.scores, promise.review),
        review_rate=promise.review,
        interval=tails.interval(known.scores, promise.false_alarms) if guessed else None,
    )


def judges(inspector: Inspector, count: int) -> list[tuple[Detector, Array]]:
    """Return who can score which pictures of a fit without having learned from them.

    Args:
        inspector: fitted.
        count: all pictures of the fit.

    Returns:
        Detectors, each with ascending indices; none where all pictures built the one detector.
    """
    if isinstance(inspector.detector, CrossedDetector):
        return [
            (detector, fold_indices(fold, count))
            for fold, detector in enumerate(inspector.detector.detectors)
        ]
    out = conformal.draw_indices(count, count - len(inspector.pictures))
    return [(inspector.detector, out)] if len(out) else []


def calibrated(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    promise: Promise,
    judged_by: Sequence[tuple[Detector, Array]],
    notify: Notify = silent,
    runner: Runner = local_runner,
) -> Inspector:
    """Set limits, in the backbone's precision, from the good pictures a detector did not learn.

    Args:
        inspector: fitted.
        images: all pictures of the fit; enough for the promise.
        promise: what the limits are to keep.
        judged_by: detectors, each with the indices of the pictures it scores; see `judges`.
        notify: told ("threshold", pictures scored, pictures).
        runner: where they are scored.

    Returns:
        The inspector with the limits, and with what they rest on.
    """
    total = sum(len(out) for _, out in judged_by)
    bare = replace(inspector, thresholds={}, calibrations={})
    judging = Judging(bare, tuple(detector for detector, _ in judged_by), images)
    parts = [
        (number, out[some.start : some.stop])
        for number, (_, out) in enumerate(judged_by)
        for some in batches(len(out), inspector.preparation)
    ]
    found: dict[int, Judged] = {}
    for (_, out), judged in zip(parts, runner.run(judge_some, judging, parts), strict=True):
        found.update(zip(out.tolist(), judged, strict=True))
        notify("threshold", len(found), total)
    known = Calibration(
        np.asarray([found[index].score for index in sorted(found)], "f8"),
        peaks_of([found[index].peak for index in sorted(found)]),
    )
    watched = [one.watched for one in found.values() if one.watched is not None]
    precision = inspector.backbone.precision
    return replace(
        inspector,
        thresholds={**inspector.thresholds, precision: limits(known, promise)},
        calibrations={**inspector.calibrations, precision: known},
        habits=add_held_out(inspector.habits, precision, watched),
    )


@dataclass(frozen=True, slots=True)
class Judging:
    """Who judges which pictures.

    Args:
        inspector: without limits.
        detectors: that stand in for its own.
        images: all pictures of the fit.
    """

    inspector: Inspector
    detectors: tuple[Detector, ...]
    images: Pictures | Sequence[Array | Picture]


@dataclass(frozen=True, slots=True)
class Judged:
    """What limits rest on of a picture: score, largest value of its map, and what is watched."""

    score: float
    peak: float | None
    watched: Array | None


def judge_some(judging: Judging, part: tuple[int, Array]) -> list[Judged]:
    """Score the pictures of some indices by a detector of some number: the task of `calibrated`."""
    number, out = part
    detector, habits = judging.detectors[number], judging.inspector.habits
    alone = replace(judging.inspector, detector=detector)
    pictures = [as_picture(judging.images[i], int(i)) for i in out]
    judged = []
    for picture, found in zip(pictures, alone.inspect_many(pictures), strict=True):
        peak = None if found.heat_map is None else float(found.heat_map.max())
        watched = None
        if habits and detector is judging.inspector.detector:
            watched = habits.watched_values(measure(*alone.preparation.apply(picture.pixels)), found)
        judged.append(Judged(found.score, peak, watched))
    return judged


def peaks_of(peaks: Sequence[float | None]) -> Array | None:
    """Return the largest values of maps, None for a method without a map."""
    return None if peaks[0] is None else np.asarray(peaks, "f8")
