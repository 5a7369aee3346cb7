"""What the web applications of station and replica share: settings, errors, access control."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from goldensample._version import __version__
from goldensample.station.line.intake import Intake
from goldensample.station.web.access import AccessMiddleware, Sessions
from goldensample.station.web.refusals import ERROR_RESPONSES, add_error_handlers

TOKEN = HTTPBearer(
    auto_error=False,
    description="A token of golden serve --token, where there are any; AccessMiddleware checks it.",
)


def create_base_app(
    title: str, intake: Intake, lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]
) -> FastAPI:
    """Return an application without routes.

    Args:
        title: of the OpenAPI document.
        intake: station or replica that inspects.
        lifespan: runs from the start of the application to its end.
    """
    app = FastAPI(
        title=title,
        version=__version__,
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=ERROR_RESPONSES,
        dependencies=[Depends(TOKEN)],
        generate_unique_id_function=lambda route: route.name,  # what generated clients call it
    )
    app.state.station = intake
    app.state.sessions = Sessions(intake.settings.tokens)
    add_error_handlers(app)
    app.add_middleware(AccessMiddleware, settings=intake.settings, sessions=app.state.sessions)
    return app
