"""The pages Live, Inbox, History, one record, and login."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from goldensample.station.records.rows import Filter, Record
from goldensample.station.station import Station
from goldensample.station.web.record_view import view
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import (
    LAST_ID,
    Asked,
    Identity,
    product_of,
    record_of,
    station_of,
)

router = APIRouter(include_in_schema=False)
RECENT = 12
LISTED = 50
QUEUE = 60
"""Pictures of the inbox that are listed; more follow as these are answered."""
Number = Annotated[int | None, Query(ge=1, le=LAST_ID)]
Key = Annotated[str | None, Query(max_length=64)]


def _chosen(station: Station, product: str | None) -> str | None:
    """Return the product asked for, the first where none was, or None without any.

    Raises:
        HTTPException: there is none of that name.
    """
    if product:
        return product_of(station, product).key
    return next((one.key for one in station.products), None)


@router.get("/")
def live(request: Request, product: Key = None) -> Response:
    """Show the newest picture."""
    station = station_of(request)
    if not len(station.products):
        return RedirectResponse("/setup", 303)
    return page(request, "live.html", _newest(station, _chosen(station, product)))


@router.get("/parts/live")
def live_part(request: Request, product: Key = None, record: Number = None) -> HTMLResponse:
    """Show the newest picture, or one of them, as a part of a page."""
    station = station_of(request)
    return page(request, "live_part.html", _newest(station, _chosen(station, product), record))


def _newest(station: Station, key: str | None, number: int | None = None) -> dict[str, Any]:
    recent = station.ledger.find(Filter(product=key), RECENT)
    shown = record_of(station, number) if number else next(iter(recent), None)
    return {"view": shown and view(station, shown), "recent": recent}


def _inbox(
    request: Request,
    product: Key = None,
    order: Literal["old", "odd"] = "old",
    record: Number = None,
) -> dict[str, Any]:
    """Return what waits for an answer, as a request asks for it."""
    station = station_of(request)
    return {**_waiting(station, _chosen(station, product), order, record), "order": order}


Inbox = Annotated[dict[str, Any], Depends(_inbox)]


@router.get("/inbox")
def inbox(request: Request, waiting: Inbox) -> HTMLResponse:
    """Show what waits for an answer."""
    return page(request, "inbox.html", waiting)


@router.get("/parts/inbox")
def inbox_part(request: Request, waiting: Inbox) -> HTMLResponse:
    """Show what waits for an answer, as a part of a page."""
    return page(request, "inbox_part.html", waiting)


def _waiting(station: Station, key: str | None, order: str, number: int | None) -> dict[str, Any]:
    """Return the queue, and of it the picture asked for or the first."""
    queue = station.ledger.unanswered(key, order == "odd", QUEUE) if key else []
    shown = next((one for one in queue if one.id == number), None)
    if shown is None and number and (asked := station.ledger.one(number)):
        shown = asked if asked.product == key and asked.answer is None else None
    shown = shown or next(iter(queue), None)
    return {"view": shown and view(station, shown), "queue": queue}


@router.get("/records/{number}")
def record(request: Request, number: Identity) -> HTMLResponse:
    """Show everything that is known of one picture."""
    station = station_of(request)
    found = record_of(station, number)
    values = {"view": view(station, found), "answers": station.ledger.answers(number)}
    return page(request, "record.html", values)


@router.get("/history")
def history(request: Request) -> HTMLResponse:
    """Show the records that were asked for, the newest first."""
    station = station_of(request)
    given = {name: value for name, value in request.query_params.items() if value}
    mistake, asked, found, counts = "", Asked(), list[Record](), dict[str, int]()
    try:
        asked = _asked(given)
        found = station.ledger.find(asked.filter(), LISTED + 1)
        counts = station.ledger.count(replace(asked.filter(), before=None))
    except (ValidationError, ValueError, OverflowError):
        mistake = "the filter must have a time like 2026-03-01T06:00 and the choices shown"
        given = {name: given[name] for name in given if name not in ("since", "until")}
    kept = {name: value for name, value in given.items() if name != "before"}
    older = found[LISTED - 1].id if len(found) > LISTED else None
    values = {
        "given": given,
        "records": found[:LISTED],
        "counts": counts,
        "operators": station.ledger.operators(),
        "download": _address(asked.model_dump(exclude_none=True, exclude={"limit", "before"})),
        "newest": _address(kept),
        "older": _address({**kept, "before": older}) if older else None,
        "mistake": mistake,
    }
    return page(request, "history.html", values, 422 if mistake else 200)


def _asked(given: dict[str, str]) -> Asked:
    """Read the filter of the page; its times are the station's own."""
    seconds = {
        name: datetime.fromisoformat(given[name]).timestamp()
        for name in ("since", "until")
        if name in given
    }
    return Asked.model_validate({**given, **seconds})


def _address(values: dict[str, Any]) -> str:
    return urlencode({name: str(value) for name, value in values.items()})


@router.get("/login")
def login(request: Request) -> Response:
    """Ask for name and token."""
    if not station_of(request).settings.tokens or request.scope["person"].role:
        return RedirectResponse("/", 303)
    return page(request, "login.html", {})
