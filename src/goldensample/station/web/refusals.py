"""How mistakes are answered: with a status that says whose they are, and words on what to do."""

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
from goldensample.station.line.intake import Intake
from goldensample.station.line.jobs import BusyError, StoppingError
from goldensample.station.line.storing import AwayError
from goldensample.station.records.archive import TooLargeError
from goldensample.station.web.access import error
from goldensample.station.web.rendering import page

STATUS: list[tuple[type[Exception], int]] = [
    (TooLargeError, 413),
    (ImageError, 422),
    (BusyError, 429),
    (StoppingError, 503),
    (AwayError, 503),
    (ArtifactError, 409),
    (ValueError, 422),
]
"""What mistakes are answered with, the first that fits."""
AWAY = (OperationalError, InterfaceError, CrowdedError)
AWAY_S = 5
"""Seconds until it is worth asking again for a database that is away, or a disk that is full."""
FULL = (errno.ENOSPC, errno.EDQUOT)
log = logging.getLogger(__name__)


class Refusal(BaseModel):
    """Why a request is refused: what must be, what was, and what to do."""

    error: str


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": words}
    for status, words in {
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
"""What any route may answer, for the OpenAPI page."""
SLOW: dict[int | str, dict[str, Any]] = {
    408: {"model": Refusal, "description": "The file came too slowly."}
}
GONE: dict[int | str, dict[str, Any]] = {
    410: {"model": Refusal, "description": "Its time on disk is over."}
}


def answer_mistakes(app: FastAPI) -> None:
    """Have an application answer what is raised."""
    for kind in (GoldenError, ValueError, OSError, *AWAY):
        app.add_exception_handler(kind, refuse)
    app.add_exception_handler(HTTPException, refuse_http)
    app.add_exception_handler(RequestValidationError, refuse_values)


def refuse(request: Request, mistake: Exception) -> Response:
    """Answer a mistake with its words, without a place on this machine's disk."""
    if isinstance(mistake, AWAY):
        log.error("the database is away, or full: %s", str(mistake).splitlines()[0])
        return error(503, "the station's database must take records; it cannot; try later", AWAY_S)
    if isinstance(mistake, OSError) and mistake.errno in FULL:
        log.error("the disk is full: %s", mistake)
        return error(503, "the station's disk must have room; it is full; make some", AWAY_S)
    status = next((code for kind, code in STATUS if isinstance(mistake, kind)), None)
    if status is None:
        log.error("%s %s failed", request.method, request.url.path, exc_info=mistake)
        return error(500, "the station could not do it; its log says why")
    retry_s = mistake.retry_s if isinstance(mistake, BusyError) else None
    retry_s = AWAY_S if status == 503 else retry_s
    return error(status, without_places(str(mistake), request.app.state.station), retry_s)


def without_places(words: str, intake: Intake) -> str:
    """Return words with the station's folders left out of the paths in them."""
    folders = {intake.settings.folder, *(product.path.parent for product in intake.products)}
    known = {str(path) for one in folders for path in (one, one.absolute(), one.resolve())}
    for folder in sorted(known - {"."}, key=len, reverse=True):
        words = words.replace(f"{folder}/", "").replace(f"{folder}\\", "").replace(folder, ".")
    return words


def refuse_http(request: Request, mistake: Exception) -> Response:
    """Answer what a route refuses: with a page for a browser, in JSON for a program."""
    assert isinstance(mistake, HTTPException)
    words, status = str(mistake.detail), mistake.status_code
    if "text/html" in request.headers.get("accept", "") and "person" in request.scope:
        return page(request, "mistake.html", {"words": words, "status": status}, status)
    return refuse_plainly(request, mistake)


def refuse_plainly(request: Request, mistake: Exception) -> Response:
    """Answer what a route refuses in JSON, whoever asks."""
    assert isinstance(mistake, HTTPException)
    answer = error(mistake.status_code, str(mistake.detail))
    answer.headers.update(mistake.headers or {})
    return answer


def refuse_values(request: Request, mistake: Exception) -> Response:
    """Answer values that are out of their range, by their names."""
    assert isinstance(mistake, RequestValidationError)
    words = "; ".join(
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in mistake.errors()
    )
    return JSONResponse({"error": f"values must be in their ranges; {words}"}, 422)
