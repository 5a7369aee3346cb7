"""Where pictures of a watched folder go: to the line as they come, or first together to a part."""

from concurrent.futures import Future
from typing import Protocol

from goldensample.parts.grouping import NamePattern
from goldensample.station.line.jobs import Job
from goldensample.station.products.products import Product
from goldensample.station.records.rows import Record
from goldensample.station.station import Station


class FolderTarget(Protocol):
    """Where the pictures of a watched folder go; called by the thread that watches.

    Args:
        key: of the product or part.
    """

    key: str

    @property
    def pattern(self) -> NamePattern | None:
        """Pattern of the names that it takes; None for any."""

    @property
    def waiting(self) -> int:
        """Pictures that it holds until the others of their part are there."""

    def product(self, name: str) -> Product:
        """Return the product that judges a picture, by its name."""

    def refuse(self, name: str) -> str:
        """Return why a picture shall not be judged, and tell people; "" if it shall."""

    def submit(self, job: Job) -> "Future[Record]":
        """Take a picture; return the record that it will have.

        Raises:
            BusyError: the line is full; the file is left to the caller.
            StoppingError: the line is stopping; the same.
        """

    def look(self) -> None:
        """Submit what has waited long enough; called a few times a second."""

    def close(self) -> None:
        """Give up what waits: its files are taken at the next start."""


class SinglePictures:
    """Pictures that are judged one by one; a `FolderTarget`.

    Args:
        station: inspects them.
        product: which product they show.
    """

    pattern, waiting = None, 0

    def __init__(self, station: Station, product: Product) -> None:
        self._station, self._product, self.key = station, product, product.key

    def product(self, name: str) -> Product:
        """Return the product."""
        return self._product

    def refuse(self, name: str) -> str:
        """Return "": all are judged."""
        return ""

    def submit(self, job: Job) -> "Future[Record]":
        """Submit a picture to the line."""
        return self._station.line.submit(job)

    def look(self) -> None:
        """Do nothing: nothing waits here."""

    def close(self) -> None:
        """Do nothing: nothing waits here."""
