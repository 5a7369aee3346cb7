"""What controllers read: the last verdict of each product, and how the station is, as words.

One image serves every controller, so that all read the same verdict with the same number.
"""

import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import and_

from goldensample.station.line.controller_words import (
    WORDS,
    count_views,
    text_bytes,
    verdict_bytes,
    view_bytes,
)
from goldensample.station.line.deadline import ANSWERED
from goldensample.station.line.line import Line
from goldensample.station.line.triggers import Triggers
from goldensample.station.records.ledger import Ledger
from goldensample.station.records.rows import Filter, Record
from goldensample.station.records.tables import records

BITS = ("ready", "busy", "new", "trouble", "good", "review", "defect", "error")
"""Bits of the status word, the lowest first; bit 15 toggles each second."""
MOST_HELD = 100
"""Verdicts that wait for the acknowledgement of one before; beyond, the newest alone is shown."""
VERSION = 1
"""Of the table of words."""


@dataclass(frozen=True, slots=True)
class Signals:
    """How the station is now.

    Args:
        ready: whether it takes a trigger.
        busy: whether a part waits for its verdict.
        new: whether the last verdict is not acknowledged.
        trouble: whether a camera or folder is in trouble.
    """

    ready: bool
    busy: bool
    new: bool
    trouble: bool


class ControllerImage:
    """The image; from any thread. `shown` counts verdicts, up to the one that it shows.

    Args:
        triggers: of the station's cameras.
        line: how many parts wait for their verdict, and how many were answered as late.
        in_trouble: tells whether a camera or folder is in trouble.
    """

    def __init__(self, triggers: Triggers, line: Line, in_trouble: Callable[[], bool]) -> None:
        self._triggers, self._line, self._in_trouble = triggers, line, in_trouble
        self._lock = threading.Lock()
        self._last: dict[str, Record] = {}
        self._new, self._acknowledges = False, False
        self._held: deque[Record] = deque()
        self.shown = 0
        self._request = (0, 0)

    def answer(self, record: Record) -> None:
        """Show the verdict of a part; where the one before must be acknowledged, after that."""
        with self._lock:
            if self._acknowledges and self._new and len(self._held) < MOST_HELD:
                self._held.append(record)
                return
            if self._held:  # nobody acknowledges any more
                self.shown += len(self._held)
                self._held.clear()
                self._acknowledges = False
            self._show(record)

    def restore(self, ledger: Ledger, keys: Iterable[str]) -> None:
        """Show the last verdicts of products and parts, as one may not have been read before.

        None of them is new.
        """
        found = [ledger.parts.last(key) or _last_single(ledger, key) for key in keys]
        with self._lock:
            for record in sorted(filter(None, found), key=lambda one: one.id):
                self._last[""] = self._last[record.product] = record

    def acknowledge(self, word: int) -> None:
        """Take note that a controller has read the verdict whose number has a low word.

        From the first acknowledgement on, the station is ready only when the last one is there, and
        shows the next verdict only then.
        """
        with self._lock:
            self._acknowledges = True
            last = self._last.get("")
            if last is not None and word == last.id & 0xFFFF:
                self._new = False
                if self._held:
                    self._show(self._held.popleft())

    def acknowledge_if_new(self, word: int) -> None:
        """The same, where a controller's word is read again and again: 0 says nothing."""
        if word:
            self.acknowledge(word)

    def show_request(self, number: int, result: int) -> None:
        """Show the number of a controller's last request, and what became of it."""
        self._request = (number, result)

    def signals(self) -> Signals:
        """Return how the station is now."""
        with self._lock:
            new, held = self._new, self._acknowledges and self._new
        taking, trouble = self._triggers.taking(), self._in_trouble()
        busy = taking or self._line.waiting > 0
        return Signals(not (taking or trouble or held), busy, new, trouble)

    def words(self, product: str = "") -> list[int]:
        """Return the words of a block.

        Args:
            product: whose last verdict; "" for that of any product.
        """
        signals = self.signals()
        with self._lock:
            record = self._last.get(product)
        refused = sum(count.busy for count in self._triggers.counts().values())
        head = struct.pack(">HH", heartbeat(), status_word(signals, record))
        counts = struct.pack(">HHH", refused & 0xFFFF, self._line.late & 0xFFFF, VERSION)
        requests = struct.pack(">HHH", count_views(record), *self._request)
        data = head + verdict_bytes(record) + counts + text_bytes(record)
        data += requests + view_bytes(record)
        return list(struct.unpack(f">{WORDS}H", data))

    def _show(self, record: Record) -> None:
        """Show a verdict now; with the lock."""
        self._last[""] = self._last[record.product] = record
        self._new = True
        self.shown += 1

    def last(self, product: str = "") -> Record | None:
        """Return the last record of a product, or of any; None before the first."""
        with self._lock:
            return self._last.get(product)


def heartbeat() -> int:
    """Return a number that grows by one each second, from 0 to 65535 and again."""
    return int(time.monotonic()) & 0xFFFF


def status_word(signals: Signals, record: Record | None) -> int:
    """Return the status word: see BITS."""
    verdict = record.verdict if record else ""
    values = (signals.ready, signals.busy, signals.new, signals.trouble)
    flags = (*values, *(verdict == name for name in BITS[4:]))
    return sum(flag << bit for bit, flag in enumerate(flags)) | (heartbeat() & 1) << 15


def _last_single(ledger: Ledger, product: str) -> Record | None:
    """Return the last answer of a picture that is of no part; a late verdict is none."""
    is_single = and_(records.c.part.is_(None), records.c.note.not_like(f"{ANSWERED}%"))
    return next(iter(ledger.find(Filter(product=product), 1, is_single)), None)
