"""Error responses: a status that says whose fault it is, and a message on what to do."""

import errno
import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as CrowdedError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from goldensample.errors import ArtifactError, GoldenError, ImageError
from goldensample.locales.language import speaking
from goldensample.locales.unmarked import translated
from goldensample.station.line.intake import Intake
from goldensample.station.line.jobs import BusyError, StoppingError
from goldensample.station.line.storing import DatabaseUnreachableError
from goldensample.station.records.archive import TooLargeError
from goldensample.station.web.access import json_error
from goldensample.station.web.rendering import page

STATUS_CODES: list[tuple[type[Exception], int]] = [
    (TooLargeError, 413),
    (ImageError, 422),
    (BusyError, 429),
    (StoppingError, 503),
    (DatabaseUnreachableError, 503),
    (ArtifactError, 409),
    (ValueError, 422),
]
"""Status codes by exception type; the first match counts."""
UNAVAILABLE = (OperationalError, InterfaceError, CrowdedError)
RETRY_S = 5
"""Retry-After where the database is unavailable or the disk is full."""
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
log = logging.getLogger(__name__)


class ErrorBody(BaseModel):
    """Body of an error response: what must be, what was, and what to do."""

    error: str


ERROR_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in {
        400: "The request is none, or its JSON is broken.",
        401: "There must be a token.",
        403: "An engineer's token is needed, or the request comes from another site.",
        404: "It is not there.",
        409: "The product's file cannot be changed now.",
        413: "It has too many bytes or pixels.",
        421: "The station must be asked for by this machine's own name.",
        422: "A value is out of its range, or it is no picture.",
        429: "Too many pictures wait, or requests were too many; see Retry-After.",
        503: "The station is stopping, or its database or disk cannot take more now.",
    }.items()
}
"""Errors that any route may respond with, for the OpenAPI page."""
SLOW_RESPONSE: dict[int | str, dict[str, Any]] = {
    408: {"model": ErrorBody, "description": "The file came too slowly."}
}
LATE_RESPONSE: dict[int | str, dict[str, Any]] = {
    504: {"model": ErrorBody, "description": "No verdict before the deadline."}
}
GONE_RESPONSE: dict[int | str, dict[str, Any]] = {
    410: {"model": ErrorBody, "description": "Its time on disk is over."}
}


def add_error_handlers(app: FastAPI) -> None:
    """Register the error handlers of an application."""
    for kind in (GoldenError, ValueError, OSError, *UNAVAILABLE):
        app.add_exception_handler(kind, handle_error)
    app.add_exception_handler(HTTPException, handle_http_exception)
    app.add_exception_handler(RequestValidationError, handle_validation_error)


def handle_error(request: Request, error: Exception) -> Response:
    """Respond with the error's message, without paths of this machine's disk."""
    if isinstance(error, UNAVAILABLE):
        log.error("the database is away, or full: %s", str(error).splitlines()[0])
        message = "the station's database must take records; it cannot; try later"
        return json_error(503, message, RETRY_S)
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        log.error("the disk is full: %s", error)
        return json_error(503, "the station's disk must have room; it is full; make some", RETRY_S)
    status = next((code for kind, code in STATUS_CODES if isinstance(error, kind)), None)
    if status is None:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return json_error(500, "the station could not do it; its log says why")
    retry_s = error.retry_s if isinstance(error, BusyError) else None
    retry_s = RETRY_S if status == 503 else retry_s
    message = without_paths(str(error), request.app.state.station)
    return json_error(status, to_reader(request, message), retry_s)


def to_reader(request: Request, message: str) -> str:
    """Return a refusal in the language of the page that asks; in English for a program."""
    with speaking(request.scope.get("reader", "en")):
        return translated(message)


def without_paths(message: str, intake: Intake) -> str:
    """Return a message with the station's folders left out of its paths."""
    if not message:  # asked for every picture
        return message
    folders = {intake.settings.folder, *(product.path.parent for product in intake.products)}
    names = {
        str(path) for folder in folders for path in (folder, folder.absolute(), folder.resolve())
    }
    for name in sorted(names - {"."}, key=len, reverse=True):
        message = message.replace(f"{name}/", "")
        message = message.replace(f"{name}\\", "").replace(name, ".")
    return message


def handle_http_exception(request: Request, error: Exception) -> Response:
    """Respond to a refused request: with a page for a browser, in JSON for a program."""
    assert isinstance(error, HTTPException)
    message, status = str(error.detail), error.status_code
    if "text/html" in request.headers.get("accept", "") and "person" in request.scope:
        words = to_reader(request, message)
        return page(request, "mistake.html", {"words": words, "status": status}, status)
    return http_exception_json(request, error)


def http_exception_json(request: Request, error: Exception) -> Response:
    """Respond to a refused request in JSON."""
    assert isinstance(error, HTTPException)
    response = json_error(error.status_code, to_reader(request, str(error.detail)))
    response.headers.update(error.headers or {})
    return response


def handle_validation_error(request: Request, error: Exception) -> Response:
    """Respond to values that are missing or out of their range, by their names."""
    assert isinstance(error, RequestValidationError)
    reasons = "; ".join(map(_reason, error.errors()))
    message = f"a request must have the values that its route takes; {reasons}; /api lists them"
    return JSONResponse({"error": message}, 422)


def _reason(error: dict[str, Any]) -> str:
    """Return what is wrong with one value: its name without "body" or "query", and why."""
    name = ".".join(map(str, error["loc"][1:])) or "the body"
    return f"{name} is missing" if error["type"] == "missing" else f"{name}: {error['msg']}"
