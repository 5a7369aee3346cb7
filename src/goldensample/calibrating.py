"""Limits from good pictures that did not build what scores them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample import conformal, tails
from goldensample.extracting import as_picture
from goldensample.habits import measure, with_known
from goldensample.inspector import Inspector
from goldensample.methods import Detector
from goldensample.methods.crossed import CrossedDetector
from goldensample.records import (
    Array,
    Calibration,
    Notify,
    Picture,
    Pictures,
    Threshold,
    silent,
)


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
        if guessed and len(values) < conformal.needed(rate):
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
        every = np.arange(count)
        return [
            (detector, every[every % conformal.FOLDS == fold])
            for fold, detector in enumerate(inspector.detector.detectors)
        ]
    out = conformal.drawn(count, count - len(inspector.pictures))
    return [(inspector.detector, out)] if len(out) else []


def calibrated(
    inspector: Inspector,
    images: Pictures | Sequence[Array | Picture],
    promise: Promise,
    judged_by: Sequence[tuple[Detector, Array]],
    notify: Notify = silent,
) -> Inspector:
    """Set limits, in the backbone's precision, from the good pictures a detector did not learn.

    Args:
        inspector: fitted.
        images: all pictures of the fit; enough for the promise.
        promise: what the limits are to keep.
        judged_by: detectors, each with the indices of the pictures it scores; see `judges`.
        notify: told ("threshold", pictures scored, pictures).

    Returns:
        The inspector with the limits, and with what they rest on.
    """
    total = sum(len(out) for _, out in judged_by)
    found: dict[int, tuple[float, float | None]] = {}
    watched: list[Array] = []
    for detector, out in judged_by:
        alone = replace(inspector, detector=detector, thresholds={}, calibrations={})
        held = (as_picture(images[i], int(i)) for i in out)
        for index, inspection in zip(out.tolist(), alone.inspect_many(held), strict=True):
            heat = inspection.heat_map
            found[index] = (inspection.score, None if heat is None else float(heat.max()))
            if inspector.habits and detector is inspector.detector:
                pixels = as_picture(images[index], index).pixels
                seen = measure(*inspector.preparation.apply(pixels))
                watched.append(inspector.habits.watched(seen, inspection))
            notify("threshold", len(found), total)
    scores, peaks = zip(*(found[index] for index in sorted(found)), strict=True)
    mapped = peaks[0] is not None
    known = Calibration(np.asarray(scores, "f8"), np.asarray(peaks, "f8") if mapped else None)
    precision = inspector.backbone.precision
    return replace(
        inspector,
        thresholds={**inspector.thresholds, precision: limits(known, promise)},
        calibrations={**inspector.calibrations, precision: known},
        habits=with_known(inspector.habits, precision, watched),
    )
