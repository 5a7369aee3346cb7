"""Pixel metrics of heat maps: AUROC, PRO, average precision and F1, with error bounds.

Pixels are counted into `BINS` bins map by map, so that no map is stored. Memory: 8 MB per group of
pictures, whatever their number and size. Scores in one bin count as ties; the largest error that
this can cause is returned with each metric.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, frexp, ldexp

import numpy as np

from goldensample.evaluation.metrics import check_both_classes
from goldensample.records import Array

BINS = 2**18
DIGITS = 53
"""Binary digits of a float64."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A metric, and the most by which the metric without bins can differ from it."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Channel:
    """One annotated defect of a picture, for sPRO.

    Args:
        mask: (H, W) bool; its parts need not be connected.
        saturation: pixels of it, at least 1, that count as all of it once they are found.
    """

    mask: Array
    saturation: int


class PixelTally:
    """Histograms of pixel scores, in groups, for the metrics of any number of maps.

    The bins are equally wide, a power of two, begin at multiples of it, and are the same for all
    groups: the finest with which `BINS` of them hold all scores so far, wherever these lie. Where
    more are needed, pairs of bins become one. Multiplying by powers of two is exact, so the order
    of the pictures does not matter.

    Args:
        marked: the groups with a mask that is not empty.
    """

    def __init__(self) -> None:
        self.marked: set[str | None] = set()
        self._low, self._high = np.inf, -np.inf
        self._exponent, self._first = 0, 0  # width 2^exponent; multiple at which bin 0 begins
        self._counts: dict[str | None, Array] = {}

    def add(
        self,
        values: Array,
        mask: Array,
        group: str | None = None,
        channels: Sequence[Channel] = (),
    ) -> None:
        """Count one picture.

        Args:
            values: (H, W) float32 or float64, a heat map; not changed.
            mask: (H, W) bool, True on the defect.
            group: name of the group that the picture is counted in.
            channels: the defects one by one, which sPRO counts; their union is `mask`.

        Raises:
            ValueError: the shapes differ, or a value is not finite.
        """
        if values.shape != mask.shape:
            raise ValueError(f"values and mask must agree; got {values.shape} and {mask.shape}")
        low, high = float(values.min()), float(values.max())
        if not np.isfinite([low, high]).all():
            raise ValueError("heat-map values must be finite; got NaN or infinity")
        self._extend_range(min(low, self._low), max(high, self._high))
        bins = np.floor(values * 2.0**-self._exponent).astype(np.intp)
        bins -= self._first
        # rows: pixels, pixels of defects, regions (each weighs 1, spread over its pixels), channels
        if group not in self._counts:
            self._counts[group] = np.zeros((4, BINS))
        counts = self._counts[group]
        _count(counts[0], bins.ravel())
        if mask.any():
            self.marked.add(group)
            rows, columns = (_extent(mask, axis) for axis in (0, 1))
            cropped = mask[rows, columns]
            marked = bins[rows, columns][cropped]
            _count(counts[1], marked)
            _count(counts[2], marked, region_weights(cropped))
        for channel in channels:
            if channel.mask.any():
                found = _most(bins[channel.mask], channel.saturation)
                _count(counts[3], found, np.full(len(found), 1 / len(found)))

    def _extend_range(self, low: float, high: float) -> None:
        """Make bins that hold all scores from `low` to `high`."""
        finest = frexp(max(high, -low))[1] - DIGITS  # finer ones than the digits of the scores
        exponent = max(finest, frexp((high - low) / BINS)[1] - 1, -110)
        if self._counts:
            exponent = max(exponent, self._exponent)
        while floor(ldexp(high, -exponent)) - floor(ldexp(low, -exponent)) >= BINS:
            exponent += 1
        first = floor(ldexp(low, -exponent))
        self._low, self._high = low, high
        if (first, exponent) == (self._first, self._exponent):
            return
        for counts in self._counts.values():
            filled = np.flatnonzero(counts[0])
            moved = ((filled + self._first) >> (exponent - self._exponent)) - first
            for row in counts:
                row[:] = np.bincount(moved, row[filled], BINS)
        self._exponent, self._first = exponent, first

    def curve(self, *groups: str | None) -> "PixelCurve":
        """Return the curve of some groups together; of all, if none is named.

        Raises:
            ValueError: good pixels, or pixels of defects, are missing.
        """
        counts = [self._counts[group] for group in groups or self._counts if group in self._counts]
        pixels, defect, regions, channels = sum(counts, np.zeros((4, BINS)))[:, ::-1]
        check_both_classes(defect.sum(), (pixels - defect).sum(), "pixels")
        return PixelCurve(
            false=np.append(0.0, np.cumsum(pixels - defect)),
            true=np.append(0.0, np.cumsum(defect)),
            overlap=np.append(0.0, np.cumsum(regions) / regions.sum()),
            saturated=np.append(0.0, np.cumsum(channels) / (channels.sum() or 1)),
        )


