"""List picture files: in folders, by glob patterns, at URLs; and name them."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from goldensample.errors import ImageError
from goldensample.locales.language import gettext, mark
from goldensample.storage import locations
from goldensample.storage.locations import Location, Remote

ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".tif", ".tiff", ".webp"),
    *(".pgm", ".ppm", ".pnm", ".pbm", ".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".avif"),
    *(".heic", ".heif", ".hif", ".jxl"),
)
PathLike = str | os.PathLike[str]
_KINDS = ", ".join(ending[1:] for ending in ENDINGS)
NO_PICTURE = mark("a folder must hold pictures (%(kinds)s); %(path)s holds none; name another")
WRONG_ENDING = mark(
    "a picture must end in %(kinds)s; %(path)s does not; convert or rename it; a video is for "
    "golden serve --camera FILE"
)
NO_MATCH = mark("a pattern must match pictures (%(kinds)s); %(path)s matches none; check it")


@dataclass(frozen=True, slots=True)
class Listing:
    """The files at paths.

    Args:
        pictures: (name, location) of each.
        left_out: names of the other files, which do not end as pictures do.
    """

    pictures: list[tuple[str, Location]]
    left_out: list[str]


def find_pictures(paths: PathLike | Sequence[PathLike]) -> list[tuple[str, Location]]:
    """List the pictures of files, folders and glob patterns; see `find_files`."""
    return find_files(paths).pictures


def find_files(paths: PathLike | Sequence[PathLike]) -> Listing:
    """List the files of files, folders and glob patterns (`*`, `?`, `[…]`, `**`).

    Folders are listed recursively, sorted, without hidden files. A file reached twice, by a link
    or a second path, is listed once, so loops of links end. Text with :// is a URL,
    with the same rules; a `Path` never is one. In a URL of a web server, ? is no pattern.

    Returns:
        Each with its name: the path below the folder, or the file's name, longer where that of a
        picture is not unique.

    Raises:
        ImageError: a path does not exist or holds no picture, or a file has another ending.
        StoreError: the store of a URL does not answer, or its package is not installed.
    """
    arguments = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not arguments:
        raise ImageError(
            gettext("pictures must be given; there were none; name a file or a folder")
        )
    counts: dict[Location, int] = {}  # how many of its last components make the name
    left_out: list[str] = []
    seen: set[str] = set()
    for argument in arguments:
        path = locations.local_path(argument) if isinstance(argument, str) else argument
        expanded = _expand_url(str(path)) if locations.is_url(path) else _expand(Path(path))
        for file, count in expanded:
            real = "/".join(file.parts) if isinstance(file, Remote) else os.path.realpath(file)
            if real in seen:
                continue
            seen.add(real)
            if _is_picture_file(file):
                counts[file] = count
            else:
                left_out.append("/".join(_parts(file)[-count:]))
    while True:
        names = {file: "/".join(_parts(file)[-k:]) for file, k in counts.items()}
        uses = Counter(names.values())
        if len(uses) == len(names):
            return Listing([(name, file) for file, name in names.items()], left_out)
        for file, name in names.items():
            counts[file] += uses[name] > 1


def is_picture(name: str) -> bool:
    """Return whether a file's name has the ending of a picture."""
    return PurePosixPath(name).suffix.lower() in ENDINGS


def _parts(location: Location) -> tuple[str, ...]:
    return location.parts if isinstance(location, Remote) else location.absolute().parts


def _expand(path: Path) -> Sequence[tuple[Location, int]]:
    """Return the files of a path, a picture among them, each with the length of its name."""
    if os.path.isdir(path):  # False too where permission is denied
        if _any_picture(files := list_files(path)):
            return [(file, len(file.relative_to(path).parts)) for file in files]
        raise ImageError(gettext(NO_PICTURE) % {"kinds": _KINDS, "path": path})
    if os.path.lexists(path):
        if path.suffix.lower() in ENDINGS:
            return [(path, 1)]
        raise ImageError(gettext(WRONG_ENDING) % {"kinds": _KINDS, "path": path})
    if not glob.has_magic(str(path)):
        raise ImageError(
            gettext(
                "a picture or folder must be there to read; %(path)s is not; check the path and "
                "rights"
            )
            % {"path": path}
        )
    first = next(k for k, part in enumerate(path.parts) if glob.has_magic(part))
    if _any_picture(matches := _match(path)):
        return [(file, max(len(file.parts) - first, 1)) for file in matches]
    raise ImageError(gettext(NO_MATCH) % {"kinds": _KINDS, "path": path})


