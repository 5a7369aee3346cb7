"""The checks of PatchCore's settings."""

from typing import Any

from goldensample.methods import image_scores
from goldensample.methods.search import SEARCHES
from goldensample.methods.selection import AUTO
from goldensample.methods.validation import (
    check,
    check_integer,
    check_number,
    is_integer,
    is_number,
)

SUBSAMPLERS = ("greedy", "random", "learned")
GREEDY = ("exact", "streaming")
BY_POSITION = ("auto", "off")
COMPOSITION = ("auto", "on", "off")


def check_settings(settings: Any) -> None:
    """Refuse invalid settings of `PatchCore`.

    Raises:
        ValueError: it names the knob.
    """
    share = is_number(settings.coreset) and 0 <= settings.coreset <= 1
    rows = (
        is_number(settings.coreset) and 1 < settings.coreset < 2**31 and settings.coreset % 1 == 0
    )
    check(share or rows, "coreset", "in (0, 1], a whole number of rows above 1, or 0", settings)
    streaming = settings.subsampler == "greedy" and settings.greedy == "streaming"
    check(
        not (streaming and settings.coreset == AUTO), "coreset", "given where it streams", settings
    )
    check(isinstance(settings.denoise, bool), "denoise", "true or false", settings)
    check(
        not (streaming and settings.denoise), "denoise", "off where the coreset streams", settings
    )
    both = settings.composition == "on" and settings.image_score == "statistics"
    check(not both, "composition", "off with image_score statistics", settings)
    check_number(settings, "sigma_px", 0, 1000)
    named_choices = {"subsampler": SUBSAMPLERS, "greedy": GREEDY, "search": SEARCHES}
    named_choices |= {"by_position": BY_POSITION, "composition": COMPOSITION}
    named_choices["image_score"] = image_scores.IMAGE_SCORES
    for name, choices in named_choices.items():
        check(getattr(settings, name) in choices, name, f"one of {', '.join(choices)}", settings)
    is_odd = is_integer(settings.neighbourhood) and settings.neighbourhood % 2 == 1
    check(is_odd, "neighbourhood", "an odd whole number", settings)
    ranges = {
        "neighbourhood": (1, 63),
        "stride": (1, 64),
        "depth": (0, 8192),
        "projection": (0, 8192),
        "neighbors": (1, 10_000),
        "seed": (0, 2**63 - 1),
    }
    for name, (low, high) in ranges.items():
        check_integer(settings, name, low, high)
