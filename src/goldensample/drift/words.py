"""Words for what has changed in a scene."""

from collections.abc import Sequence
from functools import reduce

from goldensample.locales.language import mark

DEVIATION_WORDS = {
    "brightness": (mark("darker"), mark("brighter")),
    "highlights": (mark("darker in the brightest parts"), mark("brighter in the brightest parts")),
    "sharpness": (mark("less sharp"), mark("sharper")),
    "size": (mark("smaller"), mark("larger")),
    "aspect": (mark("wider"), mark("taller")),
    "down": (mark("higher in the picture"), mark("lower in the picture")),
    "across": (mark("further left in the picture"), mark("further right in the picture")),
    "distance": (mark("nearer to the bank"), mark("farther from the bank everywhere")),
    "red": (mark("bluer"), mark("redder")),
    "saturation": (mark("less colourful"), mark("more colourful")),
}
"""Descriptions of a measure that is too small, and too large."""
_EXCHANGED = mark("are red and blue exchanged?")
_CAUSES = {
    "less colourful": mark("is the camera set to grey?"),
    "bluer": _EXCHANGED,
    "redder": _EXCHANGED,
}
"""Likely causes, the likeliest first, which are no change of the light."""
STRETCHED = mark("stretched: keeping its aspect would have wasted more than half of the picture")
UNALIGNED = mark("could not be aligned to the reference, and was not moved")

TWO = mark("%(first)s and %(second)s")
THAN_TRAINING = (
    mark("%(how)s than the training pictures"),
    mark("%(how)s than the training pictures (%(cause)s)"),
)
THAN_FIT = (
    mark("%(how)s than the good pictures of the fit"),
    mark("%(how)s than the good pictures of the fit (%(cause)s)"),
)
"""Comparisons with other pictures, without and with a cause that a user should look for."""


def compare(deviations: Sequence[str], texts: tuple[str, str] = THAN_TRAINING) -> str:
    """Return a comparison with other pictures, in English; `wording.notes.told` translates it.

    Args:
        deviations: of DEVIATION_WORDS.
        texts: the sentences of the comparison, without and with a cause.

    Example:
        >>> compare(["bluer"])
        'bluer than the training pictures (are red and blue exchanged?)'
    """
    cause = next((words for name, words in _CAUSES.items() if name in deviations), "")
    how = reduce(lambda first, second: TWO % {"first": first, "second": second}, deviations)
    return texts[bool(cause)] % {"how": how, "cause": cause}
