"""The files that pages are made of, with their texts in the language in use."""

import re
from importlib.resources import files
from string import Template

from goldensample.locales.language import gettext, language, tag
from goldensample.report.words import escape

_TEXT = re.compile(r'\{\{ _\("([^"]*)"\) \}\}')


def read_resource(name: str) -> str:
    """Return a resource of this package without its last line break."""
    return (files("goldensample.report") / name).read_text(encoding="utf-8").rstrip("\n")


def read_template(name: str) -> Template:
    """Return the template of a page in the language in use; in it, texts stand in `{{ _("…") }}`.

    Its place `$language` is taken; all others are left to fill.
    """
    page = _TEXT.sub(lambda text: escape(gettext(text[1])), read_resource(name))
    return Template(page.replace("$language", tag(language())))
