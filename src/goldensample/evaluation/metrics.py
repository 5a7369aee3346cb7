"""What labelled pictures say of a detector's scores: AUROC, average precision and the best F1."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from goldensample.records import Array


def auroc(scores: Array, labels: Array) -> float:
    """Return the area under the ROC curve: the chance that a defect scores above a good one.

    Ties count one half. auroc([1, 2, 2, 3], [0, 0, 1, 1]) is 3.5 / 4 = 0.875.

    Args:
        scores: (n,) floats.
        labels: (n,) bool, True for defects; both kinds must occur.
    """
    from scipy.stats import rankdata

    labels = np.asarray(labels, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    check_both(positives, negatives)
    ranks = rankdata(scores)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def roc(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Return the ROC curve: false and true positive rates, both from 0 to 1, at each new score."""
    _, true, false = _called(scores, labels)
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


def average_precision(scores: Array, labels: Array) -> float:
    """Return the mean, over the defects, of the precision at each one's score.

    Equal scores are called together. average_precision([1, 2, 3, 4], [1, 0, 0, 1]) is
    (1/1 + 2/4) / 2 = 0.75.

    Args:
        scores: (n,) floats.
        labels: (n,) bool, True for defects; both kinds must occur.
    """
    _, true, false = _called(scores, labels)
    return float(np.dot(np.diff(true, prepend=0), true / (true + false)) / true[-1])


@dataclass(frozen=True, slots=True)
class BestF1:
    """The largest F1, the score from which on pictures count as defects there, and the mistakes."""

    f1: float
    threshold: float
    false_positive: int
    false_negative: int


def best_f1(scores: Array, labels: Array) -> BestF1:
    """Find the threshold with the largest F1 = 2PR / (P + R); of equals, the highest threshold.

    It is chosen on the labels it is reported on, as in the literature: a figure for comparison,
    not a setting for a line. best_f1([1, 2, 3], [0, 1, 1]) is 1.0 at threshold 2.
    """
    thresholds, true, false = _called(scores, labels)
    f1 = 2 * true / (true + false + true[-1])
    best = int(np.argmax(f1))
    return BestF1(
        float(f1[best]), float(thresholds[best]), int(false[best]), int(true[-1] - true[best])
    )


def bootstrap(
    scores: Array,
    labels: Array,
    figure: Callable[[Array, Array], float],
    seed: int = 0,
    draws: int = 1000,
    level: float = 0.95,
) -> tuple[float, float]:
    """Return the interval in which a figure would mostly lie with other pictures of the same kind.

    Good pictures and defects are each drawn anew, with replacement and as many as there are; the
    interval holds the middle share of the figures of all draws. It knows only the pictures at
    hand: where they are told apart perfectly it is 1 to 1, however few they are.

    Args:
        scores: (n,) floats; not changed.
        labels: (n,) bool, True for defects; both kinds must occur.
        figure: for instance `auroc`.
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
    check_both(len(defect), len(good))
    ordered = np.repeat([False, True], [len(good), len(defect)])
    found = []
    for _ in range(draws):
        drawn = [rng.choice(kind, len(kind)) for kind in (good, defect)]
        found.append(figure(np.concatenate(drawn), ordered))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def check_both(positives: float, negatives: float, what: str = "pictures") -> None:
    """Refuse data in which only one kind occurs."""
    if not positives or not negatives:
        raise ValueError(
            f"both good and defect {what} must occur; got {int(negatives)} good and "
            f"{int(positives)} defect"
        )


def _called(scores: Array, labels: Array) -> tuple[Array, Array, Array]:
    """Return each different score, largest first, and how many defects and good ones reach it."""
    labels = np.asarray(labels, bool)
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(labels[order])[ends]
    false = ends + 1 - true
    check_both(int(true[-1]), int(false[-1]))
    return ordered[ends], true, false
