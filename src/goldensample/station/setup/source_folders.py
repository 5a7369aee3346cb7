"""Source folders: folders of pictures, below a root, that an engineer may choose for a draft."""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.errors import ImageError
from goldensample.images.listing import ENDINGS, list_pictures

MAX_FOLDERS = 500
"""Folders that are listed, at most."""


@dataclass(frozen=True, slots=True)
class SourceFolder:
    """A folder that may be chosen.

    Args:
        id: its id in requests; no path comes from a request.
        name: path below the root, as text.
        pictures: number of pictures in it and below.
    """

    id: str
    name: str
    pictures: int


def find_source_folders(root: Path | None) -> dict[str, tuple[SourceFolder, Path]]:
    """Return the folders at and below a root that directly hold pictures, the fullest first.

    Links that lead out of the root are not followed.
    """
    folders: dict[str, tuple[SourceFolder, Path]] = {}
    for location, subfolders, files in os.walk(root) if root else ():
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        if not any(Path(file).suffix.lower() in ENDINGS and file[0] != "." for file in files):
            continue
        assert root, "there is something to walk"
        path = Path(location)
        name = path.relative_to(root).as_posix()
        folder_id = sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        count = len(pictures_below(path, root))
        folders[folder_id] = SourceFolder(folder_id, display_name(name, root), count), path
        if len(folders) >= MAX_FOLDERS:
            break
    return dict(sorted(folders.items(), key=lambda item: -item[1][0].pictures))


def pictures_below(folder: Path, root: Path) -> list[tuple[str, Path]]:
    """Return the pictures of a folder by (name, path), none of them outside the root.

    Raises:
        ImageError: a folder below cannot be read.
    """
    real = root.resolve()
    paths = [path for path in list_pictures(folder) if path.resolve().is_relative_to(real)]
    return [(display_name(path.relative_to(folder).as_posix(), folder), path) for path in paths]


def open_source_folder(root: Path | None, folder_id: str) -> tuple[str, list[tuple[str, Path]]]:
    """Return the name and the pictures of a listed folder.

    Raises:
        ImageError: it is not listed, or no longer.
    """
    offered = find_source_folders(root)
    if root is None or folder_id not in offered:
        raise ImageError("a folder must be one that is offered; it is not; load the page anew")
    folder, path = offered[folder_id]
    return folder.name, pictures_below(path, root)


def display_name(name: str, root: Path) -> str:
    """Return a relative path as text; for the root itself, its name."""
    return printable(root.name if name == "." else name)


def printable(name: str) -> str:
    """Return a file name as valid text: undecodable bytes are escaped, as in "\\udcff"."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
