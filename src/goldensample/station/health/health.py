"""How a station is: speed, queue, disk, database, scenes."""

import shutil
import threading
import time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from goldensample._version import __version__
from goldensample.station.line.intake import Intake
from goldensample.station.records.migration import latest
from goldensample.station.records.rows import Filter
from goldensample.station.records.tables import records
from goldensample.station.station import Station

RECENT = 100
"""Pictures whose speed is told."""
FRESH_S = 60.0
"""Seconds for which the bytes on disk are not counted again: there may be very many files."""


class Counted:
    """Counts the bytes of an archive now and then."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[float, int] | None = None

    def used(self, station: Station) -> int:
        """Return the bytes of all pictures, as of a minute ago at most."""
        with self._lock:
            now = time.monotonic()
            if self._known is None or now - self._known[0] > FRESH_S:
                self._known = (now, station.archive.used())
            return self._known[1]


counted = Counted()


def health(station: Station) -> dict[str, Any]:
    """Return how a station is, for machines and for the page."""
    return {
        **of_line(station),
        "speed": speed(station, time.time()),
        "disk": disk(station),
        "database": database(station),
        "scenes": {one.key: station.scene.status(one) for one in station.products},
    }


def of_line(intake: Intake) -> dict[str, Any]:
    """Return how a line is, and the products that it judges by."""
    for one in intake.products:
        one.fresh()
    return {
        "version": __version__,
        "up_s": round(time.monotonic() - intake.began, 1),
        "waiting": intake.line.waiting,
        "waiting_limit": intake.settings.waiting,
        "per_picture_s": round(intake.line.per_picture_s, 4),
        "products": len(intake.products),
        "troubles": {one.key: one.trouble for one in intake.products if one.trouble},
    }


def speed(station: Station, now: float) -> dict[str, Any]:
    """Return how fast pictures were judged, from arrival to the stored record, and how many."""
    newest = station.ledger.find(Filter(since=now - 86_400), RECENT)
    times = sorted(one.milliseconds for one in newest)
    counts = {
        name: sum(station.ledger.count(Filter(since=now - seconds)).values())
        for name, seconds in (("minute", 60), ("hour", 3600), ("day", 86_400))
    }
    return {
        "of": len(times),
        "median_ms": times[len(times) // 2] if times else None,
        "slowest_ms": times[-1] if times else None,
        **{f"last_{name}": number for name, number in counts.items()},
    }


def disk(station: Station) -> dict[str, Any]:
    """Return what pictures take and may take."""
    keep, room = station.settings.keep, shutil.disk_usage(station.settings.folder)
    return {
        "pictures_bytes": counted.used(station),
        "limit_bytes": keep.limit_bytes,
        "free_bytes": room.free,
        "total_bytes": room.total,
        "keep_days": keep.days,
        "keep_defect_days": keep.defect_days,
        "swept": station.retention.swept,
    }


def database(station: Station) -> dict[str, Any]:
    """Return what the records are kept in."""
    url = make_url(station.settings.url)
    query = select(func.max(records.c.id), func.min(records.c.time))
    [(last, first)] = station.ledger.rows(query)
    return {
        "kind": url.get_backend_name(),
        "at": url.host or "this machine",
        "tables": latest(),
        "last_record": last,
        "first_time": first,
    }
