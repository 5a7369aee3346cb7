"""The station as a web application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from goldensample.station.station import Station
from goldensample.station.web import (
    api,
    api_page,
    cameras_api,
    controllers_page,
    feedback_api,
    health_api,
    learning_page,
    live_events,
    login,
    outputs_api,
    pages,
    part_feedback_api,
    parts_api,
    parts_table,
    product_pages,
    product_regions_api,
    products_api,
    qualification_api,
    qualification_page,
    regions_api,
    regions_page,
    setup_api,
    shelf_api,
    studies_api,
    study_page,
)
from goldensample.station.web.base_app import create_base_app
from goldensample.station.web.page_language import LanguageMiddleware

STATIC = Path(__file__).parent / "static"
API = (
    api,
    cameras_api,
    feedback_api,
    shelf_api,
    products_api,
    product_regions_api,
    qualification_api,
    studies_api,
    setup_api,
    regions_api,
    health_api,
    outputs_api,
    parts_table,
    part_feedback_api,
    parts_api,
    login,
    live_events,
)
"""Modules with routes for machines."""
PAGES = (
    pages,
    learning_page,
    product_pages,
    qualification_page,
    study_page,
    regions_page,
    controllers_page,
    api_page,
)
"""Modules with pages for people."""


def create_app(station: Station) -> FastAPI:
    """Return the application of a station, which it opens and closes."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        station.events.open()
        station.retention.start()
        yield

    app = create_base_app("Golden Sample station", station, lifespan)
    app.add_middleware(LanguageMiddleware, language=station.settings.language)
    for module in API:
        app.include_router(module.router)
    app.include_router(health_api.metrics_router)
    for module in PAGES:
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app
