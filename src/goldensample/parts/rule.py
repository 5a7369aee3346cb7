"""The rule of a part: from the scores of its views to one p-value; and the risk of many views."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.calibration import conformal
from goldensample.records import Array


@dataclass(frozen=True, slots=True, eq=False)
class PartCalibration:
    """Whole good parts that no view has learned from, and how scores of the views are compared.

    Args:
        parts: the serial of each, n of them.
        scores: (n, k) float64, of each view of each part.
        centres, spreads: (k,) float64, mean and standard deviation of good pictures of each view
            that its file was neither built from nor has in common with these parts.

    Raises:
        ValueError: shapes do not agree, a value is not finite, or a spread is not above 0.
    """

    parts: tuple[str, ...]
    scores: Array
    centres: Array
    spreads: Array

    def __post_init__(self) -> None:
        views = len(self.centres)
        if self.scores.shape != (len(self.parts), views) or self.spreads.shape != (views,):
            raise ValueError("a part's calibration must have a score of each view of each part")
        if not all(np.isfinite(a).all() for a in (self.scores, self.centres, self.spreads)):
            raise ValueError("a part's calibration must have finite scores")
        if not (self.spreads > 0).all():
            raise ValueError("scores of good pictures must differ; those of a view are all equal")

    def standardise(self, scores: Array) -> Array:
        """Return (..., k) scores as standard deviations above the mean of their view."""
        standard: Array = (scores - self.centres) / self.spreads
        return standard

    def maxima(self, views: Sequence[int]) -> Array:
        """Return (n,): the largest standardised score of each part, among some views."""
        largest: Array = self.standardise(self.scores)[:, list(views)].max(axis=1)
        return largest


@dataclass(frozen=True, slots=True)
class PartPValue:
    """The p-value of a part, and the view that it comes from."""

    p_value: float
    view: int


def by_whole_parts(calibration: PartCalibration, scores: Mapping[int, float]) -> PartPValue:
    """Return the conformal p-value of a part's largest standardised score.

    Of good parts that are exchangeable with those of the calibration it is at most a with
    probability at most a, however the views depend on each other. Of views that a part lacks, the
    parts of the calibration are compared without them, too.

    Args:
        calibration: n parts; the p-value is at least 1 / (n + 1).
        scores: of the part's views, by their numbers; at least one.

    Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005.
    """
    views = sorted(scores)
    row = np.full(len(calibration.centres), -np.inf)
    row[views] = [scores[view] for view in views]
    standard = calibration.standardise(row)
    p_value = conformal.p_value(calibration.maxima(views), float(standard.max()))
    return PartPValue(p_value, int(standard.argmax()))


def by_union(p_values: Mapping[int, float]) -> PartPValue:
    """Return the p-value of a part by the union bound: the least of its views' times their number.

    Where each view's p-value is valid, the part's is at most a with probability at most a: one of k
    views must have at most a / k, and k times a / k is a. With views that go together it is less.
    Of the p-values 0.01 and 0.4 it is 0.02, from the first.

    Args:
        p_values: of the part's views, by their numbers; at least one.
    """
    view = min(sorted(p_values), key=p_values.__getitem__)
    return PartPValue(min(1.0, len(p_values) * p_values[view]), view)


@dataclass(frozen=True, slots=True)
class Risk:
    """The share of good parts of which some view is called defect by its own limit.

    Args:
        least: where all views err on the same parts.
        independent: where views err independently of each other.
        most: where no two views err on the same part.
    """

    least: float
    independent: float
    most: float


def risk(rates: Sequence[float]) -> Risk:
    """Return the risk of views with these rates of false alarms.

    Example:
        >>> round(risk([0.01] * 20).independent, 3), round(risk([0.01] * 20).most, 3)
        (0.182, 0.2)
    """
    independent = 1 - float(np.prod([1 - rate for rate in rates]))
    return Risk(max(rates), independent, min(1.0, sum(rates)))


def least_union_rate(held_out: Sequence[int]) -> float:
    """Return the smallest rate of parts that the union bound supports.

    The least p-value of a view with n pictures kept out is 1 / (n + 1), and the part's that times
    the number of views. So that any view can speak, the view with the fewest counts.
    """
    return len(held_out) / (min(held_out) + 1)


def union_promise(kinds: Sequence[tuple[str, int]], false_alarms: float) -> float | None:
    """Return the rate that the union bound proves for parts; None where nothing is proven.

    Args:
        kinds: of each view, how its limits were calibrated and on how many pictures; see
            `conformal.proven_rate`.
        false_alarms: asked for, of parts.
    """
    share = false_alarms / len(kinds)
    rates = [conformal.proven_rate(kind, share, count) for kind, count in kinds]
    proven = [rate for rate in rates if rate is not None]
    return min(1.0, sum(proven)) if len(proven) == len(kinds) else None
