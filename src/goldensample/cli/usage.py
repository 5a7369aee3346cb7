"""What the reader of options says itself, in the language in use: it has no translations.

It is found by its words, as typer's versions have them; what is not known stays English.
"""

import sys
from io import StringIO
from typing import Any

from goldensample.locales.language import gettext, mark
from goldensample.locales.unmarked import pattern_of

TEXTS = (
    mark("Usage: %(command)s"),
    mark("Try '%(command)s' for help."),
    mark("Error: %(message)s"),
    mark("Missing argument %(name)s."),
    mark("Missing option %(name)s."),
    mark("Missing command."),
    mark("No such command %(name)s. Did you mean %(names)s?"),
    mark("No such command %(name)s."),
    mark("No such option: %(name)s Did you mean %(names)s?"),
    mark("No such option: %(name)s (Possible options: %(names)s)"),
    mark("No such option: %(name)s"),
    mark("Got unexpected extra argument(s) (%(words)s)"),
    mark("Got unexpected extra argument (%(words)s)"),
    mark("Got unexpected extra arguments (%(words)s)"),
    mark("Option %(name)s requires an argument."),
    mark("Option %(name)s does not take a value."),
    mark("Invalid value for %(name)s: %(reason)s"),
    mark("%(value)s is not a valid %(kind)s."),
    mark("%(value)s is not in the range %(range)s."),
)
"""Lines of it, those with more words of their own first."""
_TOLD = ("message", "reason")
"""Places that hold such a text themselves."""


def tell_refusal(error: Any) -> int:
    """Say on stderr what is wrong with the options, and return the exit code.

    Args:
        error: of the reader of options.
    """
    said = StringIO()
    error.show(said)
    print(*map(told, said.getvalue().splitlines()), sep="\n", file=sys.stderr)
    return int(error.exit_code)


def told(line: str) -> str:
    """Return a line of the reader of options in the language in use."""
    for text in TEXTS:
        if found := pattern_of(text).fullmatch(line):
            return gettext(text) % {
                name: told(value) if name in _TOLD else value
                for name, value in found.groupdict().items()
            }
    return line
