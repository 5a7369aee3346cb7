"""The reference that every picture is aligned to, and the least agreement with it."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from goldensample.preparation.motion import Motion
from goldensample.preparation.registration import register
from goldensample.preparation.template import DEGREES, FULL, SIDE, Template, compute_template
from goldensample.records import Array

MIN_AGREEMENT = 0.35
"""Least correlation to align a picture. 10 of 480 pairs of unrelated photographs exceed it where 15
degrees are searched, 43 where 180 are."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The picture that others are aligned to.

    Args:
        shape_hw: (h, w) of its small version.
        grey: the h·w uint8 grey values of that, in base64.
        least: the correlation with it that a picture must reach to be aligned.
        degrees: by how much a part may be turned, either way: DEGREES to 180.

    Raises:
        ValueError: the values do not fill the shape, or a number is out of its range.
    """

    shape_hw: tuple[int, int]
    grey: str
    least: float = MIN_AGREEMENT
    degrees: int = DEGREES

    def __post_init__(self) -> None:
        if not DEGREES <= self.degrees <= FULL:
            raise ValueError(f"degrees must be in {DEGREES} to {FULL}; got {self.degrees}")
        if not 0 <= self.least <= 1:
            raise ValueError(f"least must be in [0, 1]; got {self.least}")
        if min(self.shape_hw) < 1 or max(self.shape_hw) > SIDE:
            raise ValueError(f"shape_hw must be in 1 to {SIDE}; got {self.shape_hw}")
        count, (height, width) = len(b64decode(self.grey, validate=True)), self.shape_hw
        if count != height * width:
            raise ValueError(f"grey must have {height}x{width} values; it has {count}")

    def register(self, grey: Array) -> tuple[Motion, float]:
        """Return the motion at which a picture agrees best, and the correlation there.

        Args:
            grey: (h, w) float32 of `shape_hw`, the small version of a picture; not changed.
        """
        return register(grey, _template(self))

    def find_motion(self, grey: Array) -> Motion | None:
        """Return the motion of a picture; None where it agrees too little with the reference."""
        motion, agreement = self.register(grey)
        return motion if agreement >= self.least else None


def reference_of(grey: Array, degrees: int = DEGREES) -> Reference:
    """Return the reference of a small grey picture.

    Args:
        grey: (h, w) in [0, 255], no side longer than SIDE; not changed.
        degrees: by how much a part may be turned, either way: DEGREES to 180.
    """
    values = np.rint(grey).astype(np.uint8)
    coded = b64encode(values.tobytes()).decode()
    return Reference((grey.shape[0], grey.shape[1]), coded, degrees=degrees)


def small_hw(shape_hw: tuple[int, int]) -> tuple[int, int]:
    """Return (h, w) of the small version of a picture of (H, W) pixels."""
    share = min(1.0, SIDE / max(shape_hw))
    return max(1, round(shape_hw[0] * share)), max(1, round(shape_hw[1] * share))


def min_agreement(agreements: Sequence[float]) -> float:
    """Return the least agreement: half the median of good pictures', at least MIN_AGREEMENT.

    Args:
        agreements: of good pictures with the reference; at least one.

    Raises:
        ValueError: good pictures themselves agree less than MIN_AGREEMENT.
    """
    median = float(np.median(agreements))
    if median < MIN_AGREEMENT:
        raise ValueError(
            f"good pictures must agree with the reference by {MIN_AGREEMENT} in the median to be "
            f"aligned to it; they do by {median:.2f}: nothing lies alike in them (a texture, parts "
            "turned by more than is searched), or the reference is odd; give another one, say "
            "--align-degrees 180 for parts in any orientation, or leave out --align"
        )
    return max(MIN_AGREEMENT, median / 2)


@lru_cache(maxsize=4)
def _template(reference: Reference) -> Template:
    """Return the template of a reference, computed once."""
    values = np.frombuffer(b64decode(reference.grey), np.uint8)
    grey = values.reshape(reference.shape_hw).astype(np.float32)
    return compute_template(grey, reference.degrees)
