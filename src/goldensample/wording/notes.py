"""Notes on pictures, in the language in use: what is stored and written to tables is English."""

import re

from goldensample.drift import words
from goldensample.inspection.composition import AMOUNTS, MISSING, TOO_MUCH
from goldensample.inspection.inspector import BELOW_PIXEL_LIMIT
from goldensample.locales.language import gettext
from goldensample.locales.unmarked import translated
from goldensample.wording.intake import SINGLE_VALUE, TOO_FEW, TOO_FEW_DIFFERENT

_REASONS = (SINGLE_VALUE, TOO_FEW_DIFFERENT, TOO_FEW)
_TEXTS = (*words.THAN_TRAINING, *words.THAN_FIT, MISSING, TOO_MUCH, *AMOUNTS.values())
_TOLD = {"how", "cause", "quarter", "what"}
"""Places of these that hold a text themselves; others hold a name or a number."""


def pattern_of(text: str) -> re.Pattern[str]:
    """Return what matches an English text with places by name, whatever is at them."""
    parts, known = re.split(r"%\((\w+)\)s", text), set[str]()
    for index, part in enumerate(parts):
        group = f"(?P={part})" if part in known else f"(?P<{part}>.+?)"
        parts[index] = group if index % 2 else re.escape(part)
        known |= {part} if index % 2 else set()
    return re.compile("".join(parts), re.DOTALL)


_PATTERNS = [(text, pattern_of(text)) for text in (*_TEXTS, *_REASONS)]


def told(note: str) -> str:
    """Return a note with what is known of it in the language in use.

    Args:
        note: of an inspection, in English: sentences, with "; " between them; or why a fit set
            no limits.
    """
    if any(pattern.fullmatch(note) for _, pattern in _PATTERNS[-len(_REASONS) :]):
        return _sentence(note)
    note = note.replace(BELOW_PIXEL_LIMIT, gettext(BELOW_PIXEL_LIMIT))  # it holds a "; " itself
    return "; ".join(map(_sentence, note.split("; ")))


def _sentence(text: str) -> str:
    """Return a sentence of a note in the language in use; as it is where it is not known."""
    for known, pattern in _PATTERNS:
        if found := pattern.fullmatch(text):
            return gettext(known) % {
                name: _part(value) if name in _TOLD else value
                for name, value in found.groupdict().items()
            }
    known = gettext(text)
    return known if known != text else translated(text)


def _part(text: str) -> str:
    """Return the text at a place, or two with "and" between them."""
    first, has_two, second = text.partition(" and ")
    if has_two and gettext(text) == text:
        return gettext(words.TWO) % {"first": _part(first), "second": _part(second)}
    return _sentence(text)
