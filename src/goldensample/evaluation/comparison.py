"""Two methods compared on the same pictures: DeLong, McNemar, bootstrap; many over data sets."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.evaluation.metrics import best_f1, check_both_classes
from goldensample.evaluation.picture_curves import PictureCurves
from goldensample.records import Array


@dataclass(frozen=True, slots=True)
class Difference:
    """How one method differs from another on the same pictures.

    Args:
        value: the first's metric less the second's.
        interval: 95 % interval of it.
        p_value: of no difference, two-sided.
    """

    value: float
    interval: tuple[float, float]
    p_value: float


def delong(first: Array, second: Array, labels: Array) -> Difference:
    """Return the difference of two AUROCs of the same pictures.

    Args:
        first, second: (n,) scores of two methods.
        labels: (n,) bool, True for defects; two of each class at least.

    Where neither AUROC varies, as of two perfect methods, the p-value is 1 if they are equal and
    0 if not.

    Source: DeLong, DeLong and Clarke-Pearson, Biometrics 1988; by ranks as Sun and Xu, 2014.
    """
    from scipy.stats import norm

    labels = np.asarray(labels, bool)
    positives, negatives = int(labels.sum()), int((~labels).sum())
    check_both_classes(positives, negatives)
    if min(positives, negatives) < 2:
        raise ValueError(
            f"a comparison must have two pictures of each class; got {negatives} good and "
            f"{positives} defect"
        )
    by_defect, by_good = zip(*(_components(s, labels) for s in (first, second)), strict=True)
    areas = [float(column.mean()) for column in by_defect]
    covariance = np.cov(np.stack(by_defect)) / positives + np.cov(np.stack(by_good)) / negatives
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    value = areas[0] - areas[1]
    error = max(variance, 0.0) ** 0.5
    if error < 1e-12:
        return Difference(value, (value, value), float(abs(value) < 1e-12))
    p_value = float(2 * norm.sf(abs(value) / error))
    reach = float(norm.ppf(0.975)) * error
    return Difference(value, (value - reach, value + reach), p_value)


def _components(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Return for each defect the share of good pictures below it, and for each good one above."""
    from scipy.stats import rankdata

    defect, good = np.asarray(scores)[labels], np.asarray(scores)[~labels]
    ranks = rankdata(np.concatenate([defect, good]))
    by_defect = (ranks[: len(defect)] - rankdata(defect)) / len(good)
    by_good = 1 - (ranks[len(defect) :] - rankdata(good)) / len(defect)
    return by_defect, by_good


def f1_difference(
    first: Array, second: Array, labels: Array, draws: int = 1000, seed: int = 0
) -> Difference:
    """Return the difference of the best F1s of two methods, by a paired bootstrap.

    Good pictures and defects are resampled, the same ones for both methods. The p-value is twice
    the smaller share of draws on either side of 0, at least 1 / draws.
    """
    labels, rng = np.asarray(labels, bool), np.random.default_rng(seed)
    groups = [np.flatnonzero(labels == kind) for kind in (False, True)]
    differences = np.empty(draws)
    for draw in range(draws):
        chosen = np.concatenate([rng.choice(group, len(group)) for group in groups])
        values = [best_f1(np.asarray(s)[chosen], labels[chosen]).f1 for s in (first, second)]
        differences[draw] = values[0] - values[1]
    return _of_draws(best_f1(first, labels).f1 - best_f1(second, labels).f1, differences)


def pro_difference(
    first: PictureCurves, second: PictureCurves, draws: int = 1000, seed: int = 0
) -> Difference:
    """Return the difference of the PROs up to 30 % of two methods, by a paired bootstrap.

    Pictures with and without a defect are resampled, the same ones for both methods; each draw has
    false positive rates of its own. The p-value is as of `f1_difference`.
    """
    rng, marked = np.random.default_rng(seed), first.regions > 0
    times = np.zeros((draws, len(marked)))
    for group in (np.flatnonzero(marked), np.flatnonzero(~marked)):
        if len(group):
            times[:, group] = rng.multinomial(
                len(group), np.full(len(group), 1 / len(group)), draws
            )
    all_once = np.ones((1, len(marked)))
    value = float((first.pro(all_once) - second.pro(all_once))[0])
    return _of_draws(value, first.pro(times) - second.pro(times))


def _of_draws(value: float, differences: Array) -> Difference:
    """Return a difference with the interval and the p-value of its bootstrap draws."""
    low, high = np.quantile(differences, [0.025, 0.975]).tolist()
    tail = min(float((differences <= 0).mean()), float((differences >= 0).mean()))
    return Difference(value, (low, high), min(1.0, max(2 * tail, 1 / len(differences))))


@dataclass(frozen=True, slots=True)
class Mistakes:
    """Pictures that one method alone gets wrong, each at its own best F1.

    Args:
        first, second: how many the first, and the second, alone gets wrong.
        p_value: of no difference, McNemar's exact test.
    """

    first: int
    second: int
    p_value: float


def mcnemar(first: Array, second: Array, labels: Array) -> Mistakes:
    """Return the mistakes that two methods do not share.

    Source: McNemar, Psychometrika 1947, in its exact binomial form.
    """
    from scipy.stats import binomtest

    labels = np.asarray(labels, bool)
    wrong = [
        (np.asarray(scores) >= best_f1(scores, labels).threshold) != labels
        for scores in (first, second)
    ]
    alone = int((wrong[0] & ~wrong[1]).sum()), int((wrong[1] & ~wrong[0]).sum())
    p_value = float(binomtest(alone[0], sum(alone)).pvalue) if sum(alone) else 1.0
    return Mistakes(*alone, p_value)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, by Holm's step-down.

    Example: of 0.01, 0.04 and 0.03 they are 0.03, 0.06 and 0.06.

    Source: Holm, Scandinavian Journal of Statistics 1979.
    """
    order, adjusted, largest = np.argsort(p_values), [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order.tolist()):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


@dataclass(frozen=True, slots=True)
class Ranking:
    """Methods ranked over data sets.

    Args:
        ranks: mean rank of each method, 1 the best; equal values share their ranks.
        p_value: of no difference among all, Friedman's test.
        critical: mean ranks that differ by less are not told apart at 5 %, by Nemenyi's test.
    """

    ranks: tuple[float, ...]
    p_value: float
    critical: float


def ranking(values: Array) -> Ranking:
    """Rank methods over data sets.

    Args:
        values: (data sets, methods) of a metric where more is better; two data sets and three
            methods at least.

    Source: Demšar, Journal of Machine Learning Research 2006.
    """
    from scipy.stats import friedmanchisquare, rankdata, studentized_range

    sets, methods = values.shape
    if sets < 2 or methods < 3:
        raise ValueError(f"a ranking must have 2 data sets and 3 methods; got {sets} and {methods}")
    ranks = rankdata(-values, axis=1).mean(axis=0)
    same = bool((values == values[:, :1]).all())
    p_value = 1.0 if same else float(friedmanchisquare(*values.T).pvalue)
    quantile = float(studentized_range.ppf(0.95, methods, np.inf)) / 2**0.5
    critical = quantile * (methods * (methods + 1) / (6 * sets)) ** 0.5
    return Ranking(tuple(ranks.tolist()), p_value, critical)
