"""Folders of pictures that an engineer may choose from: those below one given at the start."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.errors import ImageError
from goldensample.images.listing import ENDINGS, find_below

FOLDERS = 500
"""That are offered, at most."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A folder that may be chosen.

    Args:
        id: what a request calls it; no path comes from a request.
        name: below the root, as people read it.
        pictures: in it and below.
    """

    id: str
    name: str
    pictures: int


def folders(root: Path | None) -> dict[str, tuple[Offered, Path]]:
    """Return the folders at and below a root that hold pictures themselves, the fullest first.

    Links that lead out of the root are not followed.
    """
    found: dict[str, tuple[Offered, Path]] = {}
    for where, below, files in os.walk(root) if root else ():
        below[:] = sorted(one for one in below if not one.startswith("."))
        if not any(Path(one).suffix.lower() in ENDINGS and one[0] != "." for one in files):
            continue
        assert root, "there is something to walk"
        path = Path(where)
        name = path.relative_to(root).as_posix()
        one = Offered(sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32], name, 0)
        found[one.id] = Offered(one.id, shown(name, root), len(inside(path, root))), path
        if len(found) >= FOLDERS:
            break
    return dict(sorted(found.items(), key=lambda one: -one[1][0].pictures))


def inside(folder: Path, root: Path) -> list[tuple[str, Path]]:
    """Return the pictures of a folder by (name, path), none of them outside the root.

    Raises:
        ImageError: a folder below cannot be read.
    """
    real = root.resolve()
    paths = [path for path in find_below(folder) if path.resolve().is_relative_to(real)]
    return [(shown(path.relative_to(folder).as_posix(), folder), path) for path in paths]


def chosen(root: Path | None, identity: str) -> tuple[str, list[tuple[str, Path]]]:
    """Return the name and the pictures of a folder that was offered.

    Raises:
        ImageError: it was not, or is gone.
    """
    known = folders(root)
    if root is None or identity not in known:
        raise ImageError("a folder must be one that is offered; it is not; load the page anew")
    one, path = known[identity]
    return one.name, inside(path, root)


def shown(name: str, root: Path) -> str:
    """Return a name as text; the root itself has its own."""
    return printable(root.name if name == "." else name)


def printable(name: str) -> str:
    """Return a file's name as text, as names may be none: "\\udcff" for such a byte."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
