"""The data that a suite runs on: categories of data sets, each with a fingerprint."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from goldensample.datasets import LAYOUTS, Dataset, find_layout, read_category
from goldensample.errors import ImageError

PLAIN = ("mvtec_ad", "folder", "csv")
"""Layouts that many data sets have: there the folder's name says which one it is."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a category is: the folder, its layout, and the category as `read_category` takes it."""

    root: Path
    layout: str
    category: str


@dataclass(frozen=True, slots=True)
class Category:
    """One category of a data set.

    Args:
        data_set: name of the data set.
        name: of the category; the folder's where the data set has no categories.
        fingerprint: hash of the names and sizes of all its files.
        train: number of good pictures to fit on.
        test: number of test pictures.
        place: where it is; None where only earlier results tell of it.
    """

    data_set: str
    name: str
    fingerprint: str
    train: int
    test: int
    place: Place | None = None


def find_categories(given: Sequence[str]) -> list[Category]:
    """Find the categories of data sets.

    Args:
        given: each DIR or NAME=DIR, in a layout that is known. NAME is what the data set is called,
            and its layout where the folder has that one.

    Raises:
        ImageError: no data set is there, or one cannot be used.
    """
    found: dict[tuple[str, str], Category] = {}
    for text in given:
        name, folder = _split(text)
        layout = _layout(name, folder)
        plain = folder.resolve().stem if layout in PLAIN else layout
        for category in LAYOUTS[layout].categories(folder):
            made = _category(name or plain, Place(folder, layout, category))
            key = (made.data_set, made.name)
            if key in found:
                raise ImageError(
                    f"categories must have different names; {'/'.join(key)} is in {text} and "
                    "before; call one data set otherwise: --data NAME=DIR"
                )
            found[key] = made
    if given and not found:
        raise ImageError(f"data must hold a category; {', '.join(given)} holds none")
    return list(found.values())


def read(category: Category) -> Dataset:
    """List the pictures of a category.

    Raises:
        ImageError: its folder is not known, or is no longer as it was.
    """
    if category.place is None:
        raise ImageError(f"{category.name} must be on disk; name its folder with --data")
    place = category.place
    return read_category(place.root, place.category, place.layout)


def _split(text: str) -> tuple[str, Path]:
    """Return the name given, or "", and the folder."""
    name, equals, folder = text.partition("=")
    return (name, Path(folder)) if equals and not Path(text).exists() else ("", Path(text))


def _layout(name: str, folder: Path) -> str:
    signs = LAYOUTS[name].signs if name in LAYOUTS else ()
    return name if any(next(folder.glob(sign), None) for sign in signs) else find_layout(folder)


def _category(data_set: str, place: Place) -> Category:
    data = read_category(place.root, place.category, place.layout)
    if not data.train:
        raise ImageError(f"{place.root} must have good pictures to fit on; {data_set} has none")
    said, files = blake2b(digest_size=8), [*data.train]
    for item in data.test:
        files += [item.path, *item.masks]
    for path in sorted(files):
        size = path.stat().st_size
        said.update(f"{path.parent.name}/{path.name}:{size}\n".encode())
    name = place.category or place.root.resolve().stem
    return Category(data_set, name, said.hexdigest(), len(data.train), len(data.test), place)
