"""The pages Products, one product, Set up and Health."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Request
from fastapi.responses import HTMLResponse

from goldensample.calibration.conformal import required_count
from goldensample.calibration.tradeoff import RATES
from goldensample.inspection.inspector import Inspector
from goldensample.learning.relimit import calibration_of
from goldensample.locales.language import gettext
from goldensample.records import Threshold
from goldensample.station.health.health import health
from goldensample.station.products import limits
from goldensample.station.products.good_pictures import (
    composition_is_silent,
    good_pictures,
    record_number,
    revisions,
)
from goldensample.station.products.limits_figure import draw_limits
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Filter
from goldensample.station.records.titles import Title
from goldensample.station.setup.drawings import find_drawing, scope_of
from goldensample.station.setup.source_folders import find_source_folders, printable
from goldensample.station.station import Station, find_learned_record
from goldensample.station.web import products_api
from goldensample.station.web.part_page import part_page, part_rows
from goldensample.station.web.rendering import TEMPLATES, page
from goldensample.station.web.requests import current_product, person_of, station_of
from goldensample.station.web.setup_api import DraftId, draft_json, draft_of
from goldensample.wording.limits import percent, promise
from goldensample.wording.progress import duration

router = APIRouter(include_in_schema=False)
MAX_PICTURES = 240
"""Good pictures that a page shows, at most."""
MAX_SCORES = 20_000
"""Scores of stored pictures that the figure shows, at most: the newest."""
MAX_CHANGES = 100
MIN_RATE, MAX_RATE = 0.005, 0.5
"""Range of the rates of false alarms and of review that Set up offers."""
ProductKey = Annotated[str, Path(max_length=64)]


@router.get("/products")
def products(request: Request) -> HTMLResponse:
    """Show all products."""
    station = station_of(request)
    for product in station.products:
        product.refresh()
    titles = station.ledger.titles.all()
    rows = [
        {
            "key": product.key,
            "retired": titles.get(product.key, Title("")).retired,
            "revision": product.state.revision,
            "promise": promise(product.state.inspector.threshold),
            "counts": station.ledger.count(Filter(product=product.key)),
            "good": len(good_pictures(product.state.inspector)),
            "scene": station.scene.status(product),
        }
        for product in station.products
    ]
    return page(request, "products.html", {"rows": rows, "parts": part_rows(station)})


@router.get("/products/{key}")
def product(request: Request, key: ProductKey) -> HTMLResponse:
    """Show a product: its limits, its good pictures, its revisions; or a part of several views."""
    station = station_of(request)
    if part := station.parts.get(key):
        return part_page(request, station, part)
    product = current_product(station, key)
    state = product.state
    values = {
        "key": product.key,
        "retired": station.ledger.titles.all().get(product.key, Title("")).retired,
        "state": state,
        "method": state.inspector.method_name,
        "promise": promise(state.inspector.threshold),
        "silent": composition_is_silent(state.inspector),
        **regions_context(station, state.inspector),
        "limits": limits_context(station, product),
        "good": good_pictures_context(station, product),
        "revisions": revisions(state.inspector),
        "changes": station.ledger.changes(product.key, MAX_CHANGES),
        "counts": station.ledger.count(Filter(product=product.key)),
        "scene": station.scene.status(product),
        "product": product.key,
    }
    return page(request, "product.html", values)


router.get("/parts/limits/{product}")(
    products_api.preview_limits
)  # for people: the API speaks English


@router.get("/setup")
def setup(request: Request) -> HTMLResponse:
    """Show the drafts of products, and where a new one begins."""
    return page(request, "setup.html", {"draft": None, **setup_context(request)})


@router.get("/setup/{draft}")
def one_draft(request: Request, draft: DraftId) -> HTMLResponse:
    """Show a draft of a product."""
    station = station_of(request)
    is_engineer = person_of(request).engineer
    metadata = draft_json(station, draft_of(station, draft)) if is_engineer else None
    result = metadata and metadata["result"]
    if result and result.get("threshold"):  # in words of the language in use
        result["promise"] = promise(Threshold(**result["threshold"]))
    return page(request, "setup.html", {"draft": metadata, **setup_context(request)})


@router.get("/health")
def health_page(request: Request) -> HTMLResponse:
    """Show the health of the station."""
    return page(request, "health.html", {"health": health(station_of(request))})


def setup_context(request: Request) -> dict[str, Any]:
    """Return the template values of Set up besides the draft: all drafts, folders, rates."""
    station = station_of(request)
    is_engineer = person_of(request).engineer
    drafts = list(station.setup.drafts) if is_engineer else []
    sources = list(find_source_folders(station.settings.pictures).values()) if is_engineer else []
    return {
        "drafts": [{**draft_json(station, draft), "made": draft.metadata.made} for draft in drafts],
        "folders": [folder for folder, _ in sources],
        "rates": [
            {"rate": rate, "words": percent(rate), "needs": 2 * required_count(rate)}
            for rate in RATES
            if MIN_RATE <= rate <= MAX_RATE
        ],
    }


def limits_context(station: Station, product: Product) -> dict[str, Any]:
    """Return the rates to choose from and the figure, or why there are none."""
    inspector = product.state.inspector
    empty = {"choices": [], "reviews": [], "figure": "", "at": 0}
    if not revisions(inspector):
        reason = gettext(
            "a product must be able to learn for other limits; this one cannot; fit it anew with "
            "--method patchcore and --calibration split"
        )
        return {"why": reason, **empty}
    try:
        choices = limits.choices(inspector)
        calibration_scores = calibration_of(inspector).scores
    except ValueError as error:
        return {"why": str(error), **empty}
    stored = station.ledger.scores(Filter(product=product.key), MAX_SCORES)
    scores = np.array(stored, np.float64)
    return {
        "why": "",
        "choices": choices,
        "reviews": [
            *((rate, percent(rate)) for rate in limits.REVIEWS),
            *((choice.rate, choice.words) for choice in choices),
        ],
        "figure": draw_limits(calibration_scores, scores, inspector.threshold),
        "at": next((k for k, choice in enumerate(choices) if choice.in_use), len(choices) // 2),
    }


def regions_context(station: Station, inspector: Inspector) -> dict[str, Any]:
    """Return what a product looks at, by which limits, and what was drawn for it."""
    scope = scope_of(inspector)
    return {
        "looked_at": scope.view.share if scope.view else 1.0,
        "zones": scope.zones,
        "aligned": inspector.preparation.reference is not None,
        "drawn": find_drawing(station.settings.folder, inspector),
    }


def good_pictures_context(station: Station, product: Product) -> dict[str, Any]:
    """Return the good pictures in use, those learned first."""
    inspector = product.state.inspector
    numbers = good_pictures(inspector)
    names = [inspector.pictures[number].name for number in numbers]
    rows = []
    for number in numbers[:MAX_PICTURES]:
        picture = inspector.pictures[number]
        record = find_learned_record(station, picture.name)
        exists = bool(picture.thumbnail) or bool(record and record.kept)
        shown_name = record.name if record else printable(picture.name)
        record_id = record and record.id
        rows.append({"number": number, "name": shown_name, "record": record_id, "there": exists})
    return {
        "rows": [row for row in rows if row["there"]],
        "names": [row for row in rows if not row["there"]],
        "all": len(numbers),
        "learned": sum(record_number(name) is not None for name in names),
    }


def format_bytes(value: int) -> str:
    """Return a size with its unit.

    Example:
        >>> format_bytes(1_234_567_890), format_bytes(12_300)
        ('1.23 GB', '0.0123 MB')
    """
    return f"{value / 1e9:.3g} GB" if value >= 1e8 else f"{value / 1e6:.3g} MB"


def format_duration(seconds: float) -> str:
    """Return a duration with its unit: "40 s", "12 min", "3.5 h", "12 days"."""
    if seconds < 2 * 86_400:
        return duration(seconds)
    return gettext("%(days)s days") % {"days": f"{seconds / 86_400:.0f}"}


TEMPLATES.filters |= {"bytes": format_bytes, "duration": format_duration}
