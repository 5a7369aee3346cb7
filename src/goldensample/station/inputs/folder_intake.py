"""What came in through a watched folder: counted since the start, in bounded memory."""

import threading
from collections import Counter, deque
from itertools import islice
from typing import TypeVar

from goldensample.images.intake import (
    FEW_LEVELS,
    MASK_LEVELS,
    SHOWN,
    Files,
    Intake,
    find_masks,
    inspected_facts,
    part_name,
)
from goldensample.records import Picture

COUNTED = ("equal", "masks", "single_value", "few_levels")
REMEMBERED = 4096
"""Pictures that a new one is compared with: the last ones."""
File = tuple[str, str]
"""Path and stamp of a file."""
Value = TypeVar("Value")


class FolderIntake:
    """Counts pictures as they come in; from any thread.

    A picture is measured when it is decoded, and counts when its record is stored. It is a mask
    where `find_masks` says so of it and the last pictures, whichever came first.

    Memory: about 1 kB for each of the last REMEMBERED pictures.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._measured: dict[File, tuple[int, str]] = {}
        self._digests: dict[str, None] = {}
        self._values: dict[str, dict[str, int]] = {}
        self._counts = Counter[str]()
        self._names = {kind: deque[str](maxlen=REMEMBERED) for kind in COUNTED}

    def measure(self, file: File, picture: Picture) -> None:
        """Measure the picture of a file."""
        facts = inspected_facts(picture.pixels)
        with self._lock:
            self._measured[file] = facts

    def drop(self, file: File) -> None:
        """Drop what was measured of a file whose record could not be stored."""
        with self._lock:
            self._measured.pop(file, None)

    def count(self, file: File, name: str) -> None:
        """Count a file whose record is stored, unless its picture could not be read.

        Args:
            file: given to `measure`.
            name: path below the folder, with / between its parts.
        """
        with self._lock:
            if (facts := self._measured.pop(file, None)) is None:
                return
            values, digest = facts
            self._counts["pictures"] += 1
            if digest in self._digests:
                self._add("equal", name)
            _remember(self._digests, digest, None)
            part = part_name(name)
            beside = self._values.get(part, {})
            together = {**beside, name: values}
            _remember(self._values, part, together)
            masks = _masks(together)
            for mask in masks - _masks(beside):
                self._add("masks", mask)
                if mask in beside:
                    self._take_back(_kind(beside[mask]), mask)
            if name not in masks:
                self._add(_kind(values), name)

    def intake(self, left_out: Files) -> Intake:
        """Return the counts, and the names of some; with the files left out by their ending."""
        with self._lock:
            return Intake(
                self._counts["pictures"],
                left_out,
                equal=self._files("equal"),
                masks=self._files("masks"),
                single_value=self._files("single_value"),
                few_levels=self._files("few_levels"),
            )

    def _add(self, kind: str, name: str) -> None:
        if kind:
            self._counts[kind] += 1
            self._names[kind].append(name)

    def _take_back(self, kind: str, name: str) -> None:
        if kind and name in self._names[kind]:
            self._counts[kind] -= 1
            self._names[kind].remove(name)

    def _files(self, kind: str) -> Files:
        return Files(self._counts[kind], tuple(islice(self._names[kind], SHOWN)))


def _kind(values: int) -> str:
    """Return what a picture with so many values is counted as; "" if it has enough."""
    return "single_value" if values == 1 else "few_levels" if values < FEW_LEVELS else ""


def _masks(values: dict[str, int]) -> set[str]:
    """Return which pictures, by their number of values, are masks of others among them."""
    names = list(values)
    masks, _ = find_masks(names, lambda k: values[names[k]] <= MASK_LEVELS)
    return {names[k] for k in masks}


def _remember(known: dict[str, Value], key: str, value: Value) -> None:
    """Put a value at the end of those that are known, and forget the first."""
    known.pop(key, None)
    known[key] = value
    if len(known) > REMEMBERED:
        del known[next(iter(known))]
