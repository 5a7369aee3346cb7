"""Render templates: filters, and the values that every page shares."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from goldensample._version import __version__
from goldensample.drift.words import STRETCHED, UNALIGNED
from goldensample.locales.language import LANGUAGES, gettext, language, mark, ngettext, tag
from goldensample.report.words import number, percent
from goldensample.station.web.part_notes import told_of_part
from goldensample.station.web.requests import person_of, station_of
from goldensample.wording import notes

NOTES = {
    STRETCHED: mark("a long, slim picture: it was squeezed to be judged, like all of its shape"),
    UNALIGNED: mark("it does not lie like the others, and was judged where it lies"),
}
"""What notes of stored records may say, and how pages say it."""
HERE = Path(__file__).parent
VERDICTS = {
    "good": mark("GOOD"),
    "review": mark("LOOK AGAIN"),
    "defect": mark("DEFECT"),
    "error": mark("ERROR"),
    "none": mark("NO VERDICT"),
}
"""Display text by verdict; a shape and a colour go with it."""


def page(
    request: Request, template: str, values: dict[str, Any], status: int = 200
) -> HTMLResponse:
    """Render a page, or a part of one, from a template.

    Every template knows `person`, `tokens` (whether one must log in), `products` (keys
    of those not retired), `titles` (of all, by key),
    `product` (the key chosen by `?product=`, else the first; None without products), `waiting`
    (pictures in the inbox of that product), `proposed` (answers of it that an engineer has to
    decide on), `path`, `version` and the station's `zone`.

    Args:
        template: a file in `templates/`.
        values: of this template, besides those.
        status: of the response.
    """
    station, person, now = station_of(request), person_of(request), datetime.now().astimezone()
    all_keys = [product.key for product in station.products] if person.role else []
    titles = station.ledger.titles.all()
    keys = [key for key in all_keys if key not in titles or not titles[key].retired]
    requested = request.query_params.get("product")
    selected = requested if requested in all_keys else next(iter(keys), None)
    shared = {
        "person": person,
        "tokens": bool(station.settings.tokens),
        "products": keys,
        "titles": {key: titles[key].title if key in titles else key for key in all_keys},
        "product": selected,
        "waiting": station.ledger.count_unanswered(selected) if selected else 0,
        "proposed": station.ledger.labels.count_proposals(selected) if selected else 0,
        "path": request.url.path,
        "zone": offset(now) if offset(now).startswith(zone(now)) else f"{zone(now)}, {offset(now)}",
        "version": __version__,
    }
    text = TEMPLATES.get_template(template).render({**shared, **values})
    return HTMLResponse(text.encode("utf-8", "backslashreplace"), status)  # undecodable file names


def odds(p_value: float | None) -> str:
    """Return a p-value as a sentence.

    Example:
        >>> odds(0.05), odds(0.4)
        ('at most 1 in 20 good parts looks as odd', 'at most 4 in 10 good parts look as odd')
    """
    if p_value is None:
        return ""
    if p_value >= 0.15:
        text, parts = gettext("at most %(count)s in 10 good parts look as odd"), 10 * p_value
        return text % {"count": min(round(parts), 10)}
    parts = float(f"{1 / max(p_value, 1e-6):.2g}")
    return gettext("at most 1 in %(count)s good parts looks as odd") % {"count": f"{parts:,.0f}"}


def local_time(seconds: float) -> str:
    """Return seconds since 1970 as the station's date and time, with its zone.

    It stands on paper and where no script runs; a page's script writes the reader's own time.
    """
    local = datetime.fromtimestamp(seconds).astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {zone(local)}"


def wall_time(seconds: float) -> str:
    """Return seconds since 1970 as the station's date and time, as a field of a form has it."""
    return datetime.fromtimestamp(seconds).isoformat(timespec="minutes")


def zone(local: datetime) -> str:
    """Return the name of the zone that a time is in, like "CET", or "UTC+05:30" without one."""
    name = local.tzname() or ""
    return name if name.isalpha() else offset(local)


def offset(local: datetime) -> str:
    """Return how far the zone of a time is from UTC, like "UTC+05:30"."""
    return f"UTC{local.isoformat()[-6:]}"


def iso_time(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 with the UTC offset."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


def parse_time(text: str) -> float | None:
    """Return a time of ISO 8601 as seconds since 1970, in UTC unless it says; None for others.

    Example:
        >>> parse_time("1971-01-01T01:00:00+01:00"), parse_time("0001-01-01"), parse_time("noon")
        (31536000.0, None, None)
    """
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not 1970 < parsed.year < 9999:  # of a file that no fit has written: pages show the text
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()


def told(note: str) -> str:
    """Return the note of a record, with what is known of it in the language in use."""
    for text, plain in NOTES.items():
        note = note.replace(text, gettext(plain))
    return notes.told(note)


def sentence(text: str) -> str:
    """Return a text with a capital letter first; the others stay."""
    return text[:1].upper() + text[1:]


def script_words() -> dict[str, str]:
    """Return the texts of the pages' scripts in the language in use, by the English text."""
    if language() == "en":
        return {}
    found = {text: gettext(text) for text in SCRIPT_TEXTS}
    for one, many in SCRIPT_PLURALS:
        found |= {one: ngettext(one, many, 1), many: ngettext(one, many, 2)}
    return found


_SCRIPTS = "".join(p.read_text("utf-8") for p in sorted(HERE.glob("static/*.js")))
SCRIPT_TEXTS = tuple(re.findall(r'\b_\(\s*"([^"]+)"', _SCRIPTS))
SCRIPT_PLURALS = tuple(re.findall(r'\bngettext\(\s*"([^"]+)",\s*"([^"]+)"', _SCRIPTS))
"""What scripts say, as `_("...")` and `ngettext("...", "...", number)`."""
TEMPLATES = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    extensions=["jinja2.ext.i18n"],
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "number": number,
    "percent": percent,
    "thousands": "{:,}".format,
    "sentence": sentence,
    "told": told,
    "told_of_part": told_of_part,
    "odds": odds,
    "local": local_time,
    "iso": iso_time,
    "seconds": parse_time,
    "wall": wall_time,
    "twice": lambda value: (value, value),
}
TEMPLATES.globals |= {"VERDICTS": VERDICTS, "LANGUAGES": LANGUAGES, "script_words": script_words}
TEMPLATES.globals |= {"language": language, "tag": tag}
TEMPLATES.install_gettext_callables(gettext, ngettext, newstyle=True)  # type: ignore[attr-defined]
