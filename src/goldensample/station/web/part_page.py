"""The page of a part of several views among the products."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from goldensample.station.products.parts import PartProduct
from goldensample.station.station import Station
from goldensample.station.web.rendering import page

LAST = 20
"""Parts that the page shows."""
MAX_CHANGES = 100


def part_page(request: Request, station: Station, part: PartProduct) -> HTMLResponse:
    """Show a part: what its verdicts promise, its views, its last parts."""
    for product in part.products.values():
        product.refresh()
    values = {
        "part": part,
        "promise": part.promise(),
        "changed": part.changed(),
        "required": part.required,
        "last": station.ledger.parts.find(part.key, None, None, LAST),
        "numbers": _numbers(station, part),
        "changes": station.ledger.changes(part.key, MAX_CHANGES),
        "counts": station.ledger.parts.count(part.key),
    }
    return page(request, "product_part.html", values)


def part_rows(station: Station) -> list[dict[str, Any]]:
    """Return what the list of products says of parts."""
    return [
        {
            "key": part.key,
            "views": part.names,
            "counts": station.ledger.parts.count(part.key),
            "changed": part.changed(),
        }
        for part in station.parts
    ]


def _numbers(station: Station, part: PartProduct) -> dict[int, int]:
    """Return a record of each of the last parts, to show it by: of the view that looks oddest."""
    found = {}
    for one in station.ledger.parts.find(part.key, None, None, LAST):
        views = station.ledger.parts.views(one.id)
        record = next((view for view in views if view.view == one.view), next(iter(views), None))
        if record:
            found[one.id] = record.id
    return found
