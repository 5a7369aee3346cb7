"""Pictures in folders, many at a time: check them, read them ahead of their use."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from goldensample.errors import ImageError
from goldensample.images.codec import measure, read_image, read_shape
from goldensample.images.listing import PathLike, find_pictures
from goldensample.records import Notify, Picture, silent
from goldensample.runners import Runner, here
from goldensample.storage.locations import Place, stamp

WHITES = (1023, 4095, 16383, 65535)
WORKERS, CHECKED = 4, 32
"""Pictures that are read at a time, and that a task checks."""
Measure = tuple[tuple[int, int], int]
Given = TypeVar("Given")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Folder:
    """Pictures on disk or at URLs, read when they are asked for; fulfils `records.Pictures`.

    Args:
        names: how each is called in results.
        paths: the file of each, or its URL.
        white: the sample value that becomes 255 in pictures of more than 8 bits; None refuses them.
        skipped: why pictures were left out, one message each.
        known_shapes: (H, W) of each where they were read already, else empty.
    """

    names: tuple[str, ...]
    paths: tuple[Place, ...]
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
        """Decode one picture.

        Raises:
            ImageError: it cannot be read, with its path and the reason.
            StoreError: the store of its URL does not answer.
        """
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

        Raises:
            StoreError: the store of a URL does not answer: that says nothing of the picture.

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

    def stamps(self) -> list[tuple[str, int, int | str]]:
        """Return (name, bytes, time or tag) of each, which change when the file does.

        The third is the time of a file on disk in ns, and what the store gives for a URL: a tag, a
        checksum or a time. A file that is gone has 0 bytes and "".
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            known = pool.map(stamp, self.paths)
            return [(name, *one) for name, one in zip(self.names, known, strict=True)]

    def part(self, start: int, count: int) -> "Folder":
        """Return some of the pictures, in order."""
        chosen = slice(start, start + count)
        return Folder(
            self.names[chosen],
            self.paths[chosen],
            self.white,
            known_shapes=self.known_shapes[chosen],
        )


def read_images(
    paths: PathLike | Sequence[PathLike],
    white: int | None = None,
    skip_unreadable: bool = False,
    notify: Notify = silent,
    runner: Runner = here,
) -> Folder:
    """Find pictures and make sure that every one can be decoded.

    Args:
        paths: files, folders, patterns and URLs of them, see `finding.find_pictures`.
        white: see `Folder`; None takes the smallest of 1023, 4095, 16383, 65535 that holds the
            largest sample of all, and none for 8 bits. Fixed at fit, kept for later pictures.
        skip_unreadable: leave unreadable pictures out and list them in `skipped`.
        notify: told ("check", pictures decoded, pictures).
        runner: where they are decoded.

    Raises:
        ImageError: nothing is found, or pictures are unreadable: the first 10 and their number.
        StoreError: the store of a URL does not answer.

    Cost: each picture is decoded once here and again when it is used.
    """
    found = find_pictures(paths)
    places = [path for _, path in found]
    parts = [places[start : start + CHECKED] for start in range(0, len(places), CHECKED)]
    measured: list[Measure | ImageError] = []
    for some in runner.run(_measured, None, parts):
        measured += some
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


def _measured(shared: None, places: list[Place]) -> list[Measure | ImageError]:
    """Decode some pictures: the task of `read_images`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(partial(_attempt, measure), places))


def open_images(paths: PathLike | Sequence[PathLike], white: int | None = None) -> Folder:
    """Find pictures without opening one: a broken one is an `ImageError` when it is asked for.

    Args:
        paths: files, folders, patterns and URLs of them, see `finding.find_pictures`.
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
