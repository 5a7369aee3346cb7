"""The pages Products, one product, Set up and Health."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from goldensample.calibration.conformal import needed
from goldensample.calibration.tradeoff import RATES
from goldensample.learning.relimit import calibration
from goldensample.station.health.health import health
from goldensample.station.products import limits
from goldensample.station.products.good_pictures import good_pictures, learned, revisions
from goldensample.station.products.limits_figure import drawn
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Filter
from goldensample.station.setup.source_folders import folders, printable
from goldensample.station.station import Station, learned_from
from goldensample.station.web.rendering import TEMPLATES, page
from goldensample.station.web.requests import fresh_of, person_of, station_of
from goldensample.station.web.setup_api import Identity, draft_of, told
from goldensample.wording.limits import percent, promise
from goldensample.wording.progress import duration

router = APIRouter(include_in_schema=False)
PICTURES = 240
"""Good pictures that a page shows, at most."""
HISTORY = 20_000
"""Stored pictures whose scores are drawn, at most: the newest."""
CHANGES = 100
LEAST_RATE, MOST_RATE = 0.005, 0.5
"""Of false alarms and of looking again, that Set up offers."""
Key = Annotated[str, Path(max_length=64)]


@router.get("/products")
def products(request: Request) -> HTMLResponse:
    """Show all products."""
    station = station_of(request)
    for one in station.products:
        one.fresh()
    rows = [
        {
            "key": one.key,
            "revision": one.state.revision,
            "promise": promise(one.state.inspector.threshold),
            "counts": station.ledger.count(Filter(product=one.key)),
            "good": len(good_pictures(one.state.inspector)),
            "scene": station.scene.status(one),
        }
        for one in station.products
    ]
    return page(request, "products.html", {"rows": rows})


@router.get("/products/{key}")
def product(request: Request, key: Key) -> HTMLResponse:
    """Show a product: its limits, its good pictures, its revisions."""
    station = station_of(request)
    asked = fresh_of(station, key)
    state = asked.state
    values = {
        "key": asked.key,
        "state": state,
        "method": state.inspector.method_name,
        "promise": promise(state.inspector.threshold),
        "limits": limits_shown(station, asked),
        "good": good_shown(station, asked),
        "revisions": revisions(state.inspector),
        "changes": station.ledger.changes(asked.key, CHANGES),
        "counts": station.ledger.count(Filter(product=asked.key)),
        "scene": station.scene.status(asked),
        "product": asked.key,
    }
    return page(request, "product.html", values)


@router.get("/setup")
def setup(request: Request) -> HTMLResponse:
    """Show the drafts of products, and where a new one begins."""
    return page(request, "setup.html", {"draft": None, **around(request)})


@router.get("/setup/{draft}")
def one_draft(request: Request, draft: Identity) -> HTMLResponse:
    """Show a draft of a product."""
    station = station_of(request)
    shown = told(station, draft_of(station, draft)) if person_of(request).engineer else None
    return page(request, "setup.html", {"draft": shown, **around(request)})


@router.get("/health")
def how(request: Request) -> HTMLResponse:
    """Show how the station is."""
    return page(request, "health.html", {"health": health(station_of(request))})


def around(request: Request) -> dict[str, Any]:
    """Return what Set up shows whatever the draft: other drafts, folders, rates."""
    station = station_of(request)
    engineer = person_of(request).engineer
    root = station.settings.pictures
    return {
        "drafts": [told(station, one) for one in station.setting_up.drafts] if engineer else [],
        "folders": [one for one, _ in folders(root).values()] if engineer else [],
        "rates": [
            {"rate": rate, "words": percent(rate), "needs": 2 * needed(rate)}
            for rate in RATES
            if LEAST_RATE <= rate <= MOST_RATE
        ],
    }


def limits_shown(station: Station, asked: Product) -> dict[str, Any]:
    """Return the rates to choose from and the figure, or why there are none."""
    inspector, none = asked.state.inspector, {"choices": [], "figure": "", "at": 0}
    if not revisions(inspector):
        why = "a product must be able to learn for other limits; this one cannot; fit it anew with "
        return {"why": f"{why}--method patchcore and --calibration split", **none}
    try:
        found = limits.choices(inspector)
        known = calibration(inspector).scores
    except ValueError as error:
        return {"why": str(error), **none}
    stored = station.ledger.scores(Filter(product=asked.key), HISTORY)
    return {
        "why": "",
        "choices": found,
        "figure": drawn(known, np.array(stored, np.float64), inspector.threshold),
        "at": next((k for k, one in enumerate(found) if one.in_use), len(found) // 2),
    }


def good_shown(station: Station, asked: Product) -> dict[str, Any]:
    """Return the good pictures in use, those learned first."""
    inspector = asked.state.inspector
    numbers = good_pictures(inspector)
    rows = []
    for number in numbers[:PICTURES]:
        one = inspector.pictures[number]
        found = learned_from(station, one.name)
        there = bool(one.thumbnail) or bool(found and found.kept)
        name = found.name if found else printable(one.name)
        record = found and found.id
        rows.append({"number": number, "name": name, "record": record, "there": there})
    return {
        "rows": [one for one in rows if one["there"]],
        "names": [one for one in rows if not one["there"]],
        "all": len(numbers),
        "learned": sum(learned(inspector.pictures[number].name) is not None for number in numbers),
    }


def size(value: int) -> str:
    """Return bytes as people read them.

    Example:
        >>> size(1_234_567_890), size(12_300)
        ('1.23 GB', '0.0123 MB')
    """
    return f"{value / 1e9:.3g} GB" if value >= 1e8 else f"{value / 1e6:.3g} MB"


def lasting(seconds: float) -> str:
    """Return a time as people say it: "40 s", "12 min", "3.5 h", "12 days"."""
    return duration(seconds) if seconds < 2 * 86_400 else f"{seconds / 86_400:.0f} days"


TEMPLATES.filters |= {"bytes": size, "lasting": lasting}