@dataclass(frozen=True, slots=True)
class PixelCurve:
    """Cumulative counts at each threshold, the highest threshold first.

    Args:
        false: (bins + 1,) number of good pixels called defect, from 0 to all.
        true: (bins + 1,) number of defect pixels called defect, from 0 to all.
        overlap: (bins + 1,) mean share of the regions' pixels called defect, from 0 to 1.
        saturated: (bins + 1,) the same of the channels, each up to its saturation; all 0 without.
    """

    false: Array
    true: Array
    overlap: Array
    saturated: Array

    def auroc(self) -> Bounded:
        """Return the area under the ROC curve; off by half the pairs that share a bin, at most."""
        false, true = np.diff(self.false), np.diff(self.true)
        pairs = self.false[-1] * self.true[-1]
        above = np.dot(false, self.true[:-1] + true / 2)
        return Bounded(float(above / pairs), float(np.dot(false, true) / 2 / pairs))

    def pro(self, limit: float = 0.3) -> Bounded:
        """Return the per-region overlap up to a false positive rate, divided by that rate.

        The overlap is the mean over the masks' connected parts (8 neighbours) of the covered
        share; the curve over the false positive rate of all good pixels is integrated by
        trapezoids and cut at the limit by linear interpolation. The true curve rises from one
        bin's corner to the next; so lower and upper sums bound it.

        Args:
            limit: in (0, 1]; 0.3 in most papers, 0.05 in newer ones.

        Source: Bergmann et al., Uninformed Students, CVPR 2020.
        """
        return self._below(self.overlap, limit)

    def spro(self, limit: float = 0.05) -> Bounded | None:
        """Return the saturated per-region overlap up to a false positive rate; None without.

        As `pro`, but of the channels, which are not taken apart, and each counts as found once
        its saturation is.

        Args:
            limit: in (0, 1]; 0.05 in most papers.

        Source: Bergmann et al., Beyond Dents and Scratches, IJCV 2022.
        """
        return self._below(self.saturated, limit) if self.saturated[-1] else None

    def _below(self, overlap: Array, limit: float) -> Bounded:
        """Return the area below an overlap over the false positive rate, divided by the limit."""
        if not 0 < limit <= 1:
            raise ValueError(f"limit must be in (0, 1]; got {limit}")
        rate = self.false / self.false[-1]
        step, rise = np.diff(rate), np.diff(overlap)
        width = np.diff(np.minimum(rate, limit))
        share = np.divide(width, step, out=np.zeros_like(step), where=step > 0)
        lower = np.dot(width, overlap[:-1]) / limit
        upper = np.dot(width, overlap[1:]) / limit
        value = lower + np.dot(width, rise * share) / 2 / limit
        return Bounded(float(value), float(max(value - lower, upper - value)))

    def average_precision(self) -> Bounded:
        """Return the mean, over the defect pixels, of the precision at each one's score.

        The error takes each bin's defect pixels before, and after, its good ones.
        """
        bins = np.flatnonzero(np.diff(self.true))  # those with defect pixels
        true, false = self.true[bins + 1], self.false[bins + 1]
        first, before = self.true[bins] + 1, self.false[bins]
        precision = true / (true + false)
        highest, lowest = true / (true + before), first / (first + false)
        weights = np.diff(self.true)[bins] / self.true[-1]
        error = np.dot(weights, np.maximum(highest - precision, precision - lowest))
        return Bounded(float(np.dot(weights, precision)), float(error))

    def best_f1(self) -> Bounded:
        """Return the largest F1 of all thresholds; without bins it could only be larger."""
        f1 = 2 * self.true / (self.true + self.false + self.true[-1])
        # within a bin, no threshold is better than all its defect pixels and no good one
        bound = 2 * self.true[1:] / (self.true[1:] + self.false[:-1] + self.true[-1])
        return Bounded(float(f1.max()), float(bound.max() - f1.max()))


def _count(counts: Array, bins: Array, weights: Array | None = None) -> None:
    """Add pixels to the counts, in place."""
    added = np.bincount(bins, weights)
    counts[: len(added)] += added


def _most(bins: Array, saturation: int) -> Array:
    """Return the highest of a channel's bins, as many as its saturation and no more than it has."""
    count = min(saturation, len(bins))
    return np.partition(bins, len(bins) - count)[len(bins) - count :]


def _extent(mask: Array, axis: int) -> slice:
    """Return the rows (axis 0) or columns (axis 1) from the first with a True to the last."""
    indices = np.flatnonzero(mask.any(axis=1 - axis))
    return slice(int(indices[0]), int(indices[-1]) + 1)


def region_weights(mask: Array) -> Array:
    """Return, for each True of a mask, 1 / the pixels of its connected part (8 neighbours)."""
    from scipy import ndimage

    labels, _ = ndimage.label(mask, structure=np.ones((3, 3), int))
    inside = labels[mask]
    return 1 / np.bincount(inside)[inside]
