"""Troubles of inputs and outputs: one line in the journal each, with a count."""

import logging
import threading
import time
from collections.abc import Callable

AMEND_S = 60.0
"""Seconds between two renewals of a line in the journal."""
SAME_S = 600.0
"""A trouble that is back within so many seconds goes on with its line in the journal."""
log = logging.getLogger(__name__)
AddLine = Callable[[str], int | None]
"""Adds a line to the journal; returns its id, or None where it could not be kept."""
AmendLine = Callable[[int, str], None]
"""Replaces the words of a line of the journal."""


class JournalLine:
    """A line of the journal that is written once and then kept up to date.

    Args:
        add: see AddLine.
        amend: see AmendLine.
    """

    def __init__(self, add: AddLine, amend: AmendLine) -> None:
        self._add, self._amend = add, amend
        self._id: int | None = None
        self._words, self._written_at = "", 0.0

    def write(self, words: str, now: bool = False) -> None:
        """Write the line, or renew it: once a minute, or `now`."""
        if self._id is None:
            log.warning("%s", words)
            self._id = self._add(words)
            self._words, self._written_at = words, time.monotonic()
        elif words != self._words and (now or time.monotonic() - self._written_at > AMEND_S):
            self._amend(self._id, words)
            self._words, self._written_at = words, time.monotonic()

    def end(self) -> None:
        """Write what is new in a line of its own."""
        self._id = None


class Trouble:
    """Whether a connection is in trouble, since when, why, and how often it was seen.

    Args:
        name: of the connection, as people call it.
        add: see AddLine.
        amend: see AmendLine.
    """

    def __init__(self, name: str, add: AddLine, amend: AmendLine) -> None:
        self._name, self._line = name, JournalLine(add, amend)
        self._lock = threading.Lock()
        self.words, self.count = "", 0
        self.since, self._ended = time.time(), 0.0

    def begin(self, words: str) -> None:
        """Say that it is in trouble, or still is; from any thread."""
        with self._lock:
            now, is_new = time.time(), not self.words
            if is_new:
                if now - self._ended > SAME_S:
                    self._line.end()
                    self.count = 0
                self.since = now
            self.words, self.count = words, self.count + 1
            times = f" ({self.count} times by now)" if self.count > 1 else ""
            self._line.write(f"{self._name}: {words}{times}", now=is_new)

    def end(self, words: str) -> None:
        """Say that it is not, or no longer, in trouble; from any thread."""
        with self._lock:
            if not self.words:
                return
            since = time.strftime("%H:%M:%S", time.localtime(self.since))
            times = f", {self.count} times" if self.count > 1 else ""
            message = f"{self._name}: {words}; before, since {since}{times}: {self.words}"
            if not self._ended or time.time() - self._ended > SAME_S:
                log.warning("%s", message)
            self.words, self.since = "", time.time()
            self._ended = self.since
            self._line.write(message, now=True)
