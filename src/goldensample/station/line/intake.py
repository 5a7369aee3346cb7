"""What takes pictures in and judges them: a station, or a replica that keeps nothing."""

from typing import Protocol

from goldensample.station.line.line import Line
from goldensample.station.products.products import Products
from goldensample.station.records.archive import Archive
from goldensample.station.settings import Settings


class Intake(Protocol):
    """What the way of a picture, from the request to its answer, needs to know.

    Args:
        settings: as given at the start.
        products: what judges.
        archive: where files lie that have arrived.
        line: judges them.
        began: moment of the start, as `time.monotonic` tells it.
    """

    settings: Settings
    products: Products
    archive: Archive
    line: Line
    began: float
