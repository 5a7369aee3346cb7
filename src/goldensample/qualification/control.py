"""Control charts: does the inspection still do what it did? Individuals and EWMA."""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

RANGE_TO_SIGMA = 1.128
"""Mean of the range of two normal values, in standard deviations (d2)."""
WIDTH = 3.0
"""Of the limits, in standard deviations of what is drawn."""
WEIGHT = 0.2
"""Of the newest value in an EWMA."""
STATES = 201
"""Into which the range between the limits is cut to compute a run length."""


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """Values with their control limits.

    Args:
        values: (n,) as drawn.
        centre: of the limits.
        low, high: (n,) the limits of each.
    """

    values: Array
    centre: float
    low: Array
    high: Array

    @property
    def signals(self) -> list[int]:
        """Where a value is outside of its limits."""
        return np.flatnonzero((self.values < self.low) | (self.values > self.high)).tolist()


def spread_of(values: Array) -> float:
    """Return the standard deviation by the mean moving range; it takes two values."""
    return float(np.abs(np.diff(values)).mean()) / RANGE_TO_SIGMA


def individuals(values: Array, centre: float, sigma: float) -> Chart:
    """Return Shewhart's chart of single values; a steady process leaves it once in 370 values.

    Source: Montgomery, Introduction to statistical quality control, section 6.4.
    """
    ends = np.full((2, len(values)), ([centre - WIDTH * sigma], [centre + WIDTH * sigma]))
    return Chart(values, centre, *ends)


def ewma(values: Array, centre: float, sigma: float, weight: float = WEIGHT) -> Chart:
    """Return the chart of the exponentially weighted moving average, which finds small shifts.

    Args:
        values: (n,) in order of time.
        centre, sigma: of the steady process.
        weight: of the newest value, in (0, 1]. With 0.2, a steady process leaves it once in about
            560 values.

    Source: Roberts, Control chart tests based on geometric moving averages, 1959; Lucas and
        Saccucci, 1990, for the cost.
    """
    if not 0 < weight <= 1:
        raise ValueError(f"weight must be in (0, 1]; got {weight:g}")
    smooth, last = [], centre
    for value in values.tolist():
        last = weight * value + (1 - weight) * last
        smooth.append(last)
    counts = np.arange(1, len(values) + 1)
    half = WIDTH * sigma * np.sqrt(weight / (2 - weight) * (1 - (1 - weight) ** (2 * counts)))
    return Chart(np.asarray(smooth), centre, centre - half, centre + half)


def run_length(shift: float, weight: float = 1.0, width: float = WIDTH) -> float:
    """Return after how many values, on average, an EWMA chart signals a shift of the mean.

    The values are normal and independent, centre and sigma known. A weight of 1 is the chart of
    individuals. Without a shift it is how seldom the chart signals though nothing has changed.

    Args:
        shift: of the mean, in standard deviations of a value.
        weight: of the newest value, in (0, 1].
        width: of the limits, in standard deviations of what is drawn.

    Source: Brook and Evans, An approach to the probability distribution of CUSUM run length, 1972,
        for the Markov chain; Lucas and Saccucci, 1990, for the EWMA.
    """
    from scipy.special import ndtr

    if not 0 < weight <= 1:
        raise ValueError(f"weight must be in (0, 1]; got {weight:g}")
    limit = width * np.sqrt(weight / (2 - weight))
    edges = np.linspace(-limit, limit, STATES + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    reached = ndtr((edges - (1 - weight) * middles[:, None]) / weight - shift)
    lengths = np.linalg.solve(np.eye(STATES) - np.diff(reached, axis=1), np.ones(STATES))
    return float(lengths[STATES // 2])


def autocorrelation(values: Array) -> float:
    """Return how far each value resembles the one before, from -1 to 1; 0 where all are equal."""
    residuals = values - values.mean()
    total = float(residuals @ residuals)
    return float(residuals[1:] @ residuals[:-1]) / total if total > 0 else 0.0
