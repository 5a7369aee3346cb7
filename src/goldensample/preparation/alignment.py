"""The reference that every picture is aligned to, and how sure that must be."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from goldensample.preparation.motion import Motion
from goldensample.preparation.registration import SIDE, Template, register, template
from goldensample.records import Array

LEAST = 0.35
"""How well a picture must agree to be moved; of 396 pairs of unrelated photographs 3 agree more."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The picture that others are aligned to.

    Args:
        shape_hw: (h, w) of it in small.
        grey: its h·w uint8 values, in base64.
        least: how well a picture must agree with it to be moved, as a correlation.

    Raises:
        ValueError: the values do not fill the shape, or a number is out of its range.
    """

    shape_hw: tuple[int, int]
    grey: str
    least: float = LEAST

    def __post_init__(self) -> None:
        if not 0 <= self.least <= 1:
            raise ValueError(f"least must be in [0, 1]; got {self.least}")
        if min(self.shape_hw) < 1 or max(self.shape_hw) > SIDE:
            raise ValueError(f"shape_hw must be in 1 to {SIDE}; got {self.shape_hw}")
        count, wanted = len(b64decode(self.grey, validate=True)), self.shape_hw
        if count != wanted[0] * wanted[1]:
            raise ValueError(f"grey must have {wanted[0]}x{wanted[1]} values; it has {count}")

    def seen(self, grey: Array) -> tuple[Motion, float]:
        """Return the motion at which a picture agrees best, and the correlation there.

        Args:
            grey: (h, w) float32 of `shape_hw`, the whole picture in small; not changed.
        """
        return register(grey, _template(self))

    def find(self, grey: Array) -> Motion | None:
        """Return the motion of a picture; None where it does not agree well enough to tell."""
        motion, agreement = self.seen(grey)
        return motion if agreement >= self.least else None


def reference_of(grey: Array) -> Reference:
    """Return a reference.

    Args:
        grey: (h, w) in [0, 255], in small: no side longer than SIDE; not changed.
    """
    values = np.rint(grey).astype(np.uint8)
    return Reference((grey.shape[0], grey.shape[1]), b64encode(values.tobytes()).decode())


def small_hw(shape_hw: tuple[int, int]) -> tuple[int, int]:
    """Return (h, w) of a picture of (H, W) pixels in small."""
    share = min(1.0, SIDE / max(shape_hw))
    return max(1, round(shape_hw[0] * share)), max(1, round(shape_hw[1] * share))


def least(agreements: Sequence[float]) -> float:
    """Return how well a picture must agree: half as well as good ones do in the median, or LEAST.

    Args:
        agreements: of good pictures with the reference; at least one.

    Raises:
        ValueError: good pictures themselves agree less than LEAST.
    """
    usual = float(np.median(agreements))
    if usual < LEAST:
        raise ValueError(
            f"good pictures must agree with the reference by {LEAST} in the median to be aligned "
            f"to it; they do by {usual:.2f}: nothing lies alike in them (a texture, parts in any "
            "orientation), or the reference is odd; give another one, or leave out --align"
        )
    return max(LEAST, usual / 2)


@lru_cache(maxsize=4)
def _template(reference: Reference) -> Template:
    """Return what is computed of a reference once."""
    values = np.frombuffer(b64decode(reference.grey), np.uint8)
    return template(values.reshape(reference.shape_hw).astype(np.float32))
