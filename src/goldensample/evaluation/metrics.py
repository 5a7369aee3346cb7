"""Metrics of scores on labelled pictures: AUROC, average precision and the best F1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldensample.records import Array


def auroc(scores: Array, labels: Array) -> float:
    """Return the area under the ROC curve: the probability that a defect scores above a good one.

    Ties count one half. auroc([1, 2, 2, 3], [0, 0, 1, 1]) is 3.5 / 4 = 0.875.

    Args:
        scores: (n,) floats.
        labels: (n,) bool, True for defects; both classes must occur.
    """
    from scipy.stats import rankdata

    labels = np.asarray(labels, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    check_both_classes(positives, negatives)
    ranks = rankdata(scores)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def roc(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Return the ROC curve: false and true positive rates, from 0 to 1, at each distinct score."""
    _, true, false = _counts_by_threshold(scores, labels)
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def average_precision(scores: Array, labels: Array) -> float:
    """Return the mean, over the defects, of the precision at each one's score.

    Equal scores form one threshold. average_precision([1, 2, 3, 4], [1, 0, 0, 1]) is
    (1/1 + 2/4) / 2 = 0.75.

    Args:
        scores: (n,) floats.
        labels: (n,) bool, True for defects; both classes must occur.
    """
    _, true, false = _counts_by_threshold(scores, labels)
    return float(np.dot(np.diff(true, prepend=0), true / (true + false)) / true[-1])


@dataclass(frozen=True, slots=True)
class BestF1:
    """The largest F1, its threshold (scores from it on count as defects), and the errors there."""

    f1: float
    threshold: float
    false_positive: int
    false_negative: int


def best_f1(scores: Array, labels: Array) -> BestF1:
    """Find the threshold with the largest F1 = 2PR / (P + R); of equals, the highest threshold.

    It is chosen on the labels it is reported on, as in the literature: a metric for comparison,
    not a setting for a line. best_f1([1, 2, 3], [0, 1, 1]) is 1.0 at threshold 2.
    """
    thresholds, true, false = _counts_by_threshold(scores, labels)
    f1 = 2 * true / (true + false + true[-1])
    best = int(np.argmax(f1))
    return BestF1(
        float(f1[best]), float(thresholds[best]), int(false[best]), int(true[-1] - true[best])
    )


def bootstrap(
    scores: Array,
    labels: Array,
    metric: Callable[[Array, Array], float],
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return a bootstrap confidence interval of a metric.

    Good pictures and defects are each resampled with replacement, as many as there are; the
    interval holds the central share of the metric over all draws. It rests only on the pictures at
    hand: where they are separated perfectly it is 1 to 1, however few they are.

    Args:
        scores: (n,) floats; not changed.
        labels: (n,) bool, True for defects; both classes must occur.
        metric: for instance `auroc`.
        seed: equal seeds give equal intervals.
        draws: number of draws, at least 1.
        level: share of the draws inside, in (0, 1).

    Returns:
        Lower and upper end.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993 (percentile interval).
    """
    if draws < 1 or not 0 < level < 1:
        raise ValueError(f"draws must be at least 1 and level in (0, 1); got {draws} and {level}")
    labels, rng = np.asarray(labels, bool), np.random.default_rng(seed)
    good, defect = np.asarray(scores)[~labels], np.asarray(scores)[labels]
    check_both_classes(len(defect), len(good))
    ordered = np.repeat([False, True], [len(good), len(defect)])
    values = []
    for _ in range(draws):
        resampled = [rng.choice(group, len(group)) for group in (good, defect)]
        values.append(metric(np.concatenate(resampled), ordered))
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_both_classes(positives: float, negatives: float, noun: str = "pictures") -> None:
    """Refuse data in which one class is missing."""
    if not positives or not negatives:
        raise ValueError(
            f"both good and defect {noun} must occur; got {int(negatives)} good and "
            f"{int(positives)} defect"
        )


def _counts_by_threshold(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return the distinct scores, largest first, with the true and false positives at each."""
    labels = np.asarray(labels, bool)
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(labels[order])[ends]
    false = ends + 1 - true
    check_both_classes(int(true[-1]), int(false[-1]))
    return ordered[ends], true, false
