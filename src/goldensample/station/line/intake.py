"""Protocol of what accepts pictures and inspects them: a station, or a stateless replica."""

from typing import Protocol

from goldensample.station.line.line import Line
from goldensample.station.products.products import Products
from goldensample.station.records.archive import Archive
from goldensample.station.settings import Settings


class Intake(Protocol):
    """What a request to inspect a picture needs.

    Args:
        settings: limits of requests.
        products: products by key.
        archive: store of incoming files.
        line: inspects them.
        started: time of the start, by `time.monotonic`.
    """

    settings: Settings
    products: Products
    archive: Archive
    line: Line
    started: float
