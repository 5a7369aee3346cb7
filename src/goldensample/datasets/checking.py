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
from goldensample.locales.language import counted, gettext, language, mark, speaking
from goldensample.locales.unmarked import translated
from goldensample.masks.reading import read_marked
from goldensample.records import Array, Notify, silent

Size = tuple[int, int]
SHOWN = 5
TWICE = {
    "good_and_defect": mark("the same picture is once good and once a defect: %(names)s"),
    "train_and_test": mark("the same picture is learnt from and tested: %(names)s"),
    "twice_in_train": mark("the same picture is more than once among those learnt from: %(names)s"),
    "twice_in_test": mark("the same picture is tested twice: %(names)s"),
}
"""What is said of copies, by the kind of finding."""


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
    spoken = language()

    def decode(picture: tuple[Item, bool]) -> _DecodedPicture:
        with speaking(spoken):  # a thread does not know
            return _decode(data, *picture)

    with ThreadPoolExecutor(WORKERS) as pool:
        for picture in pool.map(decode, pictures):
            decoded.append(picture)
            notify("check", len(decoded), len(pictures))
    findings = [Finding("listing", False, (), note) for note in data.notes]
    findings += [*_empty_splits(data), *(f for picture in decoded for f in picture.findings)]
    findings += [*_duplicates(decoded), *_sizes(decoded), *_contents(decoded), *_left_out(data)]
    return sorted(findings, key=lambda finding: not finding.problem)


def _empty_splits(data: Dataset) -> Iterator[Finding]:
    shown = {item.defect for item in data.test if item.defect or item.defect_type == GOOD}
    texts = {
        gettext("there are no good pictures to learn from"): bool(data.train),
        gettext("there are no good test pictures"): False in shown,
        gettext("there are no defect test pictures"): True in shown,
    }
    for text, exist in texts.items():
        if not exist:
            yield Finding("empty_split", True, (), text)
    if not data.has_masks and True in shown:
        text = gettext("there are no masks: figures on pixels cannot be had")
        yield Finding("no_masks", False, (), text)


def _decode(data: Dataset, item: Item, in_train: bool) -> _DecodedPicture:
    """Decode a picture and its masks."""
    name, findings = _name(data, item.path), list[Finding]()
    facts = None
    try:
        facts = read_facts(item.path)
    except ImageError as error:
        findings.append(Finding("unreadable", True, (name,), translated(str(error))))
    if item.defect_type == NO_LABEL:
        text = gettext("%(picture)s has no label: nothing tells whether it is good")
        findings.append(Finding("no_label", True, (name,), text % {"picture": name}))
    if item.defect and data.has_masks and not item.is_marked:
        text = gettext("%(picture)s shows a defect and has no mask")
        findings.append(Finding("mask_missing", True, (name,), text % {"picture": name}))
    for mask in item.masks:
        findings += _check_mask(_name(data, mask), mask, name, facts.shape_hw if facts else None)
    for drawn in item.marks:
        what = gettext("the mark %(label)s of %(picture)s")
        what %= {"label": drawn.label, "picture": name}
        findings += _check_marked(what, drawn.mask(), name, facts.shape_hw if facts else None)
    return _DecodedPicture(name, in_train, item.defect_type, facts, tuple(findings))


def _check_mask(name: str, path: Path, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    try:
        mask = read_marked(path)
    except ImageError as error:
        yield Finding("unreadable", True, (name,), translated(str(error)))
        return
    yield from _check_marked(name, mask, picture, size_hw)


def _check_marked(name: str, mask: Array, picture: str, size_hw: Size | None) -> Iterator[Finding]:
    """Find what is wrong with what is marked in a picture, (H, W) bool."""
    if size_hw and mask.shape[:2] != size_hw:
        text = gettext("%(mask)s is %(size)s, %(picture)s is %(other)s") % {
            "mask": name,
            "size": _size_text((mask.shape[0], mask.shape[1])),
            "picture": picture,
            "other": _size_text(size_hw),
        }
        yield Finding("mask_size", True, (name, picture), text)
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
            kind = "good_and_defect"
        elif len(in_train) == 2:
            kind = "train_and_test"
        else:
            kind = "twice_in_train" if in_train == {True} else "twice_in_test"
        names = tuple(picture.name for picture in group)
        text = gettext(TWICE[kind]) % {"names": join_names(names, SHOWN)}
        yield Finding(kind, kind != "twice_in_test", names, text)


def _sizes(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    known = [(picture.name, picture.facts.shape_hw) for picture in decoded if picture.facts]
    sizes = Counter(size for _, size in known)
    if len(sizes) < 2:
        return
    commonest, count = sizes.most_common(1)[0]
    others = tuple(name for name, size in known if size != commonest)
    text = gettext(
        "%(others)s of %(total)s pictures have another size than the commonest, %(size)s "
        "(%(pictures)s): %(names)s"
    ) % {
        "others": len(others),
        "total": sizes.total(),
        "size": _size_text(commonest),
        "pictures": counted("%(num)s picture", "%(num)s pictures", count),
        "names": join_names(others, SHOWN),
    }
    yield Finding("size", False, others, text)


def _contents(decoded: list[_DecodedPicture]) -> Iterator[Finding]:
    """Find pictures that show nothing, or little, and masks among the pictures."""
    known = [(picture.name, picture.facts) for picture in decoded if picture.facts]
    masks, _ = find_masks([name for name, _ in known], lambda k: known[k][1].values <= MASK_LEVELS)
    found = tuple(known[k][0] for k in masks)
    if found:
        text = gettext(
            "%(files)s taken for pictures, though they look like masks of those beside them"
        )
        yield Finding("masks_beside", False, found, text % {"files": _join(found)})
    flat = tuple(name for name, facts in known if not facts.span and name not in found)
    if flat:
        text = gettext("%(files)s of a single value all over, which shows no part")
        yield Finding("single_value", True, flat, text % {"files": _join(flat)})
    ranges = [p.facts.range for p in decoded if p.in_train and p.facts and p.facts.range]
    try:
        grey_range = choose_grey_range(ranges) if ranges else None
    except ImageError as error:
        yield Finding("few_levels", True, (), translated(str(error)))
        return
    few = (name for name, facts in known if facts.span and facts.levels(grey_range) < FEW_LEVELS)
    if coarse := tuple(name for name in few if name not in found):
        text = gettext("%(files)s with fewer than %(levels)s of 256 grey levels")
        text %= {"files": _join(coarse), "levels": FEW_LEVELS}
        yield Finding("few_levels", False, coarse, text)


def _left_out(data: Dataset) -> Iterator[Finding]:
    """Find files beside the pictures that have not the ending of one."""
    folders = {path.parent for path in (*data.train, *(item.path for item in data.test))}
    files = sorted(path for folder in folders for path in folder.iterdir() if path.is_file())
    others = [path for path in files if path.name[0] != "." and not is_picture(path.name)]
    names = tuple(_name(data, path) for path in others if not is_table(path))
    if names:
        text = gettext("%(files)s left out by the ending of the name")
        yield Finding("left_out", False, names, text % {"files": _join(names)})


def _join(names: tuple[str, ...]) -> str:
    """Return the number of files and the names of the first."""
    files = counted("%(num)s file", "%(num)s files", len(names))
    return f"{files} ({join_names(names, SHOWN)})"


def _name(data: Dataset, path: Path) -> str:
    """Return a file's path below the data set."""
    return path.relative_to(data.root).as_posix() if path.is_relative_to(data.root) else str(path)


def _size_text(size_hw: Size) -> str:
    """Return a size as text, width first."""
    return f"{size_hw[1]}x{size_hw[0]}"
