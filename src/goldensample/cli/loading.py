"""Loading of the file that pictures are inspected with, as the options say."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from goldensample.cli.console import tell
from goldensample.cli.method_options import open_own
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Threshold


def check_here(method: str | None, runner: str) -> None:
    """Refuse a method of one's own where other processes would have to have it."""
    if method and runner != "here":
        raise ValueError(f"--method must go without --runner; got --runner {runner}")


def load_inspector(
    file: Path, precision: str, threshold: float | None, method: str | None
) -> Inspector:
    """Load an inspector, in the precision and with the score limit that the options name."""
    from goldensample.artifact.store import load
    from goldensample.fitting.precision import convert_precision
    from goldensample.native.heap import share_heap

    share_heap()
    inspector = load(file, open_own(method))
    if precision != "auto":
        inspector = convert_precision(inspector, precision)
        if inspector.threshold is None and threshold is None:
            text = gettext(
                "no limits were set in %(precision)s, so no verdicts: fit in it, or --threshold"
            )
            tell(text % {"precision": precision})
    if threshold is None:
        return inspector
    limits = {inspector.backbone.precision: override_threshold(inspector, threshold)}
    return replace(inspector, thresholds=limits)


def override_threshold(inspector: Inspector, score: float) -> Threshold:
    """Return limits with the score limit replaced; the pixel limit moves in proportion.

    Without fitted limits, the score limit is the pixel limit too, where there is a heat map: both
    are distances of the same kind.
    """
    fitted = inspector.threshold
    if fitted and fitted.pixel is not None and fitted.score > 0 and score >= 0:
        return Threshold(score, fitted.pixel * score / fitted.score)
    blank = inspector.inspect(np.zeros((*inspector.preparation.canvas_hw, 3), np.uint8))
    return Threshold(score, None if blank.heat_map is None else score)
