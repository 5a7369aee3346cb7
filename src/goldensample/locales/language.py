"""The languages that people read, the choice of one, and texts in the one that is chosen.

A text is written in English where it is used, as `gettext("%(count)s waiting")`; the catalogs
beside this file hold it in the other languages, and `make languages` brings them up to date.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gettext import GNUTranslations

LANGUAGES = {"en": "English", "de": "Deutsch", "ko": "한국어", "zh_Hans": "简体中文"}
"""Names of the languages, in themselves."""
TRADITIONAL = {"hant", "tw", "hk", "mo"}
"""Subtags of Chinese that is not written in simplified characters."""
_chosen: ContextVar[str | None] = ContextVar("language", default=None)
_spoken = ["en"]


def gettext(text: str) -> str:
    """Return a text in the language in use."""
    name = language()
    return text if name == "en" or not text else catalog(name).gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for one or for many in the language in use."""
    name = language()
    if name == "en":
        return one if number == 1 else many
    return catalog(name).ngettext(one, many, number)


def counted(one: str, many: str, number: int) -> str:
    """Return the text for one or for many, with the number at its place `%(num)s`.

    Example:
        >>> counted("%(num)s picture", "%(num)s pictures", 1200)
        '1,200 pictures'
    """
    return ngettext(one, many, number) % {"num": f"{number:,}"}


def mark(text: str) -> str:
    """Return a text as it is: it is translated where it is used."""
    return text


def language() -> str:
    """Return the language in use: a key of LANGUAGES."""
    return _chosen.get() or _spoken[0]


def speak(name: str) -> None:
    """Use a language, a key of LANGUAGES, in all of this process but in blocks of `speaking`."""
    _spoken[0] = name


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


def of_environment(variables: Mapping[str, str]) -> str:
    """Return the language that the variables of a shell ask for, as gettext reads them.

    Example:
        >>> of_environment({"LANG": "de_AT.UTF-8"}), of_environment({"LANG": "C", "LANGUAGE": "de"})
        ('de', 'en')
    """
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    locale = next((variables[name] for name in names if variables.get(name)), "")
    if locale in ("C", "POSIX"):
        return "en"
    wishes = (variables.get("LANGUAGE") or locale).replace("_", "-").split(":")
    return preferred(",".join(wish.partition(".")[0].partition("@")[0] for wish in wishes))


def _quality(text: str) -> float:
    """Return the quality of a wish, in [0, 1]; 0 where it is none."""
    try:
        value = float(text.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


@cache
def catalog(name: str, domain: str = "goldensample") -> "GNUTranslations":
    """Return the translations into a language other than English, of marked or other texts."""
    from gettext import GNUTranslations
    from importlib.resources import files

    path = files(__package__) / name / "LC_MESSAGES" / f"{domain}.mo"
    with path.open("rb") as file:
        return GNUTranslations(file)