def _expand_url(url: str) -> Sequence[tuple[Location, int]]:
    """Do the same for a URL; a pattern is matched below its last folder without wildcards."""
    if not url.split("://", 1)[1].strip("/"):
        raise ImageError(f"a URL must name a bucket, a server or a folder; got {url}")
    web, parts = locations.is_web(url), url.split("/")
    bare = url.split("?")[0] if web else url
    entry = "folder" if web and not is_picture(bare) else _lookup(url)
    if isinstance(entry, Remote):
        if is_picture(bare):
            return [(entry, 1)]
        raise ImageError(gettext(WRONG_ENDING) % {"kinds": _KINDS, "path": url})
    patterns = (glob.has_magic(part.replace("?", "") if web else part) for part in parts[3:])
    first = next((k for k, magic in enumerate(patterns, 3) if magic), None)
    if first is not None and (entry is None or web):
        files = _list_url("/".join(parts[:first]))
        matches = [file for file in files if _fits(file.parts[first:], parts[first:])]
        if not _any_picture(matches):
            raise ImageError(gettext(NO_MATCH) % {"kinds": _KINDS, "path": url})
        return [(file, len(file.parts) - first) for file in matches]
    if entry is None:
        raise ImageError(
            gettext(
                "a picture or folder must be there to read; %(path)s is not; check the URL and "
                "rights"
            )
            % {"path": url}
        )
    root = len(url.rstrip("/").split("/"))
    if _any_picture(files := _list_url(url)):
        return [(file, len(file.parts) - root) for file in files]
    raise ImageError(gettext(NO_PICTURE) % {"kinds": _KINDS, "path": url})


def _lookup(url: str) -> Remote | str | None:
    try:
        return locations.lookup(url)
    except ImageError as error:
        raise ImageError(f"cannot read {url}: {error}") from error


def _any_picture(files: Iterable[Location]) -> bool:
    return any(map(_is_picture_file, files))


def _is_picture_file(file: Location) -> bool:
    """Tell the same of a location; on a web server, the ending stands before a query."""
    name = file.parts[-1]
    return is_picture(name.split("?")[0] if locations.is_web(str(file)) else name)


def _list_url(url: str) -> list[Remote]:
    """Return the files below a URL."""
    try:
        return locations.list_files(url)
    except ImageError as error:
        raise ImageError(f"cannot read the folder {url}: {error}") from error


def _match(pattern: Path) -> list[Path]:
    """Return the files that a pattern matches, and those in folders that it matches."""
    parts = pattern.parts
    deep = next((k for k, part in enumerate(parts) if part == "**"), len(parts))
    matches = []
    for path in map(Path, sorted(glob.glob(str(Path(*parts[:deep]))))):
        if path.is_dir():
            files = list_files(path)
            matches += [file for file in files if _fits(file.relative_to(path).parts, parts[deep:])]
        elif deep == len(parts) and path.name[0] != ".":
            matches.append(path)
    return matches


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Return whether a path, or a folder above it, matches a pattern with `**`."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_fits(parts[k:], pattern[1:]) for k in range(len(parts)))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures below a folder; see `list_files`."""
    return [file for file in list_files(folder) if is_picture(file.name)]


def list_files(folder: Path) -> list[Path]:
    """Return the files below a folder; links are followed, each real folder is visited once."""

    def refuse(error: OSError) -> None:
        raise ImageError(f"cannot read the folder {error.filename}: {error.strerror}")

    found: list[Path] = []
    visited: set[str] = set()
    for directory, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(directory)
        if real not in visited:
            found += [Path(directory, file) for file in files if file[0] != "."]
        folders[:] = [] if real in visited else sorted(f for f in folders if f[0] != ".")
        visited.add(real)
    return sorted(found)
