"""Find which layout a data set has, and list it: for every command the same."""

from dataclasses import replace
from pathlib import Path

from goldensample.datasets.by_folder import MVTEC_LAYOUT
from goldensample.datasets.items import Dataset, copies_note, pictures_below, require_complete
from goldensample.datasets.labels import GOOD, label_of, stray_copies
from goldensample.datasets.layouts import LAYOUTS
from goldensample.errors import ImageError
from goldensample.images.listing import PathLike

TABLE_ENDINGS = (".csv", ".tsv")
_GOOD = "{good}"
_TABLES = ("visa", "real_iad", "csv")
"""Layouts, by how their names begin, in which a table names every picture."""


def is_table(path: Path) -> bool:
    """Return whether a path is a CSV file."""
    return path.suffix.lower() in TABLE_ENDINGS and path.is_file()


def has_layout(folder: Path, name: str) -> bool:
    """Return whether a folder has the signs of a layout, by names alone."""
    return any(_matches(folder, pattern) for pattern in LAYOUTS[name].patterns)


def _matches(folder: Path, pattern: str) -> bool:
    if not pattern.endswith(_GOOD):
        return next(folder.glob(pattern), None) is not None
    paths = folder.glob(f"{pattern.removesuffix(_GOOD)}*")
    return any(label_of(path.name) == GOOD and path.is_dir() for path in paths)


def find_layout(root: PathLike) -> str:
    """Return the layout of a folder or a CSV file, by names alone.

    MPDD is distinguished from MVTec AD by the names of its categories; a single category of it, or
    the magnetic tiles in MVTec AD's layout, is "mvtec_ad": they are read the same.

    Raises:
        ImageError: no layout matches.
    """
    folder = Path(root)
    if is_table(folder):
        return "csv"
    # from the last to the first: specific layouts stand below the general ones they resemble
    names = [name for name in reversed(LAYOUTS) if name != "folder"]
    for name in (*names, "folder"):
        if has_layout(folder, name):
            return name
    if (folder / "test").is_dir():
        return "mvtec_ad"
    content = ", ".join(sorted(path.name for path in folder.glob("*"))[:10]) or "nothing"
    reason = f"it holds {content}" if folder.is_dir() else "there is no such folder"
    raise ImageError(
        f"a data set must have a known layout ({', '.join(LAYOUTS)}); {folder}: {reason}; name the "
        "folder that holds the categories, or one with good pictures in good/"
    )


def list_category(root: PathLike, category: str = "", layout: str = "") -> Dataset:
    """List one category of a data set, whatever may be missing in it.

    Args:
        root: the folder that holds the categories, or the CSV file.
        category: one of `LAYOUTS[layout].categories(root)`; "" where there is one only.
        layout: a key of `LAYOUTS`; "" detects it.

    Raises:
        ImageError: no such layout.
        ValueError: the layout or the category is unknown.
    """
    folder, key = Path(root), layout or find_layout(root)
    if key not in LAYOUTS:
        raise ValueError(f"layout must be one of {', '.join(LAYOUTS)}; got {key!r}")
    categories = LAYOUTS[key].categories(folder)
    if not category and len(categories) == 1:
        category = categories[0]
    if category not in categories:
        available = ", ".join(map(repr, categories)) or f"none is in {folder}"
        raise ValueError(
            f"category must be one of those there ({available}); got {category!r}; name it with "
            "--category"
        )
    data = LAYOUTS[key].read(folder, category)
    copies = () if key.startswith((*_TABLES, "kolektor")) else _copies(data.root)
    data = replace(data, notes=(*data.notes, *copies_note(data.root, copies)))
    name = key if LAYOUTS[key].url else folder.absolute().stem
    return replace(data, name=name, category=category)


def _copies(root: Path) -> set[Path]:
    return stray_copies(pictures_below(root, copies=True), named=True)


def read_category(root: PathLike, category: str = "", layout: str = "") -> Dataset:
    """List one category of a data set that can be evaluated on.

    Args:
        root, category, layout: as for `list_category`.

    Raises:
        ImageError: no such layout, or what `require_complete` refuses.
        ValueError: the layout or the category is unknown.
    """
    key = layout or find_layout(root)
    data = list_category(root, category, key)
    return require_complete(data, MVTEC_LAYOUT if key == "mvtec_ad" else "")
