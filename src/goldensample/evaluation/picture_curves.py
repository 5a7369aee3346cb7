"""False positives and overlap picture by picture, at thresholds common to all.

From them PRO can be had for any draw of the pictures, as a paired bootstrap needs, without maps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldensample.evaluation.pixel_metrics import region_weights
from goldensample.records import Array

RATES = 0.3 * (np.arange(1, 86) / 60) ** 2
"""False positive rates of all pictures together at which thresholds are set; dense near 0, and
beyond 0.3, since a draw of the pictures shifts them."""
DROPPED_BITS = 13
"""Of a float32: scores that differ by less than 0.1 % share a bin."""
DIGITS = 5


@dataclass(frozen=True, slots=True)
class PictureCurves:
    """Counts of n pictures at t thresholds, the highest first.

    Args:
        good: (n,) pixels outside defects.
        regions: (n,) connected parts of the masks.
        false: (n, t) pixels outside defects that are called defect.
        overlap: (n, t) covered shares of the regions, summed.
    """

    good: Array
    regions: Array
    false: Array
    overlap: Array

    def as_json(self) -> dict[str, Any]:
        """Return the counts for a raw result; pictures without a region have no overlap."""
        overlap = self.overlap.round(DIGITS).tolist()
        return {
            "good": self.good.tolist(),
            "regions": self.regions.tolist(),
            "false": self.false.tolist(),
            "overlap": [
                row if count else [] for row, count in zip(overlap, self.regions, strict=True)
            ],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "PictureCurves":
        """Return what `as_json` wrote."""
        false = np.asarray(values["false"], np.float64)
        overlap = np.zeros(false.shape)
        for row, shares in zip(overlap, values["overlap"], strict=True):
            row[: len(shares)] = shares
        return cls(np.asarray(values["good"]), np.asarray(values["regions"]), false, overlap)

    def of(self, pictures: list[int]) -> "PictureCurves":
        """Return the counts of some pictures, in their order."""
        return PictureCurves(
            self.good[pictures],
            self.regions[pictures],
            self.false[pictures],
            self.overlap[pictures],
        )

    def pro(self, times: Array, limit: float = 0.3) -> Array:
        """Return PRO up to a false positive rate, see `PixelCurve.pro`, for draws of the pictures.

        Args:
            times: (draws, n) how often each picture was drawn.
        """
        rate = times @ self.false / (times @ self.good)[:, None]
        overlap = times @ self.overlap / (times @ self.regions)[:, None]
        rate, overlap = (
            np.pad(values, ((0, 0), (1, 1)), constant_values=((0, 0), (0, 1)))
            for values in (rate, overlap)
        )
        step, rise = np.diff(rate), np.diff(overlap)
        width = np.diff(np.minimum(rate, limit))
        share = np.divide(width, step, out=np.zeros_like(step), where=step > 0)
        return (width * (overlap[:, :-1] + rise * share / 2)).sum(axis=1) / limit


class CurveTally:
    """Counts pictures one by one; `curves` then sets the thresholds.

    Memory: about 50 kB a picture.
    """

    def __init__(self) -> None:
        self._pictures: list[tuple[Array, Array, Array]] = []
        self._regions: list[int] = []

    def add(self, values: Array, mask: Array) -> None:
        """Count one picture: its heat map (H, W), and its mask (H, W) bool."""
        bins = _order(values).ravel()
        first = int(bins.min())
        bins = bins - first
        good = np.bincount(bins[~mask.ravel()], minlength=int(bins.max()) + 1)
        weights = region_weights(mask)
        covered = np.bincount(bins[mask.ravel()], weights, minlength=len(good))
        filled = np.flatnonzero(good + covered)
        self._pictures.append((filled + first, good[filled], covered[filled]))
        self._regions.append(round(float(weights.sum())))

    def curves(self, pictures: int) -> PictureCurves | None:
        """Return the counts; None without regions or good pixels, or if pictures are missing.

        Args:
            pictures: how many there are; some may have no map or no mask.
        """
        good = np.array([int(counts.sum()) for _, counts, _ in self._pictures])
        if len(good) < pictures or not sum(self._regions) or not good.sum():
            return None
        bins = np.concatenate([bins for bins, _, _ in self._pictures])
        counts = np.concatenate([counts for _, counts, _ in self._pictures])
        order = np.argsort(-bins, kind="stable")
        rates = np.cumsum(counts[order]) / good.sum()
        reached = np.searchsorted(rates, RATES).clip(max=len(order) - 1)
        highest = bins[counts > 0].max() + 1  # above every good pixel
        thresholds = np.unique(np.append(bins[order][reached], highest))[::-1]
        false = np.stack([_from(thresholds, bins, good) for bins, good, _ in self._pictures])
        overlap = np.stack([_from(thresholds, bins, part) for bins, _, part in self._pictures])
        return PictureCurves(good, np.array(self._regions), false, overlap)


def _order(values: Array) -> Array:
    """Return integers in the order of float32 values, without their last bits."""
    bits = np.ascontiguousarray(values, np.float32).view(np.int32)
    return (bits ^ ((bits >> 31) & 0x7FFFFFFF)) >> DROPPED_BITS


def _from(thresholds: Array, bins: Array, counts: Array) -> Array:
    """Return the counts from each threshold on; `bins` ascend."""
    above = np.append(np.cumsum(counts[::-1])[::-1], 0)
    return above[np.searchsorted(bins, thresholds)]
