"""Deep samples to grey values: which become black and which white, for all pictures alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.errors import ImageError
from goldensample.records import Array

TAIL_PERCENT = 0.1
"""Share of a picture's samples, at each end, that may lie beyond its range: hot and dead pixels."""
PICTURES_PERCENT = 2.0
"""Share of the pictures, at each end, whose range does not count: odd ones."""
HEADROOM = 0.25
"""Room left at each end, in ranges of the pictures: for defects, and for drift of the light."""
LEAST_LEVELS = 8
"""Grey values, of 256, that good pictures must use at least."""


@dataclass(frozen=True, slots=True)
class GreyRange:
    """Which samples become black and white in pictures of more than 8 bits.

    Args:
        black: sample that becomes 0, with all below it; from 0.
        white: sample that becomes 255, with all above it; above black, to 65535.

    Raises:
        ValueError: they are not in this order or range.
    """

    black: int
    white: int

    def __post_init__(self) -> None:
        if not 0 <= self.black < self.white <= 65535:
            raise ValueError(
                "grey range must be black < white, in 0 to 65535; "
                f"got black {self.black} and white {self.white}"
            )

    def __str__(self) -> str:
        return f"{self.black},{self.white}"


def scale(samples: Array, grey_range: GreyRange) -> Array:
    """Return uint16 samples as uint8: round(255 · (sample - black) / (white - black)), clipped.

    Example: from black 100 to white 200, the samples 50, 100, 150 and 300 become 0, 0, 128, 255.
    """
    span = grey_range.white - grey_range.black
    above = np.clip(np.arange(65536), grey_range.black, grey_range.white) - grey_range.black
    table = ((510 * above + span) // (2 * span)).astype(np.uint8)
    return table[samples]


def describe_input(grey_range: GreyRange | None) -> str:
    """Return in words what an exported graph takes, and how deep samples become it."""
    taken = "uint8 (n, H, W, 3), RGB from 0 to 255, as decoded, upright"
    if grey_range is None:
        return taken
    black, white = grey_range.black, grey_range.white
    return (
        f"{taken}; the files have more than 8 bits: round(255 * (sample - {black}) / "
        f"{white - black}), below 0 as 0 and above 255 as 255; grey three times"
    )


def sample_range(samples: Array) -> tuple[float, float]:
    """Return the range of a picture's samples, without the hottest and the deadest pixels."""
    low, high = np.percentile(samples, (TAIL_PERCENT, 100 - TAIL_PERCENT))
    return float(low), float(high)


def choose_grey_range(ranges: Sequence[tuple[float, float]]) -> GreyRange:
    """Choose black and white for pictures of more than 8 bits.

    Args:
        ranges: the range of each picture's samples, see `sample_range`; at least one.

    Raises:
        ImageError: the pictures use too few values to be told apart, see `check_levels`.

    Example: pictures from 1000 to 1400 give black 900 and white 1500.
    """
    low, high = _common(ranges)
    room = HEADROOM * max(high - low, 1)
    black, white = max(int(low - room), 0), min(int(np.ceil(high + room)), 65535)
    chosen = GreyRange(min(black, 65534), max(white, black + 1))
    check_levels(ranges, chosen)
    return chosen


def check_levels(ranges: Sequence[tuple[float, float]], grey_range: GreyRange) -> None:
    """Refuse pictures that would keep too few grey values.

    Raises:
        ImageError: most pictures together use fewer than `LEAST_LEVELS`.
    """
    low, high = _common(ranges)
    ends = scale(np.array([round(low), round(high)], np.uint16), grey_range)
    levels = min(int(ends[1]) - int(ends[0]), round(high) - round(low)) + 1
    if levels < LEAST_LEVELS:
        raise ImageError(
            f"good pictures must use at least {LEAST_LEVELS} of 256 grey values; these use "
            f"{levels}: their samples are {low:.0f} to {high:.0f}, black is {grey_range.black} and "
            f"white {grey_range.white}; give a closer --grey-range BLACK,WHITE, or more contrast"
        )


def _common(ranges: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the range of most pictures."""
    lows, highs = zip(*ranges, strict=True)
    low = np.percentile(lows, PICTURES_PERCENT)
    return float(low), float(np.percentile(highs, 100 - PICTURES_PERCENT))
