"""Check whether the order of methods that the paper reports holds in these results."""

from typing import Any

import numpy as np

from goldensample.bench.board import ResultsTable
from goldensample.bench.figures import METRICS
from goldensample.bench.suites import Claim, Entry, Panel, Suite


def check_claims(suite: Suite, results: ResultsTable) -> list[str]:
    """Return a line for each claim of a suite: yes, no with the numbers, or not known."""
    return [
        f"{suite.name}: {claim.text}: {_check_claim(suite, claim, results)}"
        for claim in suite.claims
    ]


def _check_claim(suite: Suite, claim: Claim, results: ResultsTable) -> str:
    panel = next((p for p in suite.panels if _labels(p) >= {claim.above, *claim.below}), None)
    if panel is None:
        names = ", ".join([claim.above, *claim.below])
        raise ValueError(f"{suite.name}: a claim must be about entries of one panel; got {names}")
    values = [
        v for v, _ in panel.points(_entry(panel, claim.above)) if v in claim.at or not claim.at
    ]
    metric, violated, unknown = METRICS[claim.metric], [], []
    for value in values:
        for label in claim.below:
            above = _mean(panel, claim.above, value, claim.metric, results)
            below = _mean(panel, label, value, claim.metric, results)
            suffix = "" if value is None else f" at {value}"
            if isinstance(above, str) or isinstance(below, str):
                unknown.append(f"{label}{suffix}: {below if isinstance(below, str) else above}")
            elif above - below < claim.margin or above <= below:
                violated.append(
                    f"{claim.above} {metric.format(above)}, {label} {metric.format(below)}{suffix}"
                )
    if violated:
        return "no (" + "; ".join(violated) + ")" + (" so far" if unknown else "")
    return f"not known ({unknown[0]})" if unknown else "yes"


def _labels(panel: Panel) -> set[str]:
    return {entry.label for entry in panel.entries}


def _entry(panel: Panel, label: str) -> Entry:
    return next(entry for entry in panel.entries if entry.label == label)


def _mean(panel: Panel, label: str, value: Any, metric: str, results: ResultsTable) -> float | str:
    """Return an entry's mean at a value along the axis, or why there is none."""
    points = dict(panel.points(_entry(panel, label)))
    if value not in points:
        return "not in the suite"
    categories = results.categories_of(panel) if panel.vary else results.averaged_categories(panel)
    means = results.means(points[value], categories, metric, panel)
    return means if isinstance(means, str) else float(np.mean(means))
