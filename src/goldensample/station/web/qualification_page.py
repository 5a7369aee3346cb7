"""The page Qualification of a product: the papers that are kept, and what has happened since."""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from goldensample.qualification.files import FILES
from goldensample.qualification.followed import LEAST_BASELINE
from goldensample.qualification.history import read_history
from goldensample.qualification.over_time import over_time
from goldensample.qualification.page import section_html
from goldensample.station.products.products import Product
from goldensample.station.qualifying.studies import Study
from goldensample.station.records.rows import Filter
from goldensample.station.setup.source_folders import find_source_folders
from goldensample.station.station import Station
from goldensample.station.web.product_pages import ProductKey
from goldensample.station.web.qualification_api import answered_defects
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import current_product, person_of, station_of

router = APIRouter(include_in_schema=False)
DAYS = (7, 30, 90, 365)
DAY_S = 86_400
MAX_RECORDS = 50_000
"""That charts are drawn from, at most: the newest."""


@router.get("/products/{key}/qualification")
def qualification(
    request: Request, key: ProductKey, days: Annotated[int, Query(ge=1, le=3660)] = 30
) -> HTMLResponse:
    """Show the qualifications of a product, and control charts of the time since."""
    station = station_of(request)
    product = current_product(station, key)
    is_engineer = person_of(request).engineer
    offered = find_source_folders(station.settings.pictures) if is_engineer else {}
    values = {
        "key": product.key,
        "product": product.key,
        "state": product.state,
        "kept": station.qualifier.kept.of(product.key),
        "status": station.qualifier.status(product.key),
        "files": FILES,
        "studies": [(one, _finished(station, one)) for one in station.qualifier.studies.of(key)],
        "folders": [folder for folder, _ in offered.values()],
        "answered": len(answered_defects(station, product.key)) if is_engineer else 0,
        "days": days,
        "choices": sorted({*DAYS, days}),
        **_charts(station, product, days),
    }
    return page(request, "qualification.html", values)


def _finished(station: Station, study: Study) -> int:
    """Return how many appraisers have called all of a study."""
    counts = station.qualifier.studies.appraisers(study).values()
    return sum(count >= study.parts * study.trials for count in counts)


def _charts(station: Station, product: Product, days: int) -> dict[str, Any]:
    """Return the section of control charts as HTML, or "" where there are too few records."""
    criteria = Filter(product=product.key, since=time.time() - days * DAY_S)
    rows = station.ledger.history(criteria, MAX_RECORDS)
    limit = product.state.inspector.threshold
    history = read_history(rows) if rows else None
    good = int(history.good.sum()) if history else 0
    values = {"needed": 2 * LEAST_BASELINE, "good": good}
    if history is None or good < values["needed"]:
        return {"charts": "", **values}
    section = over_time(history, limit.false_alarms if limit else None)
    return {"charts": section_html(section), **values}
