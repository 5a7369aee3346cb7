"""The API of the list of products: renamed, retired, copied. For engineers only."""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from goldensample.station.products.products import Product
from goldensample.station.records.titles import Title
from goldensample.station.web.access import clean_name
from goldensample.station.web.requests import (
    TEXT_PATTERN,
    Engineer,
    current_product,
    station_of,
)
from goldensample.storage.atomic import write_atomic

router = APIRouter(prefix="/api/products")
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=TEXT_PATTERN)]


class TitleRequest(BaseModel):
    """What people call a product, and whether pages leave it out."""

    model_config = ConfigDict(extra="forbid")
    title: Name
    retired: bool = False


class CopyRequest(BaseModel):
    """The name of a copy."""

    model_config = ConfigDict(extra="forbid")
    name: Name


@router.put("/{product}/title")
def set_title(
    request: Request, person: Engineer, product: str, body: TitleRequest
) -> dict[str, Any]:
    """Rename a product for people, retire it or bring it back; machines go on using its key."""
    station = station_of(request)
    key = current_product(station, product).key
    title = Title(clean_name(body.title) or key, body.retired)
    before = station.ledger.titles.all().get(key, Title(key))
    station.ledger.titles.set(key, title)
    if title.title != before.title:
        station.log_change(key, person.name, "rename", None, f"renamed to {title.title}")
    if title.retired != before.retired:
        words = "retired: pages leave it out" if title.retired else "brought back"
        station.log_change(key, person.name, "retire", None, words)
    return {"product": key, "title": title.title, "retired": title.retired}


@router.post("/{product}/copy")
def copy_product(
    request: Request, person: Engineer, product: str, body: CopyRequest
) -> dict[str, Any]:
    """Put a copy of a product into service under a name of its own, with all it has learned."""
    station = station_of(request)
    source = current_product(station, product)
    station.setup.check_name(body.name)
    path = station.settings.folder / "products" / f"{body.name}.golden"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, source.path.read_bytes())
    made = Product(path)
    station.products.add(made)
    words = f"copied from {source.key}, revision {made.state.revision}"
    station.log_change(made.key, person.name, "copy", made.state.revision, words)
    return {"product": made.key}
