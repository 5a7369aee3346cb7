"""Repeatability: the same parts photographed several times, and how far their scores spread."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.records import Array


@dataclass(frozen=True, slots=True)
class Components:
    """Variance components of scores, and the analysis of variance they come from.

    Args:
        within, between: standard deviation of the scores of one part, and of the parts' means.
        mean_square_within, mean_square_between: of the analysis of variance.
    """

    within: float
    between: float
    mean_square_within: float
    mean_square_between: float


def components(groups: Sequence[Array]) -> Components:
    """Return the variance components of a one-way random model.

    Args:
        groups: the scores of each part, at least two parts, one of them with two scores or more.

    Source: Searle, Casella and McCulloch, Variance components, 1992, section 3.6: analysis of
        variance, also where parts have unequally many scores; below 0 it is 0.
    """
    sizes = np.array([len(group) for group in groups])
    total = int(sizes.sum()) if len(sizes) else 0
    if len(groups) < 2 or (sizes < 1).any() or total == len(groups):
        raise ValueError(
            "parts must be at least 2, and one of them be scored at least twice; got "
            f"{len(groups)} with {total} scores"
        )
    means = np.array([float(np.mean(group)) for group in groups])
    grand = float((means * sizes).sum() / total)
    inner = sum(
        float(((group - mean) ** 2).sum()) for group, mean in zip(groups, means, strict=True)
    )
    mean_within = inner / (total - len(groups))
    mean_between = float((sizes * (means - grand) ** 2).sum()) / (len(groups) - 1)
    typical = (total - float((sizes**2).sum()) / total) / (len(groups) - 1)
    between = max(0.0, (mean_between - mean_within) / typical)
    return Components(mean_within**0.5, between**0.5, mean_within, mean_between)
