"""Find pictures: in folders, by patterns, at URLs; and name them."""

import glob
import os
from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from goldensample.errors import ImageError
from goldensample.storage import locations
from goldensample.storage.locations import Place, Remote

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
PathLike = str | os.PathLike[str]
_KINDS = ", ".join(ending[1:] for ending in ENDINGS)


def find_pictures(paths: PathLike | Sequence[PathLike]) -> list[tuple[str, Place]]:
    """List the pictures that files, folders and patterns (`*`, `?`, `[…]`, `**`) stand for.

    Folders are read with all below them, sorted; hidden files are left out there. A file reached
    twice, by a link or a second path, counts once, so loops of links end. Text with :// is a URL,
    with the same rules; a `Path` never is one. In a URL of a web server, ? is no pattern.

    Returns:
        (name, place): the path below the given folder, or the file's name, longer where not unique.

    Raises:
        ImageError: nothing is there, no picture is in it, or a file given has another ending.
        StoreError: the store of a URL does not answer, or its package is not installed.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise ImageError("pictures must be given; there were none; name a file or a folder")
    counts: dict[Place, int] = {}  # place: how many of its last parts make the name
    seen: set[str] = set()
    for one in given:
        path = locations.local(one) if isinstance(one, str) else one
        expanded = _expand_url(str(path)) if locations.is_url(path) else _expand(Path(path))
        for found, count in expanded:
            real = "/".join(found.parts) if isinstance(found, Remote) else os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                counts[found] = count
    while True:
        names = {place: "/".join(_parts(place)[-k:]) for place, k in counts.items()}
        times = Counter(names.values())
        if len(times) == len(names):
            return [(name, place) for place, name in names.items()]
        for place, name in names.items():
            counts[place] += times[name] > 1


def is_picture(name: str) -> bool:
    """Return whether a file's name ends as pictures' names do."""
    return PurePosixPath(name).suffix.lower() in ENDINGS


def _parts(place: Place) -> tuple[str, ...]:
    return place.parts if isinstance(place, Remote) else place.absolute().parts


def _expand(path: Path) -> Sequence[tuple[Place, int]]:
    """Return the pictures one argument stands for, each with the number of parts of its name."""
    if os.path.isdir(path):  # False too where it may not be looked at
        if found := find_below(path):
            return [(file, len(file.relative_to(path).parts)) for file in found]
        raise ImageError(f"a folder must hold pictures ({_KINDS}); {path} holds none; name another")
    if os.path.lexists(path):
        if path.suffix.lower() in ENDINGS:
            return [(path, 1)]
        raise ImageError(f"a picture must end in {_KINDS}; {path} does not; convert or rename it")
    if not glob.has_magic(str(path)):
        raise ImageError(
            f"a picture or folder must be there to read; {path} is not; check the path and rights"
        )
    first = next(k for k, part in enumerate(path.parts) if glob.has_magic(part))
    if found := _match(path):
        return [(file, max(len(file.parts) - first, 1)) for file in found]
    raise ImageError(f"a pattern must match pictures ({_KINDS}); {path} matches none; check it")


def _expand_url(url: str) -> Sequence[tuple[Place, int]]:
    """Do the same for a URL; a pattern is looked for in all below its last plain folder."""
    if not url.split("://", 1)[1].strip("/"):
        raise ImageError(f"a URL must name a bucket, a server or a folder; got {url}")
    web, parts = locations.is_web(url), url.split("/")
    bare = url.split("?")[0] if web else url
    there = "folder" if web and not is_picture(bare) else _look(url)
    if isinstance(there, Remote):
        if is_picture(bare):
            return [(there, 1)]
        raise ImageError(f"a picture must end in {_KINDS}; {url} does not; convert or rename it")
    patterns = (glob.has_magic(part.replace("?", "") if web else part) for part in parts[3:])
    first = next((k for k, magic in enumerate(patterns, 3) if magic), None)
    if first is not None and (there is None or web):
        below = _below("/".join(parts[:first]))
        found = [one for one in below if _fits(one.parts[first:], parts[first:])]
        if not found:
            raise ImageError(
                f"a pattern must match pictures ({_KINDS}); {url} matches none; check it"
            )
        return [(one, len(one.parts) - first) for one in found]
    if there is None:
        raise ImageError(
            f"a picture or folder must be there to read; {url} is not; check the URL and rights"
        )
    root = len(url.rstrip("/").split("/"))
    if inside := _below(url):
        return [(one, len(one.parts) - root) for one in inside]
    raise ImageError(f"a folder must hold pictures ({_KINDS}); {url} holds none; name another")


def _look(url: str) -> Remote | str | None:
    try:
        return locations.look(url)
    except ImageError as error:
        raise ImageError(f"cannot read {url}: {error}") from error


def _below(url: str) -> list[Remote]:
    """Return the pictures below a URL."""
    try:
        return [one for one in locations.below(url) if is_picture(one.parts[-1])]
    except ImageError as error:
        raise ImageError(f"cannot read the folder {url}: {error}") from error


def _match(pattern: Path) -> list[Path]:
    """Return the pictures that a pattern matches, and those in folders that it matches."""
    parts = pattern.parts
    deep = next((k for k, part in enumerate(parts) if part == "**"), len(parts))
    found = []
    for match in map(Path, sorted(glob.glob(str(Path(*parts[:deep]))))):
        if match.is_dir():
            below = find_below(match)
            found += [file for file in below if _fits(file.relative_to(match).parts, parts[deep:])]
        elif deep == len(parts) and match.suffix.lower() in ENDINGS:
            found.append(match)
    return found


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Tell whether a path, or a folder above it, fits a pattern with `**`."""
    if not pattern:
        return True
    if pattern[0] == "**":
        return any(_fits(parts[k:], pattern[1:]) for k in range(len(parts)))
    return bool(parts) and fnmatch(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def find_below(folder: Path) -> list[Path]:
    """Return the pictures below a folder; links are followed, each real folder is entered once."""

    def refuse(error: OSError) -> None:
        raise ImageError(f"cannot read the folder {error.filename}: {error.strerror}")

    found: list[Path] = []
    entered: set[str] = set()
    for where, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        real = os.path.realpath(where)
        if real not in entered:
            found += [Path(where, file) for file in files if file[0] != "."]
        folders[:] = [] if real in entered else sorted(f for f in folders if f[0] != ".")
        entered.add(real)
    return sorted(file for file in found if file.suffix.lower() in ENDINGS)
