"""The data sets of a suite: categories, each with a fingerprint."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from goldensample.datasets import LAYOUTS, Dataset, find_layout, has_layout, read_category
from goldensample.errors import ImageError

GENERIC_LAYOUTS = ("mvtec_ad", "folder", "csv")
"""Layouts shared by many data sets: the folder's name is the name of the data set."""


@dataclass(frozen=True, slots=True)
class Location:
    """The location of a category on disk: folder, layout, and argument of `read_category`."""

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
        location: on disk; None for a category found only in results.
    """

    data_set: str
    name: str
    fingerprint: str
    train: int
    test: int
    location: Location | None = None


def find_categories(sources: Sequence[str]) -> list[Category]:
    """Find the categories of data sets.

    Args:
        sources: each DIR or NAME=DIR, in a known layout. NAME is the name of the data set,
            and its layout where the folder has that one.

    Raises:
        ImageError: no data set is there, or one cannot be used.
    """
    categories: dict[tuple[str, str], Category] = {}
    for text in sources:
        name, folder = _split_name(text)
        layout = _detect_layout(name, folder)
        default_name = folder.resolve().stem if layout in GENERIC_LAYOUTS else layout
        for category in LAYOUTS[layout].categories(folder):
            found = _read_location(name or default_name, Location(folder, layout, category))
            key = (found.data_set, found.name)
            if key in categories:
                raise ImageError(
                    f"categories must have different names; {'/'.join(key)} is in {text} and "
                    "before; call one data set otherwise: --data NAME=DIR"
                )
            categories[key] = found
    if sources and not categories:
        raise ImageError(f"data must hold a category; {', '.join(sources)} holds none")
    return list(categories.values())


def load_dataset(category: Category) -> Dataset:
    """List the pictures of a category.

    Raises:
        ImageError: its folder is not known, or is no longer as it was.
    """
    if category.location is None:
        raise ImageError(f"{category.name} must be on disk; name its folder with --data")
    location = category.location
    return read_category(location.root, location.category, location.layout)


def _split_name(text: str) -> tuple[str, Path]:
    """Return the name, or "", and the folder."""
    name, separator, folder = text.partition("=")
    return (name, Path(folder)) if separator and not Path(text).exists() else ("", Path(text))


def _detect_layout(name: str, folder: Path) -> str:
    return name if name in LAYOUTS and has_layout(folder, name) else find_layout(folder)


def _read_location(data_set: str, location: Location) -> Category:
    data = read_category(location.root, location.category, location.layout)
    if not data.train:
        raise ImageError(f"{location.root} must have good pictures to fit on; {data_set} has none")
    digest, files = blake2b(digest_size=8), [*data.train, *data.validation]
    for item in data.test:
        files += [item.path, *item.masks]
    for path in sorted(files):
        size = path.stat().st_size
        digest.update(f"{path.parent.name}/{path.name}:{size}\n".encode())
    name = location.category or location.root.resolve().stem
    return Category(data_set, name, digest.hexdigest(), len(data.train), len(data.test), location)
