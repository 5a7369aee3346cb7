"""The languages that people read, the choice of one, and texts in the one that is chosen.

A text is written in English where it is used, as `gettext("%(count)s waiting")`; the catalogs
beside this file hold it in the other languages, and `make languages` brings them up to date.
"""

import gettext as catalogs
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files

LANGUAGES = {"en": "English", "de": "Deutsch", "ko": "한국어", "zh_Hans": "简体中文"}
"""Names of the languages, in themselves."""
TRADITIONAL = {"hant", "tw", "hk", "mo"}
"""Subtags of Chinese that is not written in simplified characters."""
_chosen: ContextVar[str] = ContextVar("language", default="en")


def gettext(text: str) -> str:
    """Return a text in the language in use."""
    return _catalog(_chosen.get()).gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for one or for many in the language in use."""
    return _catalog(_chosen.get()).ngettext(one, many, number)


def mark(text: str) -> str:
    """Return a text as it is: it is translated where it is used."""
    return text


def language() -> str:
    """Return the language in use: a key of LANGUAGES."""
    return _chosen.get()


def tag(name: str) -> str:
    """Return the tag of a language as pages write it, like "zh-Hans"."""
    return name.replace("_", "-")


@contextmanager
def speaking(name: str) -> Iterator[None]:
    """Use a language, a key of LANGUAGES, within the block."""
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def preferred(header: str) -> str:
    """Return the language that an Accept-Language header likes best; "en" where there is none.

    Example:
        >>> preferred("fr, zh-CN;q=0.8, de;q=0.5"), preferred("zh-TW")
        ('zh_Hans', 'en')
    """
    wishes = (wish.partition(";") for wish in header.lower().split(","))
    liked = sorted(
        ((-_quality(rest), name.strip()) for name, _, rest in wishes), key=lambda w: w[0]
    )
    for disliked, name in liked:
        first, *subtags = name.split("-")
        found = next((key for key in LANGUAGES if key.split("_")[0] == first), None)
        if found and disliked < 0 and not TRADITIONAL.intersection(subtags):
            return found
    return "en"


def _quality(text: str) -> float:
    """Return the quality of a wish, in [0, 1]; 0 where it is none."""
    try:
        value = float(text.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


@cache
def _catalog(name: str) -> catalogs.NullTranslations:
    """Return the translations into a language."""
    if name == "en":
        return catalogs.NullTranslations()
    path = files(__package__) / name / "LC_MESSAGES" / "goldensample.mo"
    with path.open("rb") as file:
        return catalogs.GNUTranslations(file)
