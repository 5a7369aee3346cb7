"""Attribute agreement: how far people, and the inspector, agree with a reference and each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

BOUNDS = {"effectiveness": (0.9, 0.8), "miss_rate": (0.02, 0.05), "false_alarm_rate": (0.05, 0.1)}
"""Of AIAG's manual: acceptable, and at the limit of being so."""


@dataclass(frozen=True, slots=True)
class Appraiser:
    """How one appraiser agrees with the reference.

    Args:
        parts: appraised.
        effectiveness: share of the parts called right in every trial.
        miss_rate: share of the trials of defects that were called good; None without defects.
        false_alarm_rate: share of the trials of good parts called defect; None without good parts.
        kappa: Cohen's, of all trials in one table against the reference; None where the calls or
            the reference are of one class alone.
    """

    parts: int
    effectiveness: float
    miss_rate: float | None
    false_alarm_rate: float | None
    kappa: float | None


def appraise(calls: Array, reference: Array) -> Appraiser:
    """Return how the calls of one appraiser agree with the reference.

    Args:
        calls: (parts, trials) bool, True for defect.
        reference: (parts,) bool.

    Source: AIAG, Measurement systems analysis, 4th edition, 2010, chapter III, section C.
    """
    if calls.ndim != 2 or not calls.size or reference.shape != calls.shape[:1]:
        raise ValueError(
            "calls must be (parts, trials), with a reference for each part; got "
            f"{calls.shape} and {reference.shape}"
        )
    truth = np.broadcast_to(reference[:, None], calls.shape)
    return Appraiser(
        parts=len(calls),
        effectiveness=float((calls == truth).all(axis=1).mean()),
        miss_rate=float((~calls[truth]).mean()) if truth.any() else None,
        false_alarm_rate=float(calls[~truth].mean()) if not truth.all() else None,
        kappa=cohen(confusion(calls.ravel(), truth.ravel())),
    )


def confusion(one: Array, other: Array) -> Array:
    """Return the (2, 2) table of calls by one, down, and by another, across; good first."""
    table = np.zeros((2, 2), np.int64)
    np.add.at(table, (one.astype(int), other.astype(int)), 1)
    return table


def cohen(table: Array) -> float | None:
    """Return Cohen's kappa of a square table of counts; None where both used one class alone.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    shares = table / table.sum()
    chance = float(shares.sum(axis=0) @ shares.sum(axis=1))
    if chance >= 1 or min(np.count_nonzero(shares.sum(axis=k)) for k in (0, 1)) < 2:
        return None
    return (float(np.trace(shares)) - chance) / (1 - chance)


def fleiss(counts: Array) -> float | None:
    """Return Fleiss' kappa; None where one class alone was used.

    Args:
        counts: (parts, classes), how often each part was called each; the same sum for each, at
            least two.

    Source: Fleiss, Measuring nominal scale agreement among many raters, 1971.
    """
    raters = int(counts[0].sum())
    if raters < 2 or (counts.sum(axis=1) != raters).any():
        raise ValueError("counts must sum to the same for each part, at least 2; got others")
    shares = counts.sum(axis=0) / counts.sum()
    chance = float((shares**2).sum())
    agreed = float(((counts**2).sum(axis=1) - raters).mean() / (raters * (raters - 1)))
    return None if chance >= 1 else (agreed - chance) / (1 - chance)


def between(calls: Mapping[str, Array]) -> float | None:
    """Return Fleiss' kappa between appraisers, each trial of each being one rater."""
    together: Sequence[Array] = list(calls.values())
    defects = sum(one.sum(axis=1) for one in together)
    trials = sum(one.shape[1] for one in together)
    return fleiss(np.stack([trials - defects, defects], axis=1)) if trials > 1 else None
