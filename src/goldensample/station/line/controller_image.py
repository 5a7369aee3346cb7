"""What controllers read: the last verdict of each product, and how the station is, as words.

One image serves every controller, so that all read the same verdict with the same number. A word
has 16 bits; a number of two words has its high word first.
"""

import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from goldensample.station.line.deadline import LATE
from goldensample.station.line.jobs import NO_PICTURE, TEST
from goldensample.station.line.line import Line
from goldensample.station.line.triggers import Triggers
from goldensample.station.records.rows import ERROR, Record

WORDS = 48
"""Words of a block: of the station and the last verdict of any product, or of one product."""
ACKNOWLEDGE = 48
"""The word after them, which a controller writes."""
TEXT_BYTES = 32
NO_NUMBER = -1.0
"""A score or limit that is not there; those that are, are 0 and more."""
VERDICTS = {"good": 1, "review": 2, "defect": 3, ERROR: 4, None: 5}
"""Codes of verdicts; 0 before the first one. 5: there is no limit, and so a score alone."""
ERRORS = {"none": 0, "picture": 1, "no picture": 2, "late": 3, "test": 9}
"""Codes of errors, of a picture that cannot be read, of a camera that gave none, of a deadline;
and of a test, which is no part."""
BITS = ("ready", "busy", "new", "trouble", "good", "review", "defect", "error")
"""Bits of the status word, the lowest first; bit 15 toggles each second."""
FIELDS = {
    "heartbeat": (0, ">H"),
    "status": (1, ">H"),
    "number": (2, ">I"),
    "verdict": (4, ">H"),
    "error": (5, ">H"),
    "score": (6, ">f"),
    "limit": (8, ">f"),
    "milliseconds": (10, ">I"),
    "regions": (12, ">H"),
    "refused": (13, ">H"),
    "late": (14, ">H"),
    "version": (15, ">H"),
    "name": (16, ">32s"),
    "serial": (32, ">32s"),
}
"""First word and kind, as `struct` writes it, of what a block holds."""


def read_fields(words: Sequence[int]) -> dict[str, int | float | str]:
    """Return what the words of a block say, by name, as a controller would read it."""
    data = struct.pack(f">{WORDS}H", *words)
    values = {}
    for name, (word, kind) in FIELDS.items():
        (value,) = struct.unpack_from(kind, data, 2 * word)
        values[name] = value.rstrip(b"\0").decode() if isinstance(value, bytes) else value
    return values


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
    """The image; from any thread.

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

    def answer(self, record: Record) -> None:
        """Show the verdict of a part."""
        with self._lock:
            self._last[""] = self._last[record.product] = record
            self._new = True

    def acknowledge(self, word: int) -> None:
        """Take note that a controller has read the verdict whose number has a low word.

        From the first acknowledgement on, the station is ready only when the last one is there.
        """
        with self._lock:
            self._acknowledges = True
            last = self._last.get("")
            if last is not None and word == last.id & 0xFFFF:
                self._new = False

    def acknowledge_if_new(self, word: int) -> None:
        """The same, where a controller's word is read again and again: 0 says nothing."""
        if word:
            self.acknowledge(word)

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
        counts = struct.pack(">HHH", refused & 0xFFFF, self._line.late & 0xFFFF, 1)
        data = head + verdict_bytes(record) + counts + _text(record.name if record else "")
        data += _text(record.serial or "" if record else "")
        return list(struct.unpack(f">{WORDS}H", data))

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


def error_code(record: Record) -> int:
    """Return why a part has no verdict: see ERRORS."""
    if record.verdict != ERROR:
        return ERRORS["none"]
    if record.note.startswith(LATE):
        return ERRORS["late"]
    if record.note.startswith(TEST):
        return ERRORS["test"]
    return ERRORS["no picture" if record.note.startswith(NO_PICTURE) else "picture"]


def verdict_bytes(record: Record | None) -> bytes:
    """Return number, verdict, error, score, limit, milliseconds and count of regions."""
    if record is None:
        return struct.pack(">IHHffIH", 0, 0, 0, NO_NUMBER, NO_NUMBER, 0, 0)
    score = NO_NUMBER if record.score is None else record.score
    limit = NO_NUMBER if record.limit_score is None else record.limit_score
    return struct.pack(
        ">IHHffIH",
        record.id & 0xFFFFFFFF,
        VERDICTS[record.verdict],
        error_code(record),
        score,
        limit,
        min(round(record.milliseconds), 0xFFFFFFFF),
        min(len(record.regions), 0xFFFF),
    )


def _text(text: str) -> bytes:
    """Return the end of a text, which tells parts apart, in ASCII; the rest is zeros."""
    return text.encode("ascii", "replace")[-TEXT_BYTES:].ljust(TEXT_BYTES, b"\0")
