"""The station as a web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from goldensample._version import __version__
from goldensample.station.station import Station
from goldensample.station.web import (
    api,
    api_page,
    health_api,
    live_events,
    login,
    pages,
    product_pages,
    products_api,
    setup_api,
)
from goldensample.station.web.access import Access, Sessions
from goldensample.station.web.refusals import REFUSALS, answer_mistakes

STATIC = Path(__file__).parent / "static"


def make(station: Station) -> FastAPI:
    """Return the application of a station, which it opens and closes."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        station.events.open()
        station.retention.start()
        yield

    app = FastAPI(
        title="Golden Sample station",
        version=__version__,
        lifespan=life,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    app.state.station = station
    app.state.sessions = Sessions(station.settings.tokens)
    app.include_router(api.router)
    for room in (products_api, setup_api, health_api, login, live_events):
        app.include_router(room.router)
    for shown in (pages, product_pages, api_page):
        app.include_router(shown.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    answer_mistakes(app)
    app.add_middleware(Access, settings=station.settings, sessions=app.state.sessions)
    return app
