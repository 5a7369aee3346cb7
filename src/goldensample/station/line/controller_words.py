"""The words that controllers read: what each is, and how a verdict is written into them.

A word has 16 bits; a number of two words has its high word first.
"""

import struct
from collections.abc import Sequence
from typing import Any

from goldensample.station.line.deadline import LATE
from goldensample.station.line.jobs import NO_PICTURE, TEST
from goldensample.station.records.parts import INTERRUPTED, WholePart
from goldensample.station.records.rows import ERROR, Record

WORDS = 99
"""Words of a block: of the station and the last verdict of any product, or of one product."""
ACKNOWLEDGE = 99
"""The word after them, which a controller writes."""
TEXT_BYTES = 32
NO_NUMBER = -1.0
"""A score or limit that is not there; those that are, are 0 and more."""
VERDICTS = {"good": 1, "review": 2, "defect": 3, ERROR: 4, None: 5}
"""Codes of verdicts; 0 before the first one. 5: there is no limit, and so a score alone."""
NOTES = {"no picture": NO_PICTURE, "late": LATE, "interrupted": INTERRUPTED, "test": TEST}
"""How the notes of errors begin."""
ERRORS = {"none": 0, "picture": 1, "no picture": 2, "late": 3}
ERRORS |= {"interrupted": 4, "view missing": 5, "test": 9}
"""Codes of errors, of a picture that cannot be read, of a camera that gave none, of a deadline, of
a part that was under way when the station stopped or lacks a view; and of a test, no part."""
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
    "job": (48, ">32s"),
    "views": (64, ">H"),
    "requested": (65, ">H"),
    "result": (66, ">H"),
}
"""First word and kind, as `struct` writes it, of what a block holds."""
VIEW, VIEW_WORDS, MOST_VIEWS = 67, 4, 8
"""First word of the first view of a part, words of a view, and views that there is room for."""
VIEW_FIELDS = {"verdict": (0, ">H"), "error": (1, ">H"), "score": (2, ">f")}
"""First word and kind of what the words of a view hold."""


def read_fields(words: Sequence[int]) -> dict[str, Any]:
    """Return what the words of a block say, by name, as a controller would read it.

    `each_view` lists the views of a part, each by the names of VIEW_FIELDS.
    """
    data = struct.pack(f">{WORDS}H", *words)
    values: dict[str, Any] = {}
    for name, (word, kind) in FIELDS.items():
        (value,) = struct.unpack_from(kind, data, 2 * word)
        values[name] = value.rstrip(b"\0").decode() if isinstance(value, bytes) else value
    starts = [VIEW + VIEW_WORDS * index for index in range(min(values["views"], MOST_VIEWS))]
    values["each_view"] = [
        {
            name: struct.unpack_from(kind, data, 2 * (start + word))[0]
            for name, (word, kind) in VIEW_FIELDS.items()
        }
        for start in starts
    ]
    return values


def error_code(record: Record) -> int:
    """Return why a picture or part has no verdict: see ERRORS; of a part the highest of a view."""
    if record.verdict != ERROR:
        return ERRORS["none"]
    if isinstance(record, WholePart):
        return max(map(error_code, record.views)) or ERRORS["picture"]
    for name, note in NOTES.items():
        if record.note.startswith(note):
            return ERRORS[name]
    is_missing = bool(record.view) and record.note.startswith(f"view {record.view} ")
    return ERRORS["view missing" if is_missing else "picture"]


def verdict_bytes(record: Record | None) -> bytes:
    """Return number, verdict, error, score, limit, milliseconds and count of regions."""
    if record is None:
        return struct.pack(">IHHffIH", 0, 0, 0, NO_NUMBER, NO_NUMBER, 0, 0)
    limit = NO_NUMBER if record.limit_score is None else record.limit_score
    return struct.pack(
        ">IHHffIH",
        record.id & 0xFFFFFFFF,
        VERDICTS[record.verdict],
        error_code(record),
        _score(record),
        limit,
        min(round(record.milliseconds), 0xFFFFFFFF),
        min(len(record.regions), 0xFFFF),
    )


def text_bytes(record: Record | None) -> bytes:
    """Return name, serial number and job: the end of each, which tells parts apart."""
    texts = (record.name, record.serial, record.job) if record else ("", "", "")
    return b"".join(_text(text or "") for text in texts)


def view_bytes(record: Record | None) -> bytes:
    """Return the words of a part's views.

    Views are in the part's order; those that there is no room for are counted alone.
    """
    views = record.views if isinstance(record, WholePart) else ()
    data = b"".join(
        struct.pack(">HHf", VERDICTS[view.verdict], error_code(view), _score(view))
        for view in views[:MOST_VIEWS]
    )
    unused = MOST_VIEWS - len(views[:MOST_VIEWS])
    return data + unused * struct.pack(">HHf", 0, 0, NO_NUMBER)


def count_views(record: Record | None) -> int:
    """Return how many views a part has; 0 of a picture of its own."""
    return len(record.views) if isinstance(record, WholePart) else 0


def read_text(data: bytes) -> str:
    """Return a text that a controller has written: ASCII, filled with zeros or blanks.

    Raises:
        ValueError: it has other characters.
    """
    text = data.rstrip(b"\0 ")
    if not text.isascii() or b"\0" in text:
        raise ValueError(f"serial number and job must be in ASCII; got the bytes {text.hex(' ')}")
    return text.decode("ascii")


def _score(record: Record) -> float:
    return NO_NUMBER if record.score is None else record.score


def _text(text: str) -> bytes:
    """Return the end of a text in ASCII; the rest is zeros."""
    return text.encode("ascii", "replace")[-TEXT_BYTES:].ljust(TEXT_BYTES, b"\0")
