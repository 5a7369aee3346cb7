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
RANK_STEP = 0.01
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

    Of each picture the scores at some 1,400 ranks are kept, dense at the top, with the counts from
    them on: no rank is off by more than `RANK_STEP` of it, whatever the scale. 40 kB a picture.
    """

    def __init__(self) -> None:
        self._pictures: list[tuple[Array, Array, Array]] = []
        self._regions: list[int] = []
        self._highest_good = -np.inf

    def add(self, values: Array, mask: Array) -> None:
        """Count one picture: its heat map (H, W), and its mask (H, W) bool."""
        order = np.argsort(values, axis=None, kind="stable")[::-1]
        scores, marked = values.ravel()[order], mask.ravel()[order]
        shares = np.zeros(mask.shape)
        shares[mask] = region_weights(mask)
        steps = np.log(len(scores)) / np.log1p(RANK_STEP)
        ranks = np.unique(np.geomspace(1, len(scores), int(steps) + 2).astype(int))
        edges = np.unique(scores[ranks - 1])
        last = np.searchsorted(-scores, -edges, side="right") - 1  # of those from the edge on
        good, covered = np.cumsum(~marked)[last], np.cumsum(shares.ravel()[order])[last]
        self._pictures.append((edges, good, covered))
        self._regions.append(round(float(shares.sum())))
        if not mask.all():
            self._highest_good = max(self._highest_good, float(scores[~marked][0]))

    def curves(self, pictures: int) -> PictureCurves | None:
        """Return the counts; None without regions or good pixels, or if pictures are missing.

        Args:
            pictures: how many there are; some may have no map or no mask.
        """
        good = np.array([int(counts[0]) for _, counts, _ in self._pictures])
        if len(good) < pictures or not sum(self._regions) or not good.sum():
            return None
        edges = np.concatenate([edges for edges, _, _ in self._pictures])
        added = [counts - np.append(counts[1:], 0) for _, counts, _ in self._pictures]
        order = np.argsort(-edges, kind="stable")
        rates = np.cumsum(np.concatenate(added)[order]) / good.sum()
        reached = np.searchsorted(rates, RATES).clip(max=len(order) - 1)
        above = np.nextafter(edges.dtype.type(self._highest_good), np.inf)
        thresholds = np.unique(np.append(edges[order][reached], above))[::-1]
        false, overlap = (
            np.stack([_from(thresholds, picture[0], picture[k]) for picture in self._pictures])
            for k in (1, 2)
        )
        return PictureCurves(good, np.array(self._regions), false, overlap)


def _from(thresholds: Array, edges: Array, counts: Array) -> Array:
    """Return the counts from each threshold on, of a picture; `edges` ascend."""
    return np.append(counts, 0)[np.searchsorted(edges, thresholds)]
