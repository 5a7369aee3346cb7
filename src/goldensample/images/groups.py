"""Groups of pictures that belong together: a folder, a day, a part of their names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from goldensample.errors import ImageError
from goldensample.images.decoding import read_day
from goldensample.images.folder import Folder
from goldensample.storage.locations import Location

KINDS = "folder, day, name:PATTERN or column:NAME"
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")


def with_groups(pictures: Folder, by: str, column: Mapping[Path, str]) -> Folder:
    """Return pictures with the group of each.

    Args:
        pictures: to learn from.
        by: "folder", the folder that a picture lies in; "day", the date in its name, else that of
            its folder, else of its EXIF data; "name:PATTERN", what a regular expression finds in
            its path, the part in brackets if it has one; "column:NAME", a column of the table that
            names it.
        column: the value of that column by the picture's file.

    Raises:
        ImageError: a picture has no group.
        ValueError: `by` is none of these, or no regular expression.
    """
    kind, _, detail = by.partition(":")
    find: Callable[[Location], str]
    if by == "folder":
        find = _folder_of
    elif by == "day":
        find = day_of
    elif kind == "name" and detail:
        find = _finder(detail)
    elif kind == "column" and detail:
        find = lambda path: column.get(Path(str(path)).absolute(), "")  # noqa: E731
    else:
        raise ValueError(f"--groups must be {KINDS}; got {by!r}")
    groups = tuple(map(find, pictures.paths))
    if "" in groups:
        lacking = pictures.paths[groups.index("")]
        raise ImageError(
            f"every picture must have a group by {by}; {groups.count('')} have none, such as "
            f"{lacking}; group by another thing, or name the pictures accordingly"
        )
    return replace(pictures, groups=groups, grouped_by=by)


def _folder_of(path: Location) -> str:
    return str(path).replace("\\", "/").rpartition("/")[0] or "."


def day_of(path: Location) -> str:
    """Return the day of a picture, as 2026-11-30; "" where nothing tells it."""
    text = str(path).replace("\\", "/")
    folder, _, name = text.rpartition("/")
    if found := _DAY.search(name) or _DAY.search(folder):
        return "-".join(found.groups())
    return read_day(path)


def _finder(pattern: str) -> Callable[[Location], str]:
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise ValueError(
            f"--groups name:PATTERN must be a regular expression; {pattern!r} is not: {error}"
        ) from error

    def find(path: Location) -> str:
        found = expression.search(str(path).replace("\\", "/"))
        return (found[1] if expression.groups else found[0]) or "" if found else ""

    return find
