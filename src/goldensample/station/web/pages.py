"""The pages Live, Inbox, History, one record, and login."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from goldensample.locales.language import gettext
from goldensample.station.products.good_pictures import composition_is_silent
from goldensample.station.products.parts import PartProduct
from goldensample.station.records.rows import Filter, Record, iso
from goldensample.station.station import Station
from goldensample.station.web.learning_page import miss_context
from goldensample.station.web.part_view import part_view
from goldensample.station.web.record_view import record_view
from goldensample.station.web.rendering import page
from goldensample.station.web.requests import (
    MAX_ID,
    RecordId,
    RecordQuery,
    record_of,
    selected_product,
    station_of,
)

router = APIRouter(include_in_schema=False)
RECENT_COUNT = 12
PAGE_SIZE = 50
QUEUE_SIZE = 60
"""Records that the inbox lists; more follow as these are answered."""
RecordNumber = Annotated[int | None, Query(ge=1, le=MAX_ID)]
ProductKey = Annotated[str | None, Query(max_length=64)]


def _selected_key(station: Station, product: str | None) -> str | None:
    """Return the key of the product that a request names, else the first's; None without any."""
    found = selected_product(station, product)
    return found.key if found else None


@router.get("/")
def live(
    request: Request,
    product: ProductKey = None,
    kiosk: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """Show the newest picture; with `?kiosk`, large and with nothing to press."""
    station = station_of(request)
    key = _selected_key(station, product)
    if key is None:
        return RedirectResponse("/products" if len(station.products) else "/setup", 303)
    values = {"kiosk": kiosk is not None, "shifts": station.settings.shifts}
    return page(request, "live.html", {**_live_context(station, key), **values})


@router.get("/parts/live")
def live_part(
    request: Request, product: ProductKey = None, record: RecordNumber = None
) -> HTMLResponse:
    """Show the newest picture, or one of them, as a part of a page."""
    station = station_of(request)
    return page(
        request, "live_part.html", _live_context(station, _selected_key(station, product), record)
    )


def _live_context(station: Station, key: str | None, number: int | None = None) -> dict[str, Any]:
    recent_records = station.ledger.find(Filter(product=key), RECENT_COUNT)
    record = record_of(station, number) if number else next(iter(recent_records), None)
    part = part_view(station, record)
    if part and part.oddest and not number:
        record = part.oddest
    view = record and record_view(station, record)
    return {"view": view, "recent": recent_records, "part": part}


def _inbox_context(
    request: Request,
    product: ProductKey = None,
    order: Literal["old", "odd"] = "old",
    record: RecordNumber = None,
) -> dict[str, Any]:
    """Return the template values of the inbox for a request."""
    station = station_of(request)
    return {
        **_queue_context(station, _selected_key(station, product), order, record),
        "order": order,
    }


InboxContext = Annotated[dict[str, Any], Depends(_inbox_context)]


@router.get("/inbox")
def inbox(request: Request, context: InboxContext) -> HTMLResponse:
    """Show the unanswered records, and open studies."""
    station = station_of(request)
    key = _selected_key(station, request.query_params.get("product"))
    found = station.qualifier.studies.of(key) if key else []
    studies = [one for one in found if one.closed is None]
    return page(request, "inbox.html", {**context, "studies": studies})


@router.get("/parts/inbox")
def inbox_part(request: Request, context: InboxContext) -> HTMLResponse:
    """Show the unanswered records, as a part of a page."""
    return page(request, "inbox_part.html", context)


def _queue_context(
    station: Station, key: str | None, order: str, number: int | None
) -> dict[str, Any]:
    """Return the queue, and the view of the given record or the first."""
    queue = station.ledger.unanswered(key, order == "odd", QUEUE_SIZE) if key else []
    record = next((record for record in queue if record.id == number), None)
    if record is None and number and (stored := station.ledger.get(number)):
        record = stored if stored.product == key and stored.answer is None else None
    record = record or next(iter(queue), None)
    part = part_view(station, record)
    return {"view": record and record_view(station, record), "queue": queue, "part": part}


@router.get("/records/{number}")
def record(request: Request, number: RecordId) -> HTMLResponse:
    """Show all of one record."""
    station = station_of(request)
    record = record_of(station, number)
    values = {
        "view": record_view(station, record),
        "part": part_view(station, record),
        "answers": station.ledger.labels.of(number),
        "miss": miss_context(station, record),
        "silent": _judged_silently(station, record),
    }
    return page(request, "record.html", values)


def _judged_silently(station: Station, record: Record) -> bool:
    """Tell whether a record is good only by its places: no composition was judged any more."""
    product = station.products.get(record.product)
    journal = product and product.state.inspector.journal
    if record.verdict != "good" or not product or not journal or record.revision > journal.head:
        return False
    made = journal.revisions[record.revision].time  # after the record where the file is another one
    of_this_file = made[:19] <= iso(record.time)[:19]
    return of_this_file and composition_is_silent(product.state.inspector, record.revision)


@router.get("/parts/miss")
def miss_part(request: Request, record: Annotated[int, Query(ge=1, le=MAX_ID)]) -> HTMLResponse:
    """Show a missed defect to be marked, as a part of a page."""
    station = station_of(request)
    found = record_of(station, record)
    miss = miss_context(station, found)
    if miss is None:
        raise HTTPException(404, f"a missed defect must be shown; record {record} is none")
    values = {"view": record_view(station, found), "miss": miss}
    return page(request, "miss_part.html", values)


@router.get("/history")
def history(request: Request) -> HTMLResponse:
    """Show the records that match the filter, the newest first."""
    station = station_of(request)
    params = {name: value for name, value in request.query_params.items() if value}
    message, query, records, counts = "", RecordQuery(), list[Record](), dict[str, int]()
    try:
        query = _parse_query(params)
        criteria = query.filter(station.settings.shifts)
        records = station.ledger.find(criteria, PAGE_SIZE + 1)
        counts = station.ledger.count(replace(criteria, before=None))
    except (ValidationError, ValueError, OverflowError):
        message = gettext("the filter must have a time like 2026-03-01T06:00 and the choices shown")
        query = RecordQuery()
    filters = {name: value for name, value in params.items() if name != "before"}
    last = records[PAGE_SIZE - 1].id if len(records) > PAGE_SIZE else None
    values = {
        "given": params,
        "times": query.model_dump(include={"since", "until"}, exclude_none=True),
        "shifts": station.settings.shifts,
        "records": records[:PAGE_SIZE],
        "counts": counts,
        "operators": station.ledger.operators(),
        "parts": [part.key for part in station.parts if _has(part, query.product)],
        "download": _query_string(query.model_dump(exclude_none=True, exclude={"limit", "before"})),
        "newest": _query_string(filters),
        "older": _query_string({**filters, "before": last}) if last else None,
        "mistake": message,
    }
    return page(request, "history.html", values, 422 if message else 200)


def _has(part: PartProduct, product: str | None) -> bool:
    """Tell whether a product is one of a part's views; None is any."""
    return product is None or product in (one.key for one in part.products.values())


def _parse_query(params: dict[str, str]) -> RecordQuery:
    """Parse the filter of the page; a time without a zone is of the station's."""
    seconds = {
        name: datetime.fromisoformat(params[name]).timestamp()
        for name in ("since", "until")
        if name in params
    }
    return RecordQuery.model_validate({**params, **seconds})


def _query_string(values: dict[str, Any]) -> str:
    return urlencode({name: str(value) for name, value in values.items()})


@router.get("/login")
def login(request: Request) -> Response:
    """Ask for name and token."""
    if not station_of(request).settings.tokens or request.scope["person"].role:
        return RedirectResponse("/", 303)
    return page(request, "login.html", {})
