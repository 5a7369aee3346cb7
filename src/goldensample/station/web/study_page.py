"""The page of a study: an appraiser calls numbered pictures, blind; results when it is closed."""

from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from goldensample.qualification.appraisers import appraisers, read_appraisals
from goldensample.qualification.page import section_html
from goldensample.station.qualifying.studies import Study
from goldensample.station.station import Station
from goldensample.station.web.product_pages import ProductKey
from goldensample.station.web.qualification_api import Identity
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import current_product, person_of, station_of

router = APIRouter(include_in_schema=False)


@router.get("/products/{key}/studies/{identity}")
def study(request: Request, key: ProductKey, identity: Identity) -> HTMLResponse:
    """Show the part whose turn it is, or the results of a closed study."""
    station = station_of(request)
    product, name = current_product(station, key), person_of(request).name
    studies = station.qualifier.studies
    found = studies.get(product.key, identity)
    if found is None:
        raise HTTPException(404, "a study must be there; see the page Qualification of the product")
    values = {
        "key": product.key,
        "product": product.key,
        "study": found,
        "turn": studies.turn(found, name) if name and found.closed is None else None,
        **(_results(station, found) if found.closed is not None else {"agreement": "", "left": 0}),
    }
    return page(request, "study.html", values)


def _results(station: Station, study: Study) -> dict[str, Any]:
    """Return how those who have finished agree, as HTML, and how many have not."""
    rows = station.qualifier.studies.rows(study)
    counts = station.qualifier.studies.appraisers(study).values()
    left = sum(count < study.parts * study.trials for count in counts)
    if not rows:
        return {"agreement": "", "left": left}
    calls, _, reference = read_appraisals(rows)
    return {"agreement": section_html(appraisers(calls, reference)), "left": left}
