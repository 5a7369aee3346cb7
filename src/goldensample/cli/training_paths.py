"""The good pictures of a data set or a table, where `golden fit` is given one."""

from collections.abc import Sequence
from pathlib import Path

from goldensample.cli.console import tell
from goldensample.datasets import LAYOUTS, Dataset, find_layout, list_category
from goldensample.datasets.by_table import read_paths
from goldensample.datasets.finding import is_table
from goldensample.errors import ImageError
from goldensample.locales.language import counted, gettext
from goldensample.storage.locations import is_url


def training_paths(
    paths: Sequence[str], layout: str = "", category: str = "", path_column: str | None = None
) -> list[str]:
    """Return the paths to learn from: of a data set its good training pictures, else as given.

    A folder is a data set where `golden evaluate` finds defects in it by their folders, masks or
    table; to learn from defects because they lie below the folder would spoil the file.

    Args:
        paths: folders, files, globs and URLs, as for `listing.find_pictures`.
        layout, category: as for `datasets.list_category`; with one of them, each path must be a
            data set.
        path_column: the column of the tables that names the pictures; None knows it by its name.

    Raises:
        ImageError: a data set has no good training pictures.
        ValueError: the layout or category is unknown, or must be named.
    """
    found: list[str] = []
    for path in paths:
        if path_column is not None:
            found += _read_table(Path(path), path_column)
            continue
        data = None if is_url(path) else _read(Path(path), layout, category)
        found += [path] if data is None else map(str, data.train)
    return found


def _read_table(table: Path, column: str) -> list[str]:
    """Return the good pictures that a column of a table names, and tell how it was read."""
    if not is_table(table):
        raise ValueError(f"--path-column must go with tables (CSV, TSV) alone; got {table}")
    paths, note = read_paths(table, column)
    tell(note)
    return [str(path) for path in paths]


def _read(path: Path, layout: str, category: str) -> Dataset | None:
    """Return the data set of a path, and tell how it was read; None where it is none."""
    is_named = bool(layout or category)
    if not is_named and not is_table(path) and not path.is_dir():
        return None
    try:
        key = layout or find_layout(path)
    except ImageError:
        if is_named:
            raise
        return None
    data = list_category(path, category, key)
    plain = key == "folder" or (key == "mvtec_ad" and not data.train)
    if plain and not is_named and not any(item.defect for item in data.test):
        return None
    if not data.train:
        raise ImageError(
            f"a data set must have good pictures to learn from; {path}, read as "
            f"{LAYOUTS[key].title}, has none; name the folder of good pictures"
        )
    for note in data.notes:
        tell(note)
    tell(_reading(path, LAYOUTS[key].title, data))
    return data


def _reading(path: Path, title: str, data: Dataset) -> str:
    """Return what is learned from a data set, and what is not, in words."""
    pictures = counted("%(num)s good picture", "%(num)s good pictures", len(data.train))
    noise = rest = ""
    if data.train_defects:
        pictures = counted("%(num)s picture", "%(num)s pictures", len(data.train))
        noise = counted(
            ", of which %(num)s is a defect", ", of which %(num)s are defects", data.train_defects
        )
    if data.test:
        rest = counted(
            "; %(num)s other is for golden evaluate",
            "; %(num)s others are for golden evaluate",
            len(data.test),
        )
    text = gettext(
        "%(path)s is read as a data set (%(title)s): learning from its %(pictures)s for "
        "training%(noise)s%(rest)s. To learn from all pictures of a folder, name that folder"
    )
    values = {"path": path, "title": gettext(title), "pictures": pictures}
    return text % {**values, "noise": noise, "rest": rest}
