"""What came in through a watched folder: counted since the start, in bounded memory."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
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
    some,
)
from goldensample.images.listing import is_picture
from goldensample.parts.grouping import NamePattern, left_over_words
from goldensample.records import Picture
from goldensample.station.troubles import JournalLine
from goldensample.wording.intake import KINDS, notes_by_kind

COUNTED = ("equal", "masks", "single_value", "few_levels")
REMEMBERED = 4096
"""Pictures that a new one is compared with: the last ones."""
File = tuple[str, str]
"""Path and stamp of a file."""
STRANGE = "strange"
"""Pictures that are of no part by their names."""
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


class FolderNotes:
    """What is to be said of the files of a folder: in its state, and a line of the journal a kind.

    Args:
        folder: its name.
        pattern: of the names of pictures that are taken; None for any.
        intake: counts those.
        add: adds a line to the journal, given its action, a revision and the words.
        amend: replaces the words of a line.
    """

    def __init__(
        self,
        folder: str,
        pattern: NamePattern | None,
        intake: FolderIntake,
        add: Callable[[str, int | None, str], int | None],
        amend: Callable[[int, str], None],
    ) -> None:
        self._folder, self._pattern, self._intake = folder, pattern, intake
        self._others, self._left_out = dict[Path, str](), Files()
        self._strange = dict[Path, str]()
        self._lines = {
            kind: JournalLine(partial(add, kind.replace("_", " "), None), amend)
            for kind in (*KINDS, STRANGE)
        }

    def take(self, names: Mapping[Path, str], complete: bool) -> set[Path]:
        """Return which files are pictures that are taken; note the others.

        Args:
            names: of files, as people read them.
            complete: whether these are all that there are.
        """
        others = {path: name for path, name in names.items() if not is_picture(path.name)}
        strange = {
            path: name
            for path, name in names.items()
            if path not in others and self._pattern and not self._pattern.match(name)
        }
        before = self._others
        self._others = others if complete else before | others
        self._strange = strange if complete else self._strange | strange
        if self._others != before:
            self._left_out = some(sorted(self._others.values()))
        return set(names) - set(others) - set(strange)

    def notes(self) -> dict[str, str]:
        """Return what is to be said of the files, by its kind."""
        notes = notes_by_kind(self._intake.intake(self._left_out), fitted=False)
        if self._strange and self._pattern:
            notes[STRANGE] = left_over_words(sorted(self._strange.values()), self._pattern)
        return notes

    def tell(self, now: bool = False) -> None:
        """Write what is to be said into the journal, one line a kind."""
        for kind, words in self.notes().items():
            self._lines[kind].write(f"folder {self._folder}: {words}", now)


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
