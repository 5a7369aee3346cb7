"""`golden thresholds --another-day`: what the limits do on good pictures of another recording."""

from pathlib import Path
from typing import Any

import numpy as np

from goldensample.calibration import conformal
from goldensample.calibration.tradeoff import Measured, measure
from goldensample.cli.console import print_json, progress, say
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Array, Notify
from goldensample.wording.limits import kept_aside, percent


def show_another_day(inspector: Inspector, file: Path, folder: str, json: bool) -> None:
    """Print how many good pictures of another recording the limit in use calls defects.

    Raises:
        ImageError: the pictures cannot be read.
        ValueError: the file has no limits.
    """
    from goldensample.images.folder import read_images

    threshold = inspector.threshold
    if threshold is None:
        raise ValueError(f"{file} must have limits to compare; it has none; fit it anew with them")
    with progress() as notify:
        pictures = read_images([folder], inspector.preparation.grey_range, notify=notify)
        scores = _scores(inspector, pictures, notify)
    found = measure(scores, threshold.score, threshold.false_alarms)
    if json:
        print_json(_values(found, inspector))
        return
    for line in _lines(found, inspector):
        say(line)


def _scores(inspector: Inspector, pictures: Any, notify: Notify) -> Array:
    scores = []
    for done, inspection in enumerate(inspector.inspect_many(pictures), start=1):
        notify("inspect", done, len(pictures))
        scores.append(inspection.score)
    return np.asarray(scores)


def _values(found: Measured, inspector: Inspector) -> dict[str, Any]:
    threshold = inspector.threshold
    return {
        "pictures": found.pictures,
        "false_alarms": found.alarms,
        "rate": found.rate,
        "interval": found.interval,
        "score_limit": threshold.score if threshold else None,
        "promised": threshold.false_alarms if threshold else None,
        "limit_that_holds": found.limit,
    }


def _lines(found: Measured, inspector: Inspector) -> list[str]:
    threshold, (low, high) = inspector.threshold, found.interval
    promised = threshold.false_alarms if threshold else None
    text = gettext(
        "of %(pictures)s good pictures of the other recording %(alarms)s are called defects: "
        "%(rate)s (95 %% interval %(low)s to %(high)s)"
    )
    values = {"pictures": f"{found.pictures:,}", "alarms": f"{found.alarms:,}"}
    rates = {"rate": percent(found.rate), "low": percent(low), "high": percent(high)}
    lines = [text % (values | rates)]
    if threshold is None or promised is None:
        return [*lines, gettext("no rate of false alarms is known of the limit in use")]
    if low > promised:
        text = gettext(
            "that is more than the %(rate)s that were set: the limit does not hold there"
        )
    elif high < promised:
        text = gettext("that is less than the %(rate)s that were set")
    else:
        text = gettext("that agrees with the %(rate)s that were set")
    lines.append(text % {"rate": percent(promised)})
    lines.append(_own_limit(found, threshold.score, promised))
    if inspector.hold_out:
        lines.append(kept_aside(inspector.hold_out))
    return lines


def _own_limit(found: Measured, score: float, promised: float) -> str:
    """Return which limit would hold the promised rate on the pictures, or how many it takes."""
    if found.limit is None:
        few = gettext(
            "a limit for %(rate)s on them takes %(count)s pictures or more; these are %(given)s"
        )
        count = conformal.required_count(promised)
        return few % {"rate": percent(promised), "count": count, "given": found.pictures}
    text = gettext(
        "the limit in use is %(score)s; on these pictures %(limit)s would hold %(rate)s. To take "
        "it: golden learn --calibrate on them, or fit anew on pictures of several days with "
        "--groups day"
    )
    values = {"score": f"{score:.4f}", "limit": f"{found.limit:.4f}", "rate": percent(promised)}
    return text % values
