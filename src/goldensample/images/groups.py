"""Groups of pictures that belong together: a folder, a day, a part of their names."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from goldensample.errors import ImageError
from goldensample.images.decoding import read_taken
from goldensample.images.folder import Folder
from goldensample.records import Array
from goldensample.storage.locations import Location

KINDS = "folder, day, name:PATTERN or column:NAME"
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?!\d)")
_SECOND = re.compile(
    r"(?<!\d)(20\d\d[-_.]?(?:0[1-9]|1[0-2])[-_.]?(?:0[1-9]|[12]\d|3[01])[-_.T ]?"
    r"(?:[01]\d|2[0-3])[-_.h:]?[0-5]\d[-_.m:]?[0-5]\d)"
)
MOST_A_SECOND = 10
"""Pictures of one second, or a tenth of all: more of them share the time of another event."""


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
    return read_taken(path)[:10]


def same_second(paths: Sequence[Location]) -> Array:
    """Return pairs (2, m) of pictures of one folder that were taken in the same second.

    The time is that in a picture's name, else that of its EXIF data, of files on this machine. A
    second of very many pictures counts for none: it is when their files were made.
    """
    members: dict[tuple[str, str], list[int]] = {}
    for index, path in enumerate(paths):
        folder, _, name = str(path).replace("\\", "/").rpartition("/")
        found = _SECOND.search(name)
        second = found[1] if found else read_taken(path) if isinstance(path, Path) else ""
        if found or len(second) > 10:
            members.setdefault((folder, second), []).append(index)
    most = max(MOST_A_SECOND, len(paths) // 10)
    pairs = [
        (alike[0], index) for alike in members.values() if len(alike) <= most for index in alike[1:]
    ]
    return np.array(pairs, np.int64).reshape(-1, 2).T


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
