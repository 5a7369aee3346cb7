"""Value types shared by all layers. Shapes: n pictures, d depth, h w grid, H W pixels."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Notify = Callable[[str, int, int], None]
"""Progress callback, called as `notify(stage, done, total)` during long work."""


def silent(stage: str, done: int, total: int) -> None:
    """Report no progress: the default `Notify`."""


def knob(default: Any, help: str) -> Any:
    """Declare a hyperparameter of a method: its default, and the sentence that explains it."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture with its name.

    Args:
        name: in results, for instance its path below the input folder.
        pixels: (H, W, 3) uint8 RGB.
    """

    name: str
    pixels: Array


class Pictures(Protocol):
    """A sequence of pictures that can be read repeatedly, one at a time."""

    @property
    def names(self) -> Sequence[str]: ...

    def shapes(self) -> Sequence[tuple[int, int]]:
        """Return (H, W) of each picture without decoding it where that is possible."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Picture: ...


@dataclass(frozen=True, slots=True)
class Features:
    """Feature maps of n pictures.

    Args:
        maps: one array per level, finest first, each (n, d_j, h_j, w_j) float32.
        valid: (n, h, w) bool on the finest grid; False on padding and outside the ROI.
        first: index, among all pictures of the fit, of the first of these n.
        limits: (n, h, w) float32, the divisor of each patch distance; None for 1 everywhere.
    """

    maps: tuple[Array, ...]
    valid: Array
    first: int = 0
    limits: Array | None = None

    def __len__(self) -> int:
        return len(self.valid)

    def select(self, index: int) -> "Features":
        """Return the features of one of the pictures."""
        part = slice(index, index + 1)
        maps = tuple(level[part] for level in self.maps)
        limits = None if self.limits is None else self.limits[part]
        return Features(maps, self.valid[part], self.first + index, limits)


