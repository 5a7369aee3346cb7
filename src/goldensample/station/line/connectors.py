"""What brings pictures to a station, and what is told its verdicts."""

from typing import Protocol

from goldensample.station.connection_state import ConnectionState
from goldensample.station.records.rows import Record


class Input(Protocol):
    """A source that submits pictures to the line."""

    def state(self) -> ConnectionState:
        """Return how it is connected now, without blocking."""

    def close(self) -> None:
        """Submit no more."""


class Output(Protocol):
    """A sink of new records."""

    def test(self, record: Record) -> None:
        """Send a message that is no part's, without blocking."""

    def retry(self) -> int:
        """Try again what the receiver refused; return how many records that is."""

    def send(self, record: Record) -> None:
        """Accept a record, or a part, without blocking."""

    def state(self) -> ConnectionState:
        """Return how it is connected now, without blocking."""

    def close(self) -> None:
        """Accept no more."""
