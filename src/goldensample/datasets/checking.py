"""Check a data set: report all problems without refusing it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from goldensample.datasets.finding import is_table
from goldensample.datasets.items import Dataset, Item, join_names, unmarked_text
from goldensample.datasets.labels import GOOD, NO_LABEL
from goldensample.errors import ImageError
from goldensample.images.codec import read_facts
from goldensample.images.folder import WORKERS
from goldensample.images.grey_range import choose_grey_range
from goldensample.images.intake import FEW_LEVELS, MASK_LEVELS, PictureFacts, find_masks
from goldensample.images.listing import is_picture
from goldensample.masks.reading import read_marked
from goldensample.records import Array, Notify, silent

Size = tuple[int, int]
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a note that the user of a data set should know.

    Args:
        kind: one of "layout", "empty_split", "no_label", "unreadable", "mask_missing",
            "mask_size", "mask_empty", "mask_full", "good_and_defect", "train_and_test",
            "twice_in_train", "single_value", and the notes "listing" (what was left out, or how
            the files were read), "left_out" (files without the ending of a picture),
            "twice_in_test", "size", "masks_beside", "few_levels", "no_masks".
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
    """The result of decoding a picture; without facts where that failed."""

    name: str
    in_train: bool
    kind: str
    facts: PictureFacts | None
    findings: tuple[Finding, ...]


def check(data: Dataset, notify: Notify = silent) -> list[Finding]:
    """Decode every picture and mask of a data set and return all findings.

    Pictures are measured as a fit does, see `images.intake`: copies in other file formats count.

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
    findings += [*_duplicates(decoded), *_sizes(decoded), *_contents(decoded), *_left_out(data)]
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
    facts = None
    try:
        facts = read_facts(item.path)
    except ImageError as error:
        findings.append(Finding("unreadable", True, (name,), str(error)))
    if item.defect_type == NO_LABEL:
        text = f"{name} has no label: nothing tells whether it is good"
        findings.append(Finding("no_label", True, (name,), text))
    if item.defect and data.has_masks and not item.is_marked:
        text = f"{name} shows a defect and has no mask"
        findings.append(Finding("mask_missing", True, (name,), text))
    for mask in item.masks:
        findings += _check_mask(_name(data, mask), mask, name, facts.shape_hw if facts else None)
    for mark in item.marks:
        what = f"the mark {mark.label} of {name}"
        findings += _check_marked(what, mark.mask(), name, facts.shape_hw if facts else None)
    return _DecodedPicture(name, in_train, item.defect_type, facts, tuple(findings))


def _check_mask(name: str, path: Path, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    try:
        mask = read_marked(path)
    except ImageError as error:
        yield Finding("unreadable", True, (name,), str(error))
        return
    yield from _check_marked(name, mask, picture, size_hw)


def _check_marked(name: str, mask: Array, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    """Find what is wrong with what is marked in a picture, (H, W) bool."""
    if size_hw and mask.shape[:2] != size_hw:
        sizes = f"{_size_text((mask.shape[0], mask.shape[1]))}, {picture} is {_size_text(size_hw)}"
        yield Finding("mask_size", True, (name, picture), f"{name} is {sizes}")
    if text := unmarked_text(name, picture, mask):
        yield Finding("mask_full" if mask.any() else "mask_empty", True, (name, picture), text)


def _duplicates(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    groups: dict[str, list[_DecodedPicture]] = {}
    for picture in decoded:
        if picture.facts:
            groups.setdefault(picture.facts.digest, []).append(picture)
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
    known = [(picture.name, picture.facts.shape_hw) for picture in decoded if picture.facts]
    sizes = Counter(size for _, size in known)
    if len(sizes) < 2:
        return
    commonest, count = sizes.most_common(1)[0]
    others = tuple(name for name, size in known if size != commonest)
    text = (
        f"{len(others)} of {sizes.total()} pictures have another size than the commonest, "
        f"{_size_text(commonest)} ({count} pictures): {join_names(others, SHOWN)}"
    )
    yield Finding("size", False, others, text)


def _contents(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    """Find pictures that show nothing, or little, and masks among the pictures."""
    known = [(picture.name, picture.facts) for picture in decoded if picture.facts]
    masks, _ = find_masks([name for name, _ in known], lambda k: known[k][1].values <= MASK_LEVELS)
    found = tuple(known[k][0] for k in masks)
    if found:
        text = (
            f"{_join(found)} taken for pictures, though they look like masks of those beside them"
        )
        yield Finding("masks_beside", False, found, text)
    flat = tuple(name for name, facts in known if not facts.span and name not in found)
    if flat:
        text = f"{_join(flat)} of a single value all over, which shows no part"
        yield Finding("single_value", True, flat, text)
    ranges = [p.facts.range for p in decoded if p.in_train and p.facts and p.facts.range]
    try:
        grey_range = choose_grey_range(ranges) if ranges else None
    except ImageError as error:
        yield Finding("few_levels", True, (), str(error))
        return
    few = (name for name, facts in known if facts.span and facts.levels(grey_range) < FEW_LEVELS)
    if coarse := tuple(name for name in few if name not in found):
        text = f"{_join(coarse)} with fewer than {FEW_LEVELS} of 256 grey levels"
        yield Finding("few_levels", False, coarse, text)


def _left_out(data: Dataset) -> Iterator[Finding]:
    """Find files beside the pictures that have not the ending of one."""
    folders = {path.parent for path in (*data.train, *(item.path for item in data.test))}
    files = sorted(path for folder in folders for path in folder.iterdir() if path.is_file())
    others = [path for path in files if path.name[0] != "." and not is_picture(path.name)]
    names = tuple(_name(data, path) for path in others if not is_table(path))
    if names:
        text = f"{_join(names)} left out by the ending of the name"
        yield Finding("left_out", False, names, text)


def _join(names: tuple[str, ...]) -> str:
    """Return the number of files and the names of the first."""
    return f"{len(names):,} file{'s' * (len(names) != 1)} ({join_names(names, SHOWN)})"


def _name(data: Dataset, path: Path) -> str:
    """Return a file's path below the data set."""
    return path.relative_to(data.root).as_posix() if path.is_relative_to(data.root) else str(path)


def _size_text(size_hw: Size) -> str:
    """Return a size as text, width first."""
    return f"{size_hw[1]}x{size_hw[0]}"
