"""Render templates: filters, and the values that every page shares."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from goldensample._version import __version__
from goldensample.report.words import number, percent
from goldensample.station.web.requests import person_of, station_of
from goldensample.wording.numbers import count

VERDICTS = {
    "good": "GOOD",
    "review": "LOOK AGAIN",
    "defect": "DEFECT",
    "error": "ERROR",
    "none": "NO VERDICT",
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
    decide on), `path` and `version`.

    Args:
        template: a file in `templates/`.
        values: of this template, besides those.
        status: of the response.
    """
    station, person = station_of(request), person_of(request)
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
        return f"at most {min(round(10 * p_value), 10)} in 10 good parts look as odd"
    parts = float(f"{1 / max(p_value, 1e-6):.2g}")
    return f"at most 1 in {parts:,.0f} good parts looks as odd"


def local_time(seconds: float) -> str:
    """Return seconds since 1970 as local date and time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


def iso_time(seconds: float) -> str:
    """Return seconds since 1970 as ISO 8601 with the UTC offset."""
    return datetime.fromtimestamp(seconds).astimezone().isoformat(timespec="seconds")


TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters |= {
    "number": number,
    "percent": percent,
    "count": count,
    "odds": odds,
    "local": local_time,
    "iso": iso_time,
    "twice": lambda value: (value, value),
}
TEMPLATES.globals |= {"VERDICTS": VERDICTS}
