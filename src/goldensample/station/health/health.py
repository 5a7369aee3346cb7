"""Health of a station: speed, queue, disk, database, scenes."""

import shutil
import threading
import time
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import make_url

from goldensample._version import __version__
from goldensample.station.line.intake import Intake
from goldensample.station.records.migration import latest
from goldensample.station.records.rows import Filter
from goldensample.station.records.tables import records
from goldensample.station.settings import Settings
from goldensample.station.station import Station

RECENT_RECORDS = 100
"""Newest records whose latency is summarized."""
FULL_SHARE, FULL_BYTES = 0.05, 10**10
"""What must be free of a disk: this share of it or, of a large one, as many bytes."""
CACHE_S = 60.0
"""Seconds for which the size of the archive is cached: it may hold very many files."""


class ArchiveSize:
    """Cache of the size of an archive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: tuple[float, int] | None = None

    def used_bytes(self, station: Station) -> int:
        """Return the size of all files, at most a minute old."""
        with self._lock:
            now = time.monotonic()
            if self._cached is None or now - self._cached[0] > CACHE_S:
                self._cached = (now, station.archive.used_bytes())
            return self._cached[1]


archive_size = ArchiveSize()


def health(station: Station) -> dict[str, Any]:
    """Return the health of a station as JSON values."""
    line, usage, deadline = line_health(station), disk(station), station.settings.deadline_s
    connections = [asdict(state) for state in station.connection_states()]
    troubles = {
        f"{state['kind']} {state['name']}": state["words"]
        for state in connections
        if state["state"] == "trouble"
    }
    if words := disk_trouble(station.settings):
        troubles["disk"] = words
    return {
        **line,
        "file_troubles": line["troubles"],
        "troubles": {**line["troubles"], **troubles},
        "connections": connections,
        "cameras": {name: asdict(one) for name, one in station.triggers.counts().items()},
        "deadline_ms": deadline and 1000 * deadline,
        "speed": speed(station, time.time()),
        "disk": usage,
        "database": database(station),
        "scenes": {product.key: station.scene.status(product) for product in station.products},
    }


def line_health(intake: Intake) -> dict[str, Any]:
    """Return the health of a line and of its products as JSON values."""
    for product in intake.products:
        product.refresh()
    return {
        "version": __version__,
        "up_s": round(time.monotonic() - intake.started, 1),
        "waiting": intake.line.waiting,
        "waiting_limit": intake.settings.waiting,
        "per_picture_s": round(intake.line.per_picture_s, 4),
        "late": intake.line.late,
        "products": len(intake.products),
        "troubles": {
            product.key: product.load_error for product in intake.products if product.load_error
        },
    }


def speed(station: Station, now: float) -> dict[str, Any]:
    """Return latencies, from arrival to the stored record, and throughput."""
    newest = station.ledger.find(Filter(since=now - 86_400), RECENT_RECORDS)
    times = sorted(record.milliseconds for record in newest)
    counts = {
        period: sum(station.ledger.count(Filter(since=now - seconds)).values())
        for period, seconds in (("minute", 60), ("hour", 3600), ("day", 86_400))
    }
    return {
        "of": len(times),
        "median_ms": times[len(times) // 2] if times else None,
        "slowest_ms": times[-1] if times else None,
        **{f"last_{period}": count for period, count in counts.items()},
    }


def disk_trouble(settings: Settings) -> str:
    """Return what is wrong with the disk, or "": it is almost full, or smaller than its limit."""
    usage, limit = shutil.disk_usage(settings.folder), settings.retention.limit_bytes
    if usage.free < min(FULL_SHARE * usage.total, FULL_BYTES):
        return (
            f"the disk is almost full: {usage.free / 1e9:.1f} GB are free; make room, or keep "
            "fewer pictures (--keep-gb)"
        )
    if usage.total < limit:
        return (
            f"the disk has {usage.total / 1e9:.1f} GB, and pictures may take {limit / 1e9:.1f} GB; "
            "keep fewer (--keep-gb), or give it more room"
        )
    return ""


def disk(station: Station) -> dict[str, Any]:
    """Return disk usage and limits."""
    limits, usage = station.settings.retention, shutil.disk_usage(station.settings.folder)
    return {
        "pictures_bytes": archive_size.used_bytes(station),
        "limit_bytes": limits.limit_bytes,
        "free_bytes": usage.free,
        "total_bytes": usage.total,
        "keep_days": limits.days,
        "keep_defect_days": limits.defect_days,
        "swept": station.retention.last_sweep,
    }


def database(station: Station) -> dict[str, Any]:
    """Return kind, host and version of the database, and the range of its records."""
    url = make_url(station.settings.url)
    query = select(func.max(records.c.id), func.min(records.c.time))
    [(last, first)] = station.ledger.fetch(query)
    return {
        "kind": url.get_backend_name(),
        "at": url.host or "this machine",
        "tables": latest(),
        "last_record": last,
        "first_time": first,
    }
