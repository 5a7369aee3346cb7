"""Refusals and help in the language in use: found again by their words, as nothing marks them.

A refusal is raised, logged, stored and sent in English, far from who reads it. Where people read
it, the catalog `unmarked` is searched for the text that has its words, and what stands at its
places is put into the translation.
"""

import re
import struct
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from goldensample.locales.language import LANGUAGES, catalog, language

DOMAIN = "unmarked"
_PLACE = re.compile(r"%\((\w+)\)s")


class _Text(NamedTuple):
    """A text of the code: as the catalogs have it, and its own words, between its places."""

    text: str
    words: tuple[str, ...]
    letters: int


def translated(text: str) -> str:
    """Return a refusal or help, given in English, in the language in use; as it is if unknown."""
    name = language()
    if name == "en" or not text:
        return text
    for known in _texts():
        if all(words in text for words in known.words):
            values = pattern_of(known.text).fullmatch(text)
            if values:
                translation = catalog(name, DOMAIN).gettext(known.text)
                return translation % {k: translated(v) for k, v in values.groupdict().items()}
    return text


@cache
def _texts() -> list[_Text]:
    """Return all texts of the catalogs, those with the most words of their own first."""
    other = next(name for name in LANGUAGES if name != "en")
    data = (files(__package__) / other / "LC_MESSAGES" / f"{DOMAIN}.mo").read_bytes()
    count, table = struct.unpack("<2I", data[8:16])  # as GNU gettext describes its files
    found = []
    for entry in struct.iter_unpack("<2I", data[table : table + 8 * count]):
        text = data[entry[1] : sum(entry)].decode()
        words = tuple(part.replace("%%", "%") for part in _PLACE.split(text)[::2])
        found.append(_Text(text, words, sum(map(len, words))))
    return sorted(filter(lambda one: one.text, found), key=lambda one: -one.letters)


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    """Return what matches an English text, whatever is at its places."""
    parts, known = _PLACE.split(text), set[str]()
    for index, part in enumerate(parts):
        if index % 2:
            parts[index] = f"(?P={part})" if part in known else f"(?P<{part}>.*?)"
            known.add(part)
        else:
            parts[index] = re.escape(part.replace("%%", "%"))
    return re.compile("".join(parts), re.DOTALL)
