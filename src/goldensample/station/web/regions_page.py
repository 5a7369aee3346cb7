"""The page on which regions, zones and the reference of a product are drawn."""

from dataclasses import asdict
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse

from goldensample.images.codec import read_shape
from goldensample.locales.language import gettext
from goldensample.preparation.scope import Scope
from goldensample.station.products.products import Product
from goldensample.station.records.titles import Title
from goldensample.station.rescope import good_records
from goldensample.station.setup.drawings import find_drawing, scope_of
from goldensample.station.setup.regions import Regions, read_regions
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import MAX_ID, Engineer, current_product, station_of
from goldensample.station.web.setup_api import DraftId, draft_of

router = APIRouter(include_in_schema=False)
SHOWN = 40
"""Pictures of a product to choose from: the newest good ones."""
ProductKey = Annotated[str, Path(max_length=64)]


@router.get("/setup/{draft}/regions")
def draw_on_draft(
    request: Request,
    person: Engineer,
    draft: DraftId,
    picture: Annotated[int | None, Query(ge=0, le=10**6)] = None,
) -> HTMLResponse:
    """Show a picture of a draft to draw on."""
    target = draft_of(station_of(request), draft)
    regions = read_regions(target.folder)
    number = picture if picture is not None else regions.picture if regions else 0
    if number >= len(target.pictures):
        raise HTTPException(404, "a picture must be one of the draft's; this one is not")
    size_hw = read_shape(target.pictures[number].path)
    empty: dict[str, Any] = {"size_hw": size_hw, "look_at": [], "ignore": [], "zones": []}
    values = {
        "title": target.metadata.name or gettext("a new product"),
        "address": f"/api/drafts/{draft}/regions",
        "back": f"/setup/{draft}",
        "picture": number,
        "name": target.pictures[number].name,
        "url": f"/api/drafts/{draft}/pictures/{number}?longest=1600",
        "size_hw": size_hw,
        "pictures": [(k, one.name) for k, one in enumerate(target.pictures)],
        "drawn": asdict(regions) if regions else {**empty, "degrees": None},
        "words": gettext("It counts from the next learning on."),
        "revision": "",
    }
    return page(request, "regions.html", {"target": values})


@router.get("/products/{key}/regions")
def draw_on_product(
    request: Request,
    person: Engineer,
    key: ProductKey,
    picture: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> HTMLResponse:
    """Show a stored picture of a product to draw on."""
    station = station_of(request)
    product = current_product(station, key)
    drawn = find_drawing(station.settings.folder, product.state.inspector)
    good = good_records(station, product, SHOWN)
    wanted = picture if picture is not None else drawn.picture if drawn else None
    record = next((one for one in good if one.id == wanted), next(iter(good), None))
    if record is None:
        raise HTTPException(
            409, f"regions must be drawn on a good part inspected here; {key} has none"
        )
    size_hw = (record.height, record.width)
    empty: dict[str, Any] = {"size_hw": size_hw, "look_at": [], "ignore": [], "zones": []}
    values = {
        "title": station.ledger.titles.all().get(key, Title(key)).title,
        "address": f"/api/products/{quote(key)}/regions",
        "back": f"/products/{quote(key)}",
        "picture": record.id,
        "name": record.name,
        "url": f"/api/records/{record.id}/picture",
        "size_hw": size_hw,
        "pictures": [(one.id, one.name) for one in good],
        "drawn": asdict(drawn) if drawn else empty,
        "words": _words(product, drawn),
        "revision": product.state.revision,
    }
    return page(request, "regions.html", {"target": values})


def _words(product: Product, drawn: Regions | None) -> str:
    """Return what to know before a product's regions are drawn."""
    if drawn is None and scope_of(product.state.inspector) != Scope():
        return gettext(
            "Its regions in use were not drawn here, so they are not shown: what you keep takes "
            "their place."
        )
    return gettext(
        "A revision looks at no more than was learned. To look at more, or to align parts, learn "
        "anew: from the good parts that were inspected here, as a new product."
    )
