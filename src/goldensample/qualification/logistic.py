"""The logistic model of hits over the log of the size: maximum likelihood, profiles, Firth.

Not regularised: a penalty, on by default in some libraries, moves the size found nine times in ten.
"""

from typing import NamedTuple

import numpy as np

from goldensample.records import Array

SIGNIFICANT = 2.706
"""Deviance above which a slope above 0 is significant: one-sided, at 95 %."""
LARGE, ROUNDS = 30.0, 200


class Trials(NamedTuple):
    """Logs of the sizes, (n,) float64, and which were found, (n,) bool."""

    log_size: Array
    found: Array


class Fit(NamedTuple):
    """Estimates of intercept and slope, the information matrix there, and the log likelihood."""

    intercept: float
    slope: float
    information: Array
    top: float


def likelihood(trials: Trials, intercept: float, slope: float) -> float:
    """Return the log likelihood."""
    odds = intercept + slope * trials.log_size
    return float((trials.found * odds - np.logaddexp(0, odds)).sum())


def constant_likelihood(trials: Trials) -> float:
    """Return the largest log likelihood without a slope; some are found and some are missed."""
    share = float(np.mean(trials.found))
    return float(len(trials.found) * (share * np.log(share) + (1 - share) * np.log(1 - share)))


def maximum(trials: Trials) -> Fit:
    """Return the estimates of the largest likelihood.

    Args:
        trials: not separated, else there is no maximum.
    """
    best, information = _newton(trials, penalised=False)
    return Fit(*best, information, likelihood(trials, *best))


def firth(trials: Trials) -> tuple[float, float]:
    """Return intercept and slope by Firth's penalised likelihood, which always exist.

    Source: Firth, Bias reduction of maximum likelihood estimates, 1993; Heinze and Schemper, 2002.
    """
    return _newton(trials, penalised=True)[0]


def _newton(trials: Trials, penalised: bool) -> tuple[tuple[float, float], Array]:
    """Climb by Newton's method on the sizes brought to mean 0 and spread 1, with halved steps."""
    middle, spread = float(trials.log_size.mean()), float(trials.log_size.std()) or 1.0
    design = np.stack([np.ones(len(trials.found)), (trials.log_size - middle) / spread], axis=1)
    beta = np.zeros(2)
    value, score, information = _derivatives(design, trials.found, beta, penalised)
    for _ in range(ROUNDS):
        step = np.linalg.solve(information, score)
        size = float(np.abs(step).max())
        step *= min(1.0, LARGE / size) if size else 1.0
        for _ in range(30):
            following = _derivatives(design, trials.found, beta + step, penalised)
            if following[0] >= value - 1e-12:
                break
            step = step / 2
        beta, (value, score, information) = beta + step, following
        if np.abs(step).max() < 1e-12:
            break
    back = np.array([[1.0, -middle / spread], [0.0, 1 / spread]])
    intercept, slope = (back @ beta).tolist()
    inverse = np.linalg.inv(back)
    return (intercept, slope), inverse.T @ information @ inverse


def _derivatives(
    design: Array, found: Array, beta: Array, penalised: bool
) -> tuple[float, Array, Array]:
    """Return the log likelihood, its gradient and the information, of Firth's where penalised."""
    odds = design @ beta
    share = 1 / (1 + np.exp(-np.clip(odds, -500, 500)))
    weight = share * (1 - share)
    information = design.T @ (design * weight[:, None]) + 1e-12 * np.eye(2)
    value = float((found * odds - np.logaddexp(0, odds)).sum())
    residual = found - share
    if penalised:
        leverage = weight * ((design @ np.linalg.inv(information)) * design).sum(axis=1)
        residual = residual + leverage * (0.5 - share)
        value += 0.5 * float(np.linalg.slogdet(information)[1])
    return value, design.T @ residual, information


def profile(trials: Trials, odds: float, at: float) -> tuple[float, float]:
    """Return the largest log likelihood of a curve that rises and has these log odds at a log size,
    and its slope.

    Args:
        trials: not separated.
        odds: the log odds that are held.
        at: the log of the size.
    """
    from scipy.optimize import brentq

    distance, found = trials.log_size - at, trials.found

    def gradient(slope: float) -> float:
        share = 1 / (1 + np.exp(-np.clip(odds + slope * distance, -500, 500)))
        return float(((found - share) * distance).sum())

    slope = 0.0
    if gradient(0.0) > 0:
        high = 1.0
        while gradient(high) > 0 and high < 1e6:
            high *= 2
        slope = float(brentq(gradient, 0.0, high, xtol=1e-12)) if high < 1e6 else high
    return likelihood(trials, odds - slope * at, slope), slope


def modified_root(trials: Trials, fit: Fit, odds: float, at: float) -> float:
    """Return the modified signed root of the likelihood ratio, r*: about standard normal where the
    true log odds at a log size are these, also with few trials; above 0 where the estimate is.

    Source: Barndorff-Nielsen, Inference on full or partial parameters based on the standardized
        signed log likelihood ratio, 1986; Brazzale, Davison and Reid, Applied asymptotics, 2007.
    """
    best, slope = profile(trials, odds, at)
    above = fit.intercept + fit.slope * at - odds
    root = float(np.copysign(np.sqrt(max(0.0, 2 * (fit.top - best))), above))
    if abs(root) < 1e-4:  # at the estimate
        return root
    distance = trials.log_size - at
    share = 1 / (1 + np.exp(-np.clip(odds + slope * distance, -500, 500)))
    nuisance = float((share * (1 - share) * distance**2).sum())
    score = above * float(np.sqrt(np.linalg.det(fit.information) / nuisance))
    return root + float(np.log(score / root)) / root


def has_plateau(trials: Trials, top: float) -> bool:
    """Return whether a curve that levels out below 0.9 explains the trials significantly better
    than all that reach 0.9.

    Args:
        trials: not separated.
        top: the largest log likelihood of a curve that rises to 1.
    """
    from scipy.optimize import minimize

    x = (trials.log_size - trials.log_size.mean()) / (trials.log_size.std() or 1.0)
    found = trials.found

    def loss(parameters: Array) -> tuple[float, Array]:
        ceiling = 1 / (1 + np.exp(-parameters[0]))
        odds = np.clip(parameters[1] + parameters[2] * x, -30, 30)
        share = 1 / (1 + np.exp(-odds))
        missed = 1 - ceiling * share
        value = np.where(found, np.log(ceiling * share), np.log(missed)).sum()
        slope = np.where(found, 1 - share, -ceiling * share * (1 - share) / missed)
        level = np.where(found, 1 - ceiling, -share * ceiling * (1 - ceiling) / missed)
        return -float(value), -np.array([level.sum(), slope.sum(), slope @ x])

    def best(low: float, high: float) -> float:
        bounds = [(low, high), (-30.0, 30.0), (0.0, 30.0)]
        starts = [(low, 1.0, 2.0), (high, 1.0, 2.0), (low, 4.0, 8.0), (high, 4.0, 8.0)]
        fits = [minimize(loss, at, jac=True, method="L-BFGS-B", bounds=bounds) for at in starts]
        return -float(min(fit.fun for fit in fits))

    limit = float(np.log(9))
    return 2 * (best(-4.0, limit) - max(top, best(limit, 6.0))) > SIGNIFICANT
