"""Lazily read sequences of image files, with prefetching and a check of every file."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from goldensample.errors import ImageError
from goldensample.images.codec import read_facts, read_image, read_shape
from goldensample.images.grey_range import GreyRange, check_levels, choose_grey_range
from goldensample.images.intake import Intake, PictureFacts, choose_distinct, find_masks, some
from goldensample.images.listing import PathLike, find_files
from goldensample.records import Notify, Picture, silent
from goldensample.runners import Runner, local_runner
from goldensample.storage.locations import Location, stamp

WORKERS, CHECK_BATCH = 4, 32
"""Pictures read concurrently, at most, and pictures per task of the check."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Folder:
    """Pictures on disk or at URLs, read lazily; implements `records.Pictures`.

    Args:
        names: of each in results.
        paths: the file of each, or its URL.
        grey_range: which samples become black and white in pictures of more than 8 bits, which
            all must then be; None refuses them.
        skipped: why pictures were left out, one message each.
        facts: of each if they are known from the check, else empty.
        intake: what was counted in and what was left out; None where nobody has counted.
        groups: of each, to be held out whole; empty for pictures one by one.
        grouped_by: what made the groups.
    """

    names: tuple[str, ...]
    paths: tuple[Location, ...]
    grey_range: GreyRange | None = None
    skipped: tuple[str, ...] = ()
    facts: tuple[PictureFacts, ...] = ()
    intake: Intake | None = None
    groups: tuple[str, ...] = ()
    grouped_by: str = ""

    def __post_init__(self) -> None:
        if len(self.names) != len(self.paths):
            counts = f"{len(self.names)} and {len(self.paths)}"
            raise ValueError(f"names and paths must be equally many; got {counts}")

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Picture:
        """Decode one picture.

        Raises:
            ImageError: it cannot be read, with its path and the reason.
            StoreError: the store of its URL does not answer.
        """
        return Picture(self.names[index], read_image(self.paths[index], self.grey_range))

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
        is_local = all(isinstance(path, Path) for path in self.paths)
        workers = min(WORKERS, max(2, os.cpu_count() or 1)) if is_local else WORKERS
        with ThreadPoolExecutor(workers) as pool:
            pending: deque[Future[Picture | ImageError]] = deque()
            for index in range(len(self)):
                pending.append(pool.submit(_attempt, self.__getitem__, index))
                if len(pending) > workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()

    def shapes(self) -> Sequence[tuple[int, int]]:
        """Return (H, W) of each, upright, without decoding: from the check, or from the headers."""
        return tuple(fact.shape_hw for fact in self.facts) or tuple(map(read_shape, self.paths))

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest of each, see `PictureFacts`; empty if they are not known."""
        return tuple(fact.digest for fact in self.facts)

    def distinct(self) -> "Folder":
        """Return the pictures to learn from: no copies, and no masks that lie beside a picture.

        Equal pictures, by their pixels, count once, so they are never on both sides of a hold-out.
        """
        facts = self.facts or tuple(map(read_facts, self.paths))
        chosen, found = choose_distinct(self.names, facts, self.grey_range)
        if self.intake:
            found = replace(found, left_out=self.intake.left_out, unreadable=self.intake.unreadable)
        groups = [self.groups[k] for k in chosen] if self.groups else ()
        return replace(self, facts=facts, intake=found).select(chosen, groups, self.grouped_by)

    def select(self, chosen: Sequence[int], groups: Sequence[str], by: str) -> Self:
        """Return some of the pictures, in groups; their facts must be known."""
        return replace(
            self,
            names=tuple(self.names[k] for k in chosen),
            paths=tuple(self.paths[k] for k in chosen),
            facts=tuple(self.facts[k] for k in chosen),
            groups=tuple(groups),
            grouped_by=by,
        )

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
        facts = self.facts[chosen]
        return Folder(self.names[chosen], self.paths[chosen], self.grey_range, facts=facts)


def read_images(
    paths: PathLike | Sequence[PathLike],
    grey_range: GreyRange | None = None,
    skip_unreadable: bool = False,
    notify: Notify = silent,
    runner: Runner = local_runner,
) -> Folder:
    """Find pictures and check that each can be decoded.

    Args:
        paths: files, folders, patterns and URLs of them, see `listing.find_pictures`.
        grey_range: see `Folder`; None chooses it from the pictures, see `choose_grey_range`, and
            none for 8 bits. Fixed at fit, for later pictures too.
        skip_unreadable: leave unreadable pictures out and list them in `skipped`.
        notify: called with ("check", pictures decoded, pictures).
        runner: where they are decoded.

    Raises:
        ImageError: no picture is found, or some are unreadable: the first 10 and their number; or
            deep pictures use too few grey values.
        StoreError: the store of a URL does not answer.

    Returns:
        All of them, equal ones too; `Folder.distinct` leaves out what should not be learned.

    Cost: each picture is decoded once here and again when it is used.
    """
    listing = find_files(paths)
    listed = listing.pictures
    files = [path for _, path in listed]
    batches = [files[start : start + CHECK_BATCH] for start in range(0, len(files), CHECK_BATCH)]
    checks: list[PictureFacts | ImageError] = []
    for results in runner.run(_check, None, batches):
        checks += results
        notify("check", len(checks), len(listed))
    errors = [str(error) for error in checks if isinstance(error, ImageError)]
    pairs = zip(listed, checks, strict=True)
    readable = [(*entry, check) for entry, check in pairs if isinstance(check, PictureFacts)]
    if errors and not (skip_unreadable and readable):
        raise _unreadable(errors, len(listed))
    names, locations, values = zip(*readable, strict=True)
    ranges = [fact.range for fact in values if fact.range]
    if 0 < len(ranges) < len(values):
        counts = f"{len(ranges)} of {len(values)} have more; make them alike"
        raise ImageError(f"pictures must all have 8 bits, or all more; {counts}")
    levels = _levels(ranges, grey_range)
    pairs = zip(listed, checks, strict=True)
    unreadable = some(name for (name, _), check in pairs if isinstance(check, ImageError))
    intake = Intake(len(names), some(listing.left_out), unreadable)
    return Folder(names, locations, levels, tuple(errors), tuple(values), intake)


def _levels(
    ranges: Sequence[tuple[float, float]], grey_range: GreyRange | None
) -> GreyRange | None:
    """Return black and white of deep pictures: as asked for, or chosen; None for 8 bits."""
    if not ranges and grey_range is not None:
        raise ImageError(
            f"a grey range ({grey_range}) is for pictures of more than 8 bits; these have 8; leave "
            "it out, or give pictures as deep as those fitted on"
        )
    if grey_range is not None:
        check_levels(ranges, grey_range)
        return grey_range
    return choose_grey_range(ranges) if ranges else None


def _check(shared: None, batch: list[Location]) -> list[PictureFacts | ImageError]:
    """Decode a batch of pictures: the task of `read_images`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(partial(_attempt, read_facts), batch))


def open_images(
    paths: PathLike | Sequence[PathLike], grey_range: GreyRange | None = None
) -> Folder:
    """Find pictures without opening any: an unreadable one raises when it is decoded.

    Args:
        paths: files, folders, patterns and URLs of them, see `listing.find_pictures`.
        grey_range: as fixed at fit; None refuses pictures of more than 8 bits, and else those of 8.
    """
    listing = find_files(paths)
    names, files = zip(*listing.pictures, strict=True)
    masks, doubles = (some(names[k] for k in found) for found in find_masks(names))
    intake = Intake(len(names), some(listing.left_out), masks=masks, same_stem=doubles)
    return Folder(names, files, grey_range, intake=intake)


def _attempt(read: Callable[[Item], Result], item: Item) -> Result | ImageError:
    try:
        return read(item)
    except ImageError as error:
        return error


def _unreadable(errors: Sequence[str], count: int) -> ImageError:
    message = "".join(f"\n  {error}" for error in errors[:10]) + (
        "\n  …" if len(errors) > 10 else ""
    )
    return ImageError(
        f"every picture must be readable; {len(errors)} of {count} are not:{message}\n"
        "repair or remove them, or leave them out with --skip-unreadable"
    )
