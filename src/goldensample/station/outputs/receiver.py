"""What a courier delivers to: a web server or a broker."""

from collections.abc import Callable
from typing import Protocol

from goldensample.station.records.rows import Record


class UnreachableError(Exception):
    """The receiver cannot take records now; all wait.

    Args:
        words: why.
        pause_s: seconds that it asks to be left alone, at least.
    """

    def __init__(self, words: str, pause_s: float = 0.0) -> None:
        super().__init__(words)
        self.pause_s = pause_s


class RefusedError(Exception):
    """The receiver will never take this record as things are; the others may pass."""


class Receiver(Protocol):
    """What a courier delivers to; called by one thread only.

    Args:
        name: address, without a password.
        kind: as in `ConnectionState`.
    """

    name: str
    kind: str

    def connect(self, on_lost: Callable[[], None]) -> None:
        """Connect unless that was done.

        Args:
            on_lost: called, from any thread, when the connection is lost later.

        Raises:
            UnreachableError: it cannot be reached.
        """

    def deliver(self, record: Record) -> None:
        """Return when the receiver has taken a record.

        Raises:
            UnreachableError: try again later.
            RefusedError: do not try again.
        """

    def close(self) -> None:
        """Disconnect."""