@dataclass(frozen=True, slots=True)
class Scores:
    """The anomaly scores of n pictures by a detector.

    Args:
        image: (n,) float32 image scores, larger = more anomalous.
        grid: (n, h, w) float32 distance of each patch; 0 where not valid; h = w = 0 without a map.
        nearest: (n, h, w) int32 bank row nearest to each patch; -1 where not valid, or no bank.
        valid: (n, h, w) bool, where a patch was scored.
        centres: of the patches, rows then columns, as shares of the canvas in (0, 1), ascending.
        folds: (n, K) float32 scores by each of K folds of a cross-fitted detector, else None.
        opinions: (n, 2) float32 scores by patches and by composition; None for patches alone.
    """

    image: Array
    grid: Array
    nearest: Array
    valid: Array
    centres: tuple[tuple[float, ...], tuple[float, ...]]
    folds: Array | None = None
    opinions: Array | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a bank row came from: the picture's name and the patch's centre in it, in pixels."""

    picture: str
    row_px: float
    column_px: float


@dataclass(frozen=True, slots=True)
class Region:
    """A connected component of the heat map above the pixel threshold.

    Args:
        box_px: (top, left, height, width) in pixels of the picture.
        area_px: number of pixels.
        peak: largest value of the heat map in it.
        peak_px: (row, column) of that value.
        reason: the good patch nearest to the patch at the peak.
        distance: score of the patch at the peak, before the map's blur.
        p_value: share of good pictures, this one included, with a peak as high; or None.
        zone, zone_limit: of that patch, None and 1 outside; peak and distance are divided by it.
        limit: the heat map is above it in the whole region.
    """

    box_px: tuple[int, int, int, int]
    area_px: int
    peak: float
    peak_px: tuple[int, int]
    reason: Source | None = None
    distance: float | None = None
    p_value: float | None = None
    zone: str | None = None
    zone_limit: float = 1.0
    limit: float = 0.0


KINDS = ("split", "cross", "estimate", "hand")
"""Limits from held-out pictures, from cross-fitting, from a fitted tail, or by hand."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """Limits, calibrated on good pictures held out of the fit, or set by hand.

    Args:
        score: a picture is a defect when its score is larger.
        pixel: the heat map of a region is larger, of at most the share `false_alarms` of good ones.
        false_alarms: the target rate of good pictures called defect, in (0, 1); None by hand.
        held_out: number of good pictures the limits are calibrated on; 0 by hand.
        kind: of calibration, one of KINDS.
        review, review_rate: the limit and target rate of pictures to look at again; or None.
        interval: of an estimate, the 90 % interval of the true rate.

    Raises:
        ValueError: a limit is not finite, or a number is out of its range.
    """

    score: float
    pixel: float | None
    false_alarms: float | None = None
    held_out: int = 0
    kind: str = "hand"
    review: float | None = None
    review_rate: float | None = None
    interval: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name in ("score", "pixel", "review"):
            if not math.isfinite(getattr(self, name) or 0.0):
                raise ValueError(f"{name} must be finite; got {getattr(self, name)}")
        if self.false_alarms is not None and not 0 < self.false_alarms < 1:
            raise ValueError(f"false_alarms must be in (0, 1); got {self.false_alarms}")
        if self.held_out < 0:
            raise ValueError(f"held_out must be at least 0; got {self.held_out}")
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}; got {self.kind!r}")
        if self.review is not None and self.review > self.score:
            raise ValueError(f"review must be at most the score limit; got {self.review}")

    def verdict(self, score: float) -> str:
        """Return the verdict of a score: "defect", "review" (look again) or "good"."""
        if score > self.score:
            return "defect"
        return "review" if self.review is not None and score > self.review else "good"


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The scores of good pictures held out of the bank, by an inspector.

    Args:
        scores: (n,) float64, in the order of the pictures.
        peaks: (n,) float64, the largest value of each heat map; None without a map.
        opinions: (n, 2) float64 scores by patches and by composition; None as in `Scores`.

    Raises:
        ValueError: they are of another dtype, differ in number, or are not finite.
    """

    scores: Array
    peaks: Array | None
    opinions: Array | None = None

    def __post_init__(self) -> None:
        for name, sides in {"scores": (), "peaks": (), "opinions": (2,)}.items():
            values, shape = getattr(self, name), (*self.scores.shape[:1], *sides)
            fits = values is None or (values.shape == shape and values.dtype == "f8")
            if not fits or not np.isfinite(0.0 if values is None else values).all():
                raise ValueError(f"{name} must be a finite float64 for each picture held out")


class Amount(NamedTuple):
    """How many patches of a kind a quarter of the picture has, and how many are usual there."""

    quarter: str
    found: int
    usual: float
    like: Source


@dataclass(frozen=True, slots=True)
class Inspection:
    """The result of an inspector for one picture, by its name.

    Args:
        score: anomaly score, larger = more anomalous; a distance in feature space.
        verdict: "defect", "review" (look again), "good", or None where no threshold could be set.
        p_value: conformal: share of good pictures, this one included, that score as high. Of a good
            one, at most a with probability at most a, over fits; None where none were held out.
        heat_map: (H, W) float32 in the score's unit, 0 outside `box_px`; None without a map.
        box_px: (top, left, height, width), the part inspected: less than all after a crop.
        regions: above the pixel threshold, largest peak first.
        note: what the user should know, for instance that it was stretched; else "".
        opinions, p_values: by patches and by composition, the larger score counts; or None.
        amounts: of what the picture has too few and too many, where its composition decided.
    """

    name: str
    score: float
    verdict: str | None
    heat_map: Array | None
    box_px: tuple[int, int, int, int]
    regions: tuple[Region, ...] = ()
    note: str = ""
    p_value: float | None = None
    opinions: tuple[float, float] | None = None
    p_values: tuple[float, float] | None = None
    amounts: tuple[Amount, ...] = ()
