"""The calibration of a part on whole good parts."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from goldensample.calibration import conformal
from goldensample.errors import ImageError
from goldensample.images.codec import read_facts
from goldensample.parts.grouping import PartPictures
from goldensample.parts.inspector import CHUNK, PartInspector, ViewResult
from goldensample.parts.manifest import PartManifest
from goldensample.parts.rule import PartCalibration
from goldensample.records import Notify, silent


def calibrate(
    part: PartInspector, parts: Sequence[PartPictures], false_alarms: float, notify: Notify = silent
) -> PartManifest:
    """Return a part's manifest with a calibration on whole good parts.

    Args:
        part: not changed.
        parts: good ones, with all views, none of which a view's file was fitted on.
        false_alarms: the rate to support.
        notify: told ("threshold", parts scored, parts).

    Raises:
        ValueError: too few parts for the rate, or a view has no scores to compare by.
        ImageError: a part lacks a view, a picture is unreadable, or a view learned from it.
    """
    needed = conformal.required_count(false_alarms)
    if len(parts) < needed:
        raise ValueError(
            f"a rate of {false_alarms:.3g} of good parts must rest on at least {needed} whole good "
            f"parts; got {len(parts)}; give more, or --false-alarms {1 / (len(parts) + 1):.3g}"
        )
    part.calibrations()
    _check_whole(part, parts)
    rows: list[list[float]] = []
    for start in range(0, len(parts), CHUNK):
        chunk = parts[start : start + CHUNK]
        for one, views in zip(chunk, part.inspect_views(chunk), strict=True):
            rows.append(_scores(part, one, views))
        notify("threshold", len(rows), len(parts))
    calibration = compare(part, [one.serial for one in parts], rows)
    return replace(part.manifest, calibration=calibration, false_alarms=false_alarms)


def compare(
    part: PartInspector, serials: Sequence[str], rows: Sequence[Sequence[float]]
) -> PartCalibration:
    """Return the calibration of scores of whole good parts, one row a part.

    Scores of views become comparable by mean and deviation of those that each view's own limits
    rest on: pictures that have nothing to do with these parts, or the promise would be bent.
    """
    good = [calibration.scores for calibration in part.calibrations()]
    return PartCalibration(
        tuple(serials),
        np.asarray(rows, "f8"),
        np.array([scores.mean() for scores in good]),
        np.array([scores.std(ddof=1) for scores in good]),
    )


def _check_whole(part: PartInspector, parts: Sequence[PartPictures]) -> None:
    """Refuse parts that lack a view or have one twice, and pictures that a view learned from."""
    for one in parts:
        missing = [name for name in part.manifest.names if name not in one.pictures]
        if missing or one.doubled:
            raise ImageError(
                f"every part must have one picture of each view; part {one.serial} has "
                f"{'none' if missing else 'several'} of {(*missing, *one.doubled)[0]}; "
                "add or remove it"
            )
    for name, inspector in zip(part.manifest.names, part.inspectors, strict=True):
        learned = {picture.digest for picture in inspector.pictures} - {""}
        for one in parts:
            picture, path = one.pictures[name]
            if read_facts(path).digest in learned:
                raise ImageError(
                    "a part's calibration must be on pictures that no view has learned from; the "
                    f"file of view {name} has learned from {picture}; keep whole good parts aside "
                    "for it, and fit the views on the others"
                )


def _scores(part: PartInspector, one: PartPictures, views: Mapping[str, ViewResult]) -> list[float]:
    """Return the score of each view of a good part."""
    scores = []
    for name in part.manifest.names:
        _, result = views[name]
        if isinstance(result, ImageError):
            raise ImageError(f"part {one.serial}, view {name}: {result}")
        scores.append(result.score)
    return scores
