"""Pictures on disk, many at a time: find them, check them, read them ahead of their use."""

import glob
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import TypeVar

from goldensample.errors import ImageError
from goldensample.images import measure, read_image, read_shape
from goldensample.records import Notify, Picture, silent

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
WHITES = (1023, 4095, 16383, 65535)
WORKERS = 4
PathLike = str | os.PathLike[str]
Given = TypeVar("Given")
Result = TypeVar("Result")
_KINDS = ", ".join(ending[1:] for ending in ENDINGS)


@dataclass(frozen=True)
class Folder:
    """Pictures on disk, decoded when they are asked for; fulfils `records.Pictures`.

    Args:
        names: how each is called in results.
        paths: the file of each.
        white: the sample value that becomes 255 in pictures of more than 8 bits; None refuses them.
        skipped: why pictures were left out, one message each.
        known_shapes: (H, W) of each where they were read already, else empty.
    """

    names: tuple[str, ...]
    paths: tuple[Path, ...]
    white: int | None = None
    skipped: tuple[str, ...] = ()
    known_shapes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) != len(self.paths):
            was = f"{len(self.names)} and {len(self.paths)}"
            raise ValueError(f"names and paths must be equally many; got {was}")
        if self.white is not None and not 1 <= self.white <= 65535:
            raise ValueError(f"white must be in 1 to 65535; got {self.white}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Picture:
        """Decode one picture. Raises: ImageError with its path and the reason."""
        return Picture(self.names[index], read_image(self.paths[index], self.white))

    def __iter__(self) -> Iterator[Picture]:
        """Decode all in order, reading ahead; an unreadable one raises at its place."""
        for attempt in self.attempts():
            if isinstance(attempt, ImageError):
                raise attempt
            yield attempt

    def attempts(self) -> Iterator[Picture | ImageError]:
        """Decode all in order, reading ahead; an unreadable one is yielded as its error.

        Nothing is raised for a picture, so the caller can report it and go on:
        `for name, attempt in zip(folder.names, folder.attempts()): …`.

        Cost: at most `WORKERS` + 1 decoded pictures are held at a time.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            waiting: deque[Future[Picture | ImageError]] = deque()
            for index in range(len(self)):
                waiting.append(pool.submit(_attempt, self.__getitem__, index))
                if len(waiting) > WORKERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def shapes(self) -> Sequence[tuple[int, int]]:
        """Return (H, W) of each, upright, without decoding: from the check, or from the headers."""
        return self.known_shapes or tuple(map(read_shape, self.paths))


def read_images(
    paths: PathLike | Sequence[PathLike],
    white: int | None = None,
    skip_unreadable: bool = False,
    notify: Notify = silent,
) -> Folder:
    """Find pictures and make sure that every one can be decoded.

    Args:
        paths: files, folders and patterns, see `find_pictures`.
        white: see `Folder`; None takes the smallest of 1023, 4095, 16383, 65535 that holds the
            largest sample of all, and none for 8 bits. Fixed at fit, kept for later pictures.
        skip_unreadable: leave unreadable pictures out and list them in `skipped`.
        notify: told ("check", pictures decoded, pictures).

    Raises:
        ImageError: nothing is found, or pictures are unreadable: the first 10 and their number.

    Cost: each picture is decoded once here and again when it is used.
    """
    found = find_pictures(paths)
    with ThreadPoolExecutor(WORKERS) as pool:
        measured = []
        for value in pool.map(partial(_attempt, measure), [path for _, path in found]):
            measured.append(value)
            notify("check", len(measured), len(found))
    errors = [str(error) for error in measured if isinstance(error, ImageError)]
    good = [(*pair, m) for pair, m in zip(found, measured, strict=True) if isinstance(m, tuple)]
    if errors and not (skip_unreadable and good):
        raise _unreadable(errors, len(found))
    names, files, values = zip(*good, strict=True)
    shapes = tuple(shape for shape, _ in values)
    deep = sum(peak > 0 for _, peak in values)
    if white is None and 0 < deep < len(values):
        was = f"{deep} of {len(values)} have more; make them alike"
        raise ImageError(f"pictures must all have 8 bits, or all more; {was}")
    level = _level(max(peak for _, peak in values)) if white is None else white
    return Folder(names, files, level, tuple(errors), shapes)


def open_images(paths: PathLike | Sequence[PathLike], white: int | None = None) -> Folder:
    """Find pictures without opening one: a broken one is an `ImageError` when it is asked for.

    Args:
        paths: files, folders and patterns, see `find_pictures`.
        white: what was fixed at fit; None refuses pictures of more than 8 bits.
    """
    names, files = zip(*find_pictures(paths), strict=True)
    return Folder(names, files, white)


def _attempt(read: Callable[[Given], Result], given: Given) -> Result | ImageError:
    try:
        return read(given)
    except ImageError as error:
        return error


def _level(peak: int) -> int | None:
    return next(white for white in WHITES if white >= peak) if peak else None


def _unreadable(errors: Sequence[str], count: int) -> ImageError:
    listed = "".join(f"\n  {error}" for error in errors[:10]) + (
        "\n  …" if len(errors) > 10 else ""
    )
    return ImageError(
        f"every picture must be readable; {len(errors)} of {count} are not:{listed}\n"
        "repair or remove them, or leave them out with --skip-unreadable"
    )


def find_pictures(paths: PathLike | Sequence[PathLike]) -> list[tuple[str, Path]]:
    """List the pictures that files, folders and patterns (`*`, `?`, `[…]`, `**`) stand for.

    Folders are read with all below them, sorted; hidden files are left out there. A file reached
    twice, by a link or a second path, counts once, so loops of links end.

    Returns:
        (name, path): the path below the given folder, or the file's name, longer where not unique.

    Raises:
        ImageError: nothing is there, no picture is in it, or a file given has another ending.
    """
    given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
    if not given:
        raise ImageError("pictures must be given; there were none; name a file or a folder")
    counts: dict[Path, int] = {}  # path: how many of its last parts make the name
    seen: set[str] = set()
    for path in map(Path, given):
        for found, count in _expand(path):
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                counts[found] = count
    while True:
        names = {path: "/".join(path.absolute().parts[-k:]) for path, k in counts.items()}
        times = Counter(names.values())
        if len(times) == len(names):
            return [(name, path) for path, name in names.items()]
        for path, name in names.items():
            counts[path] += times[name] > 1


def _expand(path: Path) -> list[tuple[Path, int]]:
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
