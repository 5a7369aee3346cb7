"""Probability of detection by size, from hits and misses: logit on log size, and its bounds.

The bound is that of the likelihood ratio, modified so that it holds with few trials, too. Which
definition is meant is always said: the usual ones differ by more than a quarter on one data set.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, isfinite, log

import numpy as np

from goldensample.qualification.logistic import (
    SIGNIFICANT,
    Fit,
    Trials,
    constant_likelihood,
    firth,
    has_plateau,
    maximum,
    modified_root,
    profile,
)
from goldensample.records import Array

ODDS_90 = log(9.0)
NORMAL_95 = 1.6448536269514722
QUANTILES = {
    "likelihood_ratio": 2.706,
    "likelihood_ratio_1df": 3.841,
    "likelihood_ratio_2df": 5.991,
}
"""Of the deviance: one-sided at 95 %, two-sided, and jointly with the slope."""
PAPER = "likelihood_ratio_modified"
"""The definition of the paper: one-sided at 95 %, see `modified_root`."""
CASES = ("few", "all_found", "none_found", "separated", "no_slope", "plateau", "no_bound")
"""Why there is no a90/95: see `Detection.case`."""
LEAST_TRIALS = 10
FURTHEST = 300.0
"""Log of a size beyond which there is none."""


@dataclass(frozen=True, slots=True)
class Detection:
    """The probability of detection by size.

    Args:
        case: "" where all is there; else one of CASES: fewer than LEAST_TRIALS; all found; none
            found; every defect found is larger than all that were missed, or the reverse; size does
            not explain what is found; large ones are missed as often, so that the curve levels out
            below 0.9; the data do not bound a90 from above.
        coefficients: intercept and slope of the log odds over the log of the size; None where
            they do not exist.
        a50, a90: sizes found with these probabilities; None where they do not exist.
        bounds: a90/95 by definition: PAPER, QUANTILES, "delta" and "wald_curve"; what does not
            exist is None.
        curve: (k, 4) sizes, estimate, lower and upper one-sided 95 % bound; empty without a curve.
        firth: a50 and a90 by Firth's penalised likelihood where the data are separated.
    """

    case: str
    coefficients: tuple[float, float] | None
    a50: float | None
    a90: float | None
    bounds: dict[str, float | None]
    curve: Array
    firth: tuple[float, float] | None = None

    @property
    def a90_95(self) -> float | None:
        """The bound of the paper: one-sided, of the likelihood ratio, modified for few trials."""
        return self.bounds.get(PAPER)


def detect(sizes: Array, found: Array, points: int = 41) -> Detection:
    """Return the probability of detection by size.

    Args:
        sizes: (n,) of the defects, above 0.
        found: (n,) bool.
        points: of the curve; 0 for none.

    Source: MIL-HDBK-1823A, Nondestructive evaluation system reliability assessment, 2009, appendix
        G (hit/miss); Cheng and Iles, 1983, for bounds by the likelihood.
    """
    data = np.asarray(sizes, np.float64)
    if data.ndim != 1 or data.shape != np.shape(found) or not (data > 0).all():
        raise ValueError("sizes must be above 0, one for each defect; got others")
    if not np.isfinite(data).all():
        raise ValueError("sizes must be finite; got others")
    trials = Trials(np.log(data), np.asarray(found, bool))
    if case := _degenerate(trials):
        offered = firth(trials) if case == "separated" else None
        sized = offered and offered[1] > 0
        both = (_size(0.0, offered), _size(ODDS_90, offered)) if sized and offered else None
        usable = both if both and all(map(isfinite, both)) else None
        return Detection(case, None, None, None, {}, np.empty((0, 4)), usable)
    fit = maximum(trials)
    best = fit.intercept, fit.slope
    if fit.slope <= 0 or 2 * (fit.top - constant_likelihood(trials)) < SIGNIFICANT:
        return Detection("no_slope", best, None, None, {}, np.empty((0, 4)))
    if has_plateau(trials, fit.top):
        return Detection("plateau", best, None, None, {}, np.empty((0, 4)))
    bounds = {PAPER: _modified_size(trials, fit)}
    bounds |= {name: upper_size(trials, fit, q) for name, q in QUANTILES.items()}
    bounds |= _wald(best, fit.information)
    case = "" if bounds[PAPER] is not None else "no_bound"
    curve = _curve(trials, fit, points)
    return Detection(case, best, _size(0.0, best), _size(ODDS_90, best), bounds, curve)


def _degenerate(trials: Trials) -> str:
    """Return why the likelihood has no maximum, or ""."""
    x, found = trials.log_size, trials.found
    if len(x) < LEAST_TRIALS:
        return "few"
    if found.all() or not found.any():
        return "all_found" if found.any() else "none_found"
    hits, misses = x[found], x[~found]
    apart = misses.max() <= hits.min() or hits.max() <= misses.min()
    return "separated" if apart else ""


def _size(odds: float, coefficients: tuple[float, float]) -> float:
    """Return the size at which the log odds are these."""
    return exp(min(700.0, (odds - coefficients[0]) / coefficients[1]))


def upper_size(trials: Trials, fit: Fit, quantile: float) -> float | None:
    """Return the largest size that may be a90 by the likelihood ratio; None where none is.

    Args:
        trials: neither separated nor without slope.
        fit: to them.
        quantile: of the deviance.
    """

    def excess(at: float) -> float:
        return 2 * (fit.top - profile(trials, ODDS_90, at)[0]) - quantile

    return _beyond(fit, excess)


def _modified_size(trials: Trials, fit: Fit) -> float | None:
    """Return the largest size that may be a90, as `upper_size`, by the modified signed root."""
    return _beyond(fit, lambda at: modified_root(trials, fit, ODDS_90, at) - NORMAL_95)


def _beyond(fit: Fit, excess: Callable[[float], float]) -> float | None:
    """Return the size above a90 where this rises through 0; None where it does not."""
    from scipy.optimize import brentq

    start, step = (ODDS_90 - fit.intercept) / fit.slope, 1 / fit.slope
    while excess(start + step) < 0:
        step *= 2
        if start + step > FURTHEST:
            return None
    return exp(brentq(excess, start, start + step, xtol=1e-10))


def _wald(best: tuple[float, float], information: Array) -> dict[str, float | None]:
    """Return a90/95 by the delta method, and where the Wald bound of the curve reaches 0.9."""
    covariance = np.linalg.inv(information)
    a90 = (ODDS_90 - best[0]) / best[1]
    gradient = np.array([-1 / best[1], -a90 / best[1]])
    spread = float(np.sqrt(gradient @ covariance @ gradient))
    z = NORMAL_95**2
    square = best[1] ** 2 - z * covariance[1, 1]
    linear = 2 * ((best[0] - ODDS_90) * best[1] - z * covariance[0, 1])
    constant = (best[0] - ODDS_90) ** 2 - z * covariance[0, 0]
    root = linear**2 - 4 * square * constant
    wald = None
    if square > 0 and root >= 0:
        wald = exp(min(700.0, float((-linear + np.sqrt(root)) / (2 * square))))
    return {"delta": exp(min(700.0, a90 + NORMAL_95 * spread)), "wald_curve": wald}


def _curve(trials: Trials, fit: Fit, points: int) -> Array:
    """Return sizes, the estimate, and its one-sided bounds by the modified signed root."""
    low, high = trials.log_size.min(), trials.log_size.max()
    at = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), points)
    rows = []
    for x in at.tolist():
        odds = fit.intercept + fit.slope * x
        ends = [_end(trials, fit, (x, odds), side) for side in (-1, 1)]
        rows.append([exp(x), *(1 / (1 + exp(-max(-500.0, o))) for o in (odds, *ends))])
    return np.asarray(rows).reshape(-1, 4)


def _end(trials: Trials, fit: Fit, point: tuple[float, float], side: int) -> float:
    """Return the log odds at a size below or above which the modified signed root refuses all."""
    from scipy.optimize import brentq

    x, odds = point

    def excess(value: float) -> float:
        return -side * modified_root(trials, fit, value, x) - NORMAL_95

    step = 1.0
    while excess(odds + side * step) < 0:
        step *= 2
        if step > 1e3:
            return side * inf
    return float(brentq(excess, odds, odds + side * step, xtol=1e-8))
