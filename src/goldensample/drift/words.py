"""Words for what has changed in a scene."""

from collections.abc import Sequence

from goldensample.locales.language import mark

DEVIATION_WORDS = {
    "brightness": ("darker", "brighter"),
    "highlights": ("darker in the brightest parts", "brighter in the brightest parts"),
    "sharpness": ("less sharp", "sharper"),
    "size": ("smaller", "larger"),
    "aspect": ("wider", "taller"),
    "down": ("higher in the picture", "lower in the picture"),
    "across": ("further left in the picture", "further right in the picture"),
    "distance": ("nearer to the bank", "farther from the bank everywhere"),
    "red": ("bluer", "redder"),
    "saturation": ("less colourful", "more colourful"),
}
"""Descriptions of a measure that is too small, and too large."""
_CAUSES = {
    "less colourful": "is the camera set to grey?",
    "bluer": "are red and blue exchanged?",
    "redder": "are red and blue exchanged?",
}
"""Likely causes, the likeliest first, which are no change of the light."""
STRETCHED = mark("stretched: keeping its aspect would have wasted more than half of the picture")
UNALIGNED = mark("could not be aligned to the reference, and was not moved")


def compare(deviations: Sequence[str], others: str) -> str:
    """Return a comparison with other pictures, and a cause that a user should look for.

    Args:
        deviations: of DEVIATION_WORDS.
        others: what the scene is compared with.

    Example: of "bluer" and "the training pictures", "bluer than the training pictures (are red and
    blue exchanged?)".
    """
    cause = next((words for name, words in _CAUSES.items() if name in deviations), "")
    return f"{' and '.join(deviations)} than {others}" + (f" ({cause})" if cause else "")
