"""Lazily read sequences of image files, with prefetching and a check of every file."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from goldensample.errors import ImageError
from goldensample.images.codec import read_image, read_shape, read_shape_and_peak
from goldensample.images.listing import PathLike, find_pictures
from goldensample.records import Notify, Picture, silent
from goldensample.runners import Runner, local_runner
from goldensample.storage.locations import Location, stamp

WHITES = (1023, 4095, 16383, 65535)
WORKERS, CHECK_BATCH = 4, 32
"""Pictures read concurrently, and pictures per task of the check."""
ShapeAndPeak = tuple[tuple[int, int], int]
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Folder:
    """Pictures on disk or at URLs, read lazily; implements `records.Pictures`.

    Args:
        names: of each in results.
        paths: the file of each, or its URL.
        white: the sample value that becomes 255 in pictures of more than 8 bits; None refuses them.
        skipped: why pictures were left out, one message each.
        cached_shapes: (H, W) of each if they are known from the check, else empty.
    """

    names: tuple[str, ...]
    paths: tuple[Location, ...]
    white: int | None = None
    skipped: tuple[str, ...] = ()
    cached_shapes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if len(self.names) != len(self.paths):
            counts = f"{len(self.names)} and {len(self.paths)}"
            raise ValueError(f"names and paths must be equally many; got {counts}")
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
        """Decode all in order, with prefetching; an unreadable one raises at its position."""
        for attempt in self.attempts():
            if isinstance(attempt, ImageError):
                raise attempt
            yield attempt

    def attempts(self) -> Iterator[Picture | ImageError]:
        """Decode all in order, with prefetching; an unreadable one is yielded as its error.

        Nothing is raised for a picture, so the caller can report it and continue:
        `for name, attempt in zip(folder.names, folder.attempts()): …`.

        Raises:
            StoreError: the store of a URL does not answer, so the picture may be readable.

        Cost: at most `WORKERS` + 1 decoded pictures in memory at a time.
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            pending: deque[Future[Picture | ImageError]] = deque()
            for index in range(len(self)):
                pending.append(pool.submit(_attempt, self.__getitem__, index))
                if len(pending) > WORKERS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def shapes(self) -> Sequence[tuple[int, int]]:
        """Return (H, W) of each, upright, without decoding: from the check, or from the headers."""
        return self.cached_shapes or tuple(map(read_shape, self.paths))

    def stamps(self) -> list[tuple[str, int, int | str]]:
        """Return (name, bytes, time or tag) of each, which change when the file does.

        The third is the modification time of a file on disk in ns; of a URL, the store's entity
        tag, checksum or time. A file that is gone has 0 bytes and "".
        """
        with ThreadPoolExecutor(WORKERS) as pool:
            stamps = pool.map(stamp, self.paths)
            return [(name, *values) for name, values in zip(self.names, stamps, strict=True)]

    def part(self, start: int, count: int) -> "Folder":
        """Return `count` of the pictures from `start` on."""
        chosen = slice(start, start + count)
        return Folder(
            self.names[chosen],
            self.paths[chosen],
            self.white,
            cached_shapes=self.cached_shapes[chosen],
        )


def read_images(
    paths: PathLike | Sequence[PathLike],
    white: int | None = None,
    skip_unreadable: bool = False,
    notify: Notify = silent,
    runner: Runner = local_runner,
) -> Folder:
    """Find pictures and check that each can be decoded.

    Args:
        paths: files, folders, patterns and URLs of them, see `listing.find_pictures`.
        white: see `Folder`; None takes the smallest of 1023, 4095, 16383, 65535 that holds the
            largest sample of all, and none for 8 bits. Fixed at fit, for later pictures too.
        skip_unreadable: leave unreadable pictures out and list them in `skipped`.
        notify: called with ("check", pictures decoded, pictures).
        runner: where they are decoded.

    Raises:
        ImageError: no picture is found, or some are unreadable: the first 10 and their number.
        StoreError: the store of a URL does not answer.

    Cost: each picture is decoded once here and again when it is used.
    """
    listed = find_pictures(paths)
    files = [path for _, path in listed]
    batches = [files[start : start + CHECK_BATCH] for start in range(0, len(files), CHECK_BATCH)]
    checks: list[ShapeAndPeak | ImageError] = []
    for results in runner.run(_check, None, batches):
        checks += results
        notify("check", len(checks), len(listed))
    errors = [str(error) for error in checks if isinstance(error, ImageError)]
    pairs = zip(listed, checks, strict=True)
    readable = [(*entry, check) for entry, check in pairs if isinstance(check, tuple)]
    if errors and not (skip_unreadable and readable):
        raise _unreadable(errors, len(listed))
    names, locations, values = zip(*readable, strict=True)
    shapes = tuple(shape for shape, _ in values)
    deep = sum(peak > 0 for _, peak in values)
    if white is None and 0 < deep < len(values):
        counts = f"{deep} of {len(values)} have more; make them alike"
        raise ImageError(f"pictures must all have 8 bits, or all more; {counts}")
    level = _white_level(max(peak for _, peak in values)) if white is None else white
    return Folder(names, locations, level, tuple(errors), shapes)


def _check(shared: None, batch: list[Location]) -> list[ShapeAndPeak | ImageError]:
    """Decode a batch of pictures: the task of `read_images`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(partial(_attempt, read_shape_and_peak), batch))


def open_images(paths: PathLike | Sequence[PathLike], white: int | None = None) -> Folder:
    """Find pictures without opening any: an unreadable one raises when it is decoded.

    Args:
        paths: files, folders, patterns and URLs of them, see `listing.find_pictures`.
        white: as fixed at fit; None refuses pictures of more than 8 bits.
    """
    names, files = zip(*find_pictures(paths), strict=True)
    return Folder(names, files, white)


def _attempt(read: Callable[[Item], Result], item: Item) -> Result | ImageError:
    try:
        return read(item)
    except ImageError as error:
        return error


def _white_level(peak: int) -> int | None:
    return next(white for white in WHITES if white >= peak) if peak else None


def _unreadable(errors: Sequence[str], count: int) -> ImageError:
    message = "".join(f"\n  {error}" for error in errors[:10]) + (
        "\n  …" if len(errors) > 10 else ""
    )
    return ImageError(
        f"every picture must be readable; {len(errors)} of {count} are not:{message}\n"
        "repair or remove them, or leave them out with --skip-unreadable"
    )
