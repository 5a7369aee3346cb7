"""Check a data set: report all problems without refusing it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goldensample.datasets.items import Dataset, Item, join_names, unmarked_text
from goldensample.datasets.labels import GOOD, NO_LABEL
from goldensample.errors import ImageError
from goldensample.images.codec import read_samples
from goldensample.images.folder import WORKERS
from goldensample.masks.reading import read_marked
from goldensample.records import Notify, silent

Size = tuple[int, int]
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a note that the user of a data set should know.

    Args:
        kind: one of "layout", "empty_split", "no_label", "unreadable", "mask_missing",
            "mask_size", "mask_empty", "mask_full", "good_and_defect", "train_and_test",
            "twice_in_train", and the notes "listing" (what was left out, or how the files were
            read), "twice_in_test", "size", "no_masks".
        problem: True where metrics on the data set would be wrong or impossible; False for a note.
        files: the pictures or masks concerned, as paths below the data set.
        text: a sentence that names the first of them.
    """

    kind: str
    problem: bool
    files: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class _DecodedPicture:
    """The result of decoding a picture; without size and digest where that failed."""

    name: str
    in_train: bool
    kind: str
    size_hw: Size | None
    digest: bytes
    findings: tuple[Finding, ...]


def check(data: Dataset, notify: Notify = silent) -> list[Finding]:
    """Decode every picture and mask of a data set and return all findings.

    Duplicates are found by the SHA-256 of the decoded pixels, so that copies in other file formats
    count; pictures of 16 bits by all of them.

    Args:
        data: from a layout's `read`; what `read_category` refuses is a finding here.
        notify: called with ("check", pictures decoded, pictures).

    Returns:
        Problems first, then notes.
    """
    pictures = [(Item(str(path), path, GOOD, False), True) for path in data.train]
    pictures += [(item, False) for item in data.test]
    decoded: list[_DecodedPicture] = []
    with ThreadPoolExecutor(WORKERS) as pool:
        for picture in pool.map(lambda arguments: _decode(data, *arguments), pictures):
            decoded.append(picture)
            notify("check", len(decoded), len(pictures))
    findings = [Finding("listing", False, (), note) for note in data.notes]
    findings += [*_empty_splits(data), *(f for picture in decoded for f in picture.findings)]
    findings += [*_duplicates(decoded), *_sizes(decoded)]
    return sorted(findings, key=lambda finding: not finding.problem)


def _empty_splits(data: Dataset) -> Iterator[Finding]:
    present = {
        "good pictures to learn from": bool(data.train),
        "good test pictures": any(item.defect_type == GOOD for item in data.test),
        "defect test pictures": any(item.defect for item in data.test),
    }
    for pictures, exist in present.items():
        if not exist:
            yield Finding("empty_split", True, (), f"there are no {pictures}")
    if not data.has_masks and present["defect test pictures"]:
        text = "there are no masks: figures on pixels cannot be had"
        yield Finding("no_masks", False, (), text)


def _decode(data: Dataset, item: Item, in_train: bool) -> _DecodedPicture:
    """Decode a picture and its masks."""
    name, findings = _name(data, item.path), list[Finding]()
    size_hw, digest = None, b""
    try:
        pixels = read_samples(item.path)
        size_hw = (pixels.shape[0], pixels.shape[1])
        digest = sha256(repr(size_hw).encode() + pixels.tobytes()).digest()
    except ImageError as error:
        findings.append(Finding("unreadable", True, (name,), str(error)))
    if item.defect_type == NO_LABEL:
        text = f"{name} has no label: nothing tells whether it is good"
        findings.append(Finding("no_label", True, (name,), text))
    if item.defect and data.has_masks and not item.masks:
        text = f"{name} shows a defect and has no mask"
        findings.append(Finding("mask_missing", True, (name,), text))
    for mask in item.masks:
        findings += _check_mask(_name(data, mask), mask, name, size_hw)
    return _DecodedPicture(name, in_train, item.defect_type, size_hw, digest, tuple(findings))


def _check_mask(name: str, path: Path, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    try:
        mask = read_marked(path)
    except ImageError as error:
        yield Finding("unreadable", True, (name,), str(error))
        return
    if size_hw and mask.shape[:2] != size_hw:
        sizes = f"{_size_text((mask.shape[0], mask.shape[1]))}, {picture} is {_size_text(size_hw)}"
        yield Finding("mask_size", True, (name, picture), f"{name} is {sizes}")
    if text := unmarked_text(name, picture, mask):
        yield Finding("mask_full" if mask.any() else "mask_empty", True, (name, picture), text)


def _duplicates(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    groups: dict[bytes, list[_DecodedPicture]] = {}
    for picture in decoded:
        if picture.digest:
            groups.setdefault(picture.digest, []).append(picture)
    for group in groups.values():
        if len(group) < 2:
            continue
        labels = {picture.kind == GOOD for picture in group if picture.kind != NO_LABEL}
        in_train = {picture.in_train for picture in group}
        if len(labels) == 2:
            kind, where = "good_and_defect", "once good and once a defect"
        elif len(in_train) == 2:
            kind, where = "train_and_test", "learnt from and tested"
        else:
            kind = "twice_in_train" if in_train == {True} else "twice_in_test"
            where = "tested twice"
            if in_train == {True}:
                where = "more than once among those learnt from"
        names = tuple(picture.name for picture in group)
        text = f"the same picture is {where}: {join_names(names, SHOWN)}"
        yield Finding(kind, kind != "twice_in_test", names, text)


def _sizes(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    sizes = Counter(picture.size_hw for picture in decoded if picture.size_hw)
    if len(sizes) < 2:
        return
    commonest, count = sizes.most_common(1)[0]
    others = tuple(p.name for p in decoded if p.size_hw and p.size_hw != commonest)
    text = (
        f"{len(others)} of {sizes.total()} pictures have another size than the commonest, "
        f"{_size_text(commonest or (0, 0))} ({count} pictures): {join_names(others, SHOWN)}"
    )
    yield Finding("size", False, others, text)


def _name(data: Dataset, path: Path) -> str:
    """Return a file's path below the data set."""
    return path.relative_to(data.root).as_posix() if path.is_relative_to(data.root) else str(path)


def _size_text(size_hw: Size) -> str:
    """Return a size as text, width first."""
    return f"{size_hw[1]}x{size_hw[0]}"
