"""The page Learning: what operators propose to learn, and what was missed."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from goldensample.inspection.revision import LIMIT
from goldensample.station.feedback import learned_as
from goldensample.station.misses import find_misses, is_miss
from goldensample.station.products.good_pictures import judges_composition
from goldensample.station.records.rows import Record
from goldensample.station.station import Station
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import selected_product, station_of

router = APIRouter(include_in_schema=False)
SHOWN = 60
"""Proposals and misses that the page shows, at most."""
ProductKey = Annotated[str | None, Query(max_length=64)]


@router.get("/learning")
def learning(request: Request, product: ProductKey = None) -> HTMLResponse:
    """Show proposals and misses of a product."""
    station = station_of(request)
    target = selected_product(station, product)
    proposals = station.ledger.labels.proposals(target.key, SHOWN) if target else []
    misses = find_misses(station, target, SHOWN) if target else []
    values = {
        "proposals": proposals,
        "misses": misses,
        "confirms": station.settings.confirms,
        "composed": target is not None and judges_composition(target.state.inspector),
    }
    return page(request, "learning.html", values)


def miss_context(station: Station, record: Record) -> dict[str, Any] | None:
    """Return the mark of a missed defect, and if it is taught; None for other records."""
    product = station.products.get(record.product)
    if not is_miss(record) or product is None:
        return None
    return {
        "mark": station.ledger.labels.marks([record.id]).get(record.id),
        "taught": learned_as(product, record) == LIMIT,
    }
