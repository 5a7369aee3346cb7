"""Whether the order of methods that the paper reports holds here."""

from typing import Any

import numpy as np

from goldensample.bench.board import Board
from goldensample.bench.figures import FIGURES
from goldensample.bench.suites import Claim, Entry, Panel, Suite


def verdicts(suite: Suite, board: Board) -> list[str]:
    """Return a line for each claim of a suite: yes, no with the numbers, or not known."""
    return [
        f"{suite.name}: {claim.text}: {_verdict(suite, claim, board)}" for claim in suite.claims
    ]


def _verdict(suite: Suite, claim: Claim, board: Board) -> str:
    panel = next((p for p in suite.panels if _labels(p) >= {claim.above, *claim.below}), None)
    if panel is None:
        names = ", ".join([claim.above, *claim.below])
        raise ValueError(f"{suite.name}: a claim must be about entries of one panel; got {names}")
    points = [
        v for v, _ in panel.points(_entry(panel, claim.above)) if v in claim.at or not claim.at
    ]
    figure, broken, unknown = FIGURES[claim.figure], [], []
    for value in points:
        for label in claim.below:
            above = _mean(panel, claim.above, value, claim.figure, board)
            below = _mean(panel, label, value, claim.figure, board)
            at = "" if value is None else f" at {value}"
            if isinstance(above, str) or isinstance(below, str):
                unknown.append(f"{label}{at}: {below if isinstance(below, str) else above}")
            elif above - below < claim.margin or above <= below:
                broken.append(
                    f"{claim.above} {figure.text(above)}, {label} {figure.text(below)}{at}"
                )
    if broken:
        return "no (" + "; ".join(broken) + ")" + (" so far" if unknown else "")
    return f"not known ({unknown[0]})" if unknown else "yes"


def _labels(panel: Panel) -> set[str]:
    return {entry.label for entry in panel.entries}


def _entry(panel: Panel, label: str) -> Entry:
    return next(entry for entry in panel.entries if entry.label == label)


def _mean(panel: Panel, label: str, value: Any, figure: str, board: Board) -> float | str:
    """Return an entry's mean at a value along the axis, or why there is none."""
    points = dict(panel.points(_entry(panel, label)))
    if value not in points:
        return "not in the suite"
    categories = board.of(panel) if panel.vary else board.averaged(panel)
    means = board.means(points[value], categories, figure, panel)
    return means if isinstance(means, str) else float(np.mean(means))
