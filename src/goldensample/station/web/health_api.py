"""The API of the station's health."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST

from goldensample.station.health.exposition import exposition
from goldensample.station.health.health import health
from goldensample.station.web.answers import Health, gives
from goldensample.station.web.requests import Engineer, product_of, station_of

router = APIRouter(prefix="/api")
metrics_router = APIRouter(include_in_schema=False)


@router.get("/health", response_model=None, responses=gives(Health))
def station_health(request: Request) -> dict[str, Any]:
    """Tell how the station is: speed, queue, disk, database, and each product's scene."""
    return health(station_of(request))


@metrics_router.get("/metrics")
def metrics(request: Request) -> Response:
    """Tell the same to Prometheus, in its text format."""
    return Response(exposition(station_of(request)), media_type=CONTENT_TYPE_LATEST)


@router.post("/products/{product}/scene/acknowledge")
def acknowledge_scene(request: Request, person: Engineer, product: str) -> dict[str, Any]:
    """Take note of a changed scene, and begin the watch anew; an engineer's."""
    station = station_of(request)
    target = product_of(station, product)
    acknowledged = station.scene.acknowledge(target)
    if acknowledged:
        message = "took note that the scene has changed; the watch begins anew"
        station.log_change(target.key, person.name, "acknowledge", None, message)
    return {"acknowledged": acknowledged}
