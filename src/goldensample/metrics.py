"""What labelled pictures say of a detector: AUROC, PRO and the best F1.

Pixels are counted into `BINS` bins while the maps go by, so that no map is kept: the memory is
three arrays of `BINS` float64 (24 MB), whatever the number and size of the pictures.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

BINS = 2**20


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
    _check_both(positives, negatives)
    ranks = rankdata(scores)
    return float((ranks[labels].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def roc(scores: Array, labels: Array) -> tuple[Array, Array]:
    """Return the ROC curve: false and true positive rates, both from 0 to 1, at each new score."""
    labels = np.asarray(labels, bool)
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(labels[order])[ends]
    false = ends + 1 - true
    _check_both(int(true[-1]), int(false[-1]))
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])


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
    labels = np.asarray(labels, bool)
    order = np.argsort(-np.asarray(scores), kind="stable")
    ordered = np.asarray(scores)[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    true = np.cumsum(labels[order])[ends]
    positives = int(labels.sum())
    _check_both(positives, len(labels) - positives)
    f1 = 2 * true / (ends + 1 + positives)
    best = int(np.argmax(f1))
    called = int(ends[best]) + 1
    return BestF1(
        float(f1[best]),
        float(ordered[ends[best]]),
        called - int(true[best]),
        positives - int(true[best]),
    )


class PixelTally:
    """Counts of pixels by score, for pixel AUROC and PRO over any number of maps.

    Scores (0 or larger) fall into `BINS` equal bins from 0 to a limit that doubles when a larger
    score comes, two bins becoming one; scores in one bin count as ties. The error of the AUROC is
    at most half the share of (defect, good) pixel pairs that share a bin.
    """

    def __init__(self) -> None:
        self.high = 0.0
        self.good = np.zeros(BINS)
        self.defect = np.zeros(BINS)
        self.regions = np.zeros(BINS)  # each region weighs 1, spread over its pixels
        self.region_count = 0

    def _make_room(self, largest: float) -> None:
        """Double the range until it holds the largest score."""
        self.high = self.high or largest
        while largest > self.high > 0:
            self.high *= 2
            for counts in (self.good, self.defect, self.regions):
                counts[: BINS // 2] = counts[0::2] + counts[1::2]
                counts[BINS // 2 :] = 0

    def add(self, values: Array, mask: Array) -> None:
        """Count one picture: (H, W) map values and (H, W) bool, True on the defect."""
        from scipy import ndimage

        self._make_room(float(values.max()))
        share = values.astype(np.float64) / (self.high or 1)
        bins = np.minimum(share * BINS, BINS - 1).astype(np.int64)
        self.good += np.bincount(bins[~mask], minlength=BINS)
        if not mask.any():
            return
        self.defect += np.bincount(bins[mask], minlength=BINS)
        labels, count = ndimage.label(mask, structure=np.ones((3, 3), int))
        inside = labels[mask]
        weights = 1 / np.bincount(inside, minlength=count + 1)[inside]
        self.regions += np.bincount(bins[mask], weights=weights, minlength=BINS)
        self.region_count += count

    def auroc(self) -> float:
        """Return the area under the ROC curve over all pixels counted."""
        _check_both(self.defect.sum(), self.good.sum())
        below = np.cumsum(self.good) - self.good
        pairs = np.dot(self.defect, below + self.good / 2)
        return float(pairs / (self.defect.sum() * self.good.sum()))

    def pro(self, limit: float = 0.3) -> float:
        """Return the per-region overlap up to a false positive rate, divided by that rate.

        The overlap is the mean over the masks' connected parts (8 neighbours) of the covered
        share; the curve over the false positive rate of all good pixels is integrated by
        trapezoids and cut at the limit by linear interpolation.

        Source: Bergmann et al., Uninformed Students, CVPR 2020.
        """
        _check_both(self.region_count, self.good.sum())
        false = np.append(0.0, np.cumsum(self.good[::-1]) / self.good.sum())
        overlap = np.append(0.0, np.cumsum(self.regions[::-1]) / self.region_count)
        inside = false <= limit
        x, y = false[inside], overlap[inside]
        if x[-1] < limit:
            x, y = np.append(x, limit), np.append(y, np.interp(limit, false, overlap))
        return float(np.trapezoid(y, x) / limit)


def _check_both(positives: float, negatives: float) -> None:
    """Refuse data in which only one kind occurs."""
    if not positives or not negatives:
        raise ValueError(
            f"both good and defect examples must occur; got {int(negatives)} good and "
            f"{int(positives)} defect"
        )
