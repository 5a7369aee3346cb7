"""One measure of good parts, followed over time by control charts."""

from dataclasses import dataclass

import numpy as np

from goldensample.qualification.control import (
    Chart,
    autocorrelation,
    ewma,
    individuals,
    spread_of,
)
from goldensample.records import Array

POINTS = 150
"""Of a chart, at most; of more parts, each is the mean of several one after another."""
BASELINE, LEAST_BASELINE = 50, 20
"""Points that the limits rest on, at most and at least; they are half of all at most."""


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """One measure of good parts over time.

    Args:
        name: of the measure.
        parts: of a point.
        baseline: points that the limits rest on.
        times: (n,) seconds since 1970, of the last part of each point.
        single, smooth: charts of individuals and of the EWMA.
        size: how far the newest tenth lies from the baseline, in spreads of a single part.
        correlation: of neighbouring points of the baseline.
        skewness: of the baseline's points.
    """

    name: str
    parts: int
    baseline: int
    times: Array
    single: Chart
    smooth: Chart
    size: float
    correlation: float
    skewness: float

    @property
    def signals(self) -> tuple[list[int], list[int]]:
        """Points after the baseline that the charts of individuals and of the EWMA signal at."""
        both = (self.single.signals, self.smooth.signals)
        single, smooth = ([k for k in found if k >= self.baseline] for found in both)
        return single, smooth

    @property
    def since(self) -> int | None:
        """The point since which the EWMA signals without a break up to now, or None."""
        signals, point = set(self.signals[1]), len(self.times)
        while point - 1 in signals:
            point -= 1
        return point if point < len(self.times) else None


def follow(name: str, values: Array, times: Array) -> Followed | None:
    """Return a measure's charts; None where too few parts have it."""
    from scipy.stats import skew

    known = ~np.isnan(values)
    values, times = values[known], times[known]
    if len(values) < 2 * LEAST_BASELINE:
        return None
    parts = -(-len(values) // POINTS)
    count = len(values) // parts
    blocks = values[len(values) - count * parts :].reshape(count, parts)
    points, baseline = blocks.mean(axis=1), min(BASELINE, count // 2)
    steady = points[:baseline]
    centre, sigma = float(steady.mean()), spread_of(steady)
    spread = float(blocks[:baseline].std(ddof=1))
    moved = float(points[-max(1, count // 10) :].mean()) - centre
    varies = spread > 0
    return Followed(
        name=name,
        parts=parts,
        baseline=baseline,
        times=times[len(times) - count * parts :].reshape(count, parts)[:, -1],
        single=individuals(points, centre, sigma),
        smooth=ewma(points, centre, sigma),
        size=moved / spread if varies else 0.0,
        correlation=autocorrelation(steady),
        skewness=float(skew(steady)) if varies else 0.0,
    )
