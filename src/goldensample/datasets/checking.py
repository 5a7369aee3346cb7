"""What is wrong with a data set, told without refusing it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.datasets.items import GOOD, NO_LABEL, Dataset, Item
from goldensample.errors import ImageError
from goldensample.images.codec import read_image
from goldensample.images.folder import WORKERS
from goldensample.records import Notify, silent

Size = tuple[int, int]
SHOWN = 5
_DEEP = 65535


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a data set that its user should know.

    Args:
        kind: one of "layout", "empty_split", "no_label", "unreadable", "mask_missing",
            "mask_size", "mask_empty", "good_and_defect", "train_and_test", "twice_in_train", and
            the notes "twice_in_test", "size", "no_masks".
        problem: True where figures measured on the data set would be wrong, or cannot be had;
            False for a note.
        files: the pictures or masks meant, as paths below the data set.
        text: a sentence that names the first of them.
    """

    kind: str
    problem: bool
    files: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _Seen:
    """A picture after it was decoded; no size and no digest where that failed."""

    name: str
    learnt: bool
    kind: str
    size_hw: Size | None
    digest: bytes
    findings: tuple[Finding, ...]


def check(data: Dataset, notify: Notify = silent) -> list[Finding]:
    """Decode every picture and mask of a data set and return what is wrong with it.

    Duplicates are found by the SHA-256 of the decoded pixels, so that copies in other file formats
    count; pictures of 16 bits are compared by the upper 8.

    Args:
        data: what a layout's `read` returned; what `read_category` refuses is found here.
        notify: told ("check", pictures decoded, pictures).

    Returns:
        Problems first, then notes.
    """
    pictures = [(Item(str(path), path, GOOD, False), True) for path in data.train]
    pictures += [(item, False) for item in data.test]
    seen: list[_Seen] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for one in pool.map(lambda given: _look(data, *given), pictures):
            seen.append(one)
            notify("check", len(seen), len(pictures))
    found = [*_empty(data), *(finding for one in seen for finding in one.findings)]
    found += [*_duplicates(seen), *_sizes(seen)]
    return sorted(found, key=lambda finding: not finding.problem)


def _empty(data: Dataset) -> Iterator[Finding]:
    held = {
        "good pictures to learn from": bool(data.train),
        "good test pictures": any(item.defect_type == GOOD for item in data.test),
        "defect test pictures": any(item.defect for item in data.test),
    }
    for what, there in held.items():
        if not there:
            yield Finding("empty_split", True, (), f"there are no {what}")
    if not data.has_masks and held["defect test pictures"]:
        text = "there are no masks: figures on pixels cannot be had"
        yield Finding("no_masks", False, (), text)


def _look(data: Dataset, item: Item, learnt: bool) -> _Seen:
    """Decode a picture and its masks."""
    name, found = _name(data, item.path), []
    size_hw, digest = None, b""
    try:
        pixels = read_image(item.path, _DEEP)
        size_hw = (pixels.shape[0], pixels.shape[1])
        digest = sha256(repr(size_hw).encode() + pixels.tobytes()).digest()
    except ImageError as error:
        found.append(Finding("unreadable", True, (name,), str(error)))
    if item.defect_type == NO_LABEL:
        text = f"{name} has no label: nothing tells whether it is good"
        found.append(Finding("no_label", True, (name,), text))
    if item.defect and data.has_masks and not item.masks:
        text = f"{name} shows a defect and has no mask"
        found.append(Finding("mask_missing", True, (name,), text))
    for mask in item.masks:
        found += _look_at_mask(_name(data, mask), mask, name, size_hw)
    return _Seen(name, learnt, item.defect_type, size_hw, digest, tuple(found))


def _look_at_mask(name: str, path: Path, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    try:
        mask = read_image(path, white=1)
    except ImageError as error:
        yield Finding("unreadable", True, (name,), str(error))
        return
    if size_hw and mask.shape[:2] != size_hw:
        sizes = f"{_words((mask.shape[0], mask.shape[1]))}, {picture} is {_words(size_hw)}"
        yield Finding("mask_size", True, (name, picture), f"{name} is {sizes}")
    if not mask.any():
        text = f"{name} marks nothing, though {picture} is said to show a defect"
        yield Finding("mask_empty", True, (name, picture), text)


def _duplicates(seen: list[_Seen]) -> Iterator[Finding]:
    groups: dict[bytes, list[_Seen]] = {}
    for one in seen:
        if one.digest:
            groups.setdefault(one.digest, []).append(one)
    for group in groups.values():
        if len(group) < 2:
            continue
        good = {one.kind == GOOD for one in group if one.kind != NO_LABEL}
        learnt = {one.learnt for one in group}
        if len(good) == 2:
            kind, where = "good_and_defect", "once good and once a defect"
        elif len(learnt) == 2:
            kind, where = "train_and_test", "learnt from and tested"
        else:
            kind = "twice_in_train" if learnt == {True} else "twice_in_test"
            where = "more than once among those learnt from" if learnt == {True} else "tested twice"
        names = tuple(one.name for one in group)
        text = f"the same picture is {where}: {_listed(names)}"
        yield Finding(kind, kind != "twice_in_test", names, text)


def _sizes(seen: list[_Seen]) -> Iterator[Finding]:
    sizes = Counter(one.size_hw for one in seen if one.size_hw)
    if len(sizes) < 2:
        return
    usual, times = sizes.most_common(1)[0]
    other = tuple(one.name for one in seen if one.size_hw and one.size_hw != usual)
    text = (
        f"{len(other)} of {sizes.total()} pictures have another size than the commonest, "
        f"{_words(usual or (0, 0))} ({times} pictures): {_listed(other)}"
    )
    yield Finding("size", False, other, text)


def _name(data: Dataset, path: Path) -> str:
    """Return a file's path below the data set."""
    return path.relative_to(data.root).as_posix() if path.is_relative_to(data.root) else str(path)


def _words(size_hw: Size) -> str:
    """Return a size as people say it, width first."""
    return f"{size_hw[1]}x{size_hw[0]}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
