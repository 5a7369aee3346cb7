"""Blind samples for a study of appraisers: numbered, shuffled, the key kept apart."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from goldensample.datasets.items import Item, make_item
from goldensample.datasets.labels import GOOD
from goldensample.errors import GoldenError

PICTURES, KEY, CALLS = "sample", "key.csv", "calls.csv"
"""In the folder of a sample: numbered pictures, which of them is what, and a table to fill in."""
COLUMNS = ("part", "file", "reference", "kind", "picture", "sha256", "seed")
LEAST = 10


@dataclass(frozen=True, slots=True)
class Sample:
    """A blind sample.

    Args:
        items: pictures by their numbers as text, "001" first; their type says what they are.
        seed: that it was drawn with; orders follow from it.
    """

    items: Mapping[str, Item]
    seed: int


def draw(good: Sequence[Item], defects: Sequence[Item], count: int, seed: int) -> list[Item]:
    """Return good parts and defects, half of each as far as there are, in a random order.

    Raises:
        ValueError: they are too few, or of one kind.
    """
    if count < LEAST or count > len(good) + len(defects):
        raise ValueError(
            f"a sample must have from {LEAST} parts to as many as there are; got {count}, and "
            f"there are {len(good)} good ones and {len(defects)} defects"
        )
    rng = np.random.default_rng(seed)
    bad = min(len(defects), max(count // 2, count - len(good)))
    drawn = []
    for items, number in ((good, count - bad), (defects, bad)):
        drawn += [items[k] for k in rng.choice(len(items), number, replace=False)]
    if not 0 < bad < count:
        raise ValueError(f"a sample must have good parts and defects; {count} of one kind are none")
    return [drawn[k] for k in rng.permutation(count)]


def write_sample(items: Sequence[Item], folder: Path, seed: int) -> None:
    """Write a sample to a new folder: its numbered pictures, its key, and a table to fill in.

    Raises:
        GoldenError: the folder has a sample already.
    """
    if (folder / KEY).exists():
        raise GoldenError(
            f"{folder} must be a new folder; it has a sample already; choose another, so that "
            "nobody's calls lose their key"
        )
    (folder / PICTURES).mkdir(parents=True, exist_ok=True)
    rows = []
    for number, item in enumerate(items, 1):
        part = f"{number:03}"
        target = folder / PICTURES / f"{part}{item.path.suffix.lower()}"
        shutil.copyfile(item.path, target)
        reference = "defect" if item.defect else GOOD
        digest = sha256(target.read_bytes()).hexdigest()
        rows.append((part, target.name, reference, item.defect_type, item.name, digest, seed))
    _write(
        folder / CALLS, ("appraiser", "part", "trial", "call"), [("", r[0], 1, "") for r in rows]
    )
    _write(folder / KEY, COLUMNS, rows)


def read_sample(folder: Path) -> Sample:
    """Return the sample of a folder.

    Raises:
        GoldenError: it has none.
    """
    try:
        with (folder / KEY).open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        items = {
            row["part"]: make_item(row["part"], folder / PICTURES / row["file"], row["kind"])
            for row in rows
        }
        return Sample(items, int(rows[0]["seed"]))
    except (OSError, LookupError, ValueError) as error:
        raise GoldenError(
            f"{folder} must be a folder that golden qualify --draw-sample has written; its {KEY} "
            f"cannot be read ({error}); name that folder"
        ) from None


def order(sample: Sample, appraiser: str, trial: int) -> list[str]:
    """Return the numbers of the parts in the order of an appraiser's trial, always the same."""
    digest = sha256(f"{sample.seed}/{trial}/{appraiser}".encode()).digest()
    rng = np.random.default_rng(np.frombuffer(digest, np.uint32))
    return [list(sample.items)[k] for k in rng.permutation(len(sample.items))]


def with_references(rows: Sequence[Mapping[str, str]], sample: Sample) -> list[dict[str, str]]:
    """Return calls with the references of their parts, for `appraisers.read_appraisals`.

    Raises:
        GoldenError: a part is none of the sample.
    """
    found = []
    for number, row in enumerate(rows, 2):
        part = row.get("part", "").strip().zfill(3)
        if part not in sample.items:
            raise GoldenError(
                f"calls must be of parts of the sample, 1 to {len(sample.items)}; row {number} has "
                f"{row.get('part', '')!r}; correct it"
            )
        reference = "defect" if sample.items[part].defect else "good"
        found.append({**row, "part": part, "reference": reference})
    return found


def _write(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *rows])
