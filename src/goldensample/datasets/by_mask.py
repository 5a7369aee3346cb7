"""Layouts in which masks next to the pictures are the labels."""

import re
from pathlib import Path

from goldensample.datasets.by_folder import read_mvtec_ad
from goldensample.datasets.items import (
    Dataset,
    Item,
    copies_note,
    make_item,
    pictures_in,
)
from goldensample.datasets.labels import GOOD, NO_LABEL, stray_copies
from goldensample.errors import ImageError
from goldensample.masks.reading import read_marked

DEFECT = "defect"


def read_kolektorsdd(root: Path, category: str) -> Dataset:
    """List KolektorSDD: `kos01/Part0.jpg` with `kos01/Part0_label.bmp`, black on good pictures.

    The data set has no split with a training set of good pictures alone: each of its authors' three
    folds has defects for training. Here the good pictures of the first half of the folders, each of
    one item, are the training set; those of the other half, and all defects, are tested.

    Cost: every mask is decoded, for it is the label.
    """
    folders = sorted((path for path in root.glob("kos*") if path.is_dir()), key=_number)
    half = len(folders) // 2
    train_items, test_items = (
        [item for folder in part for item in _label_by_mask(root, folder, "_label")]
        for part in (folders[:half], folders[half:])
    )
    return _split(root, train_items, test_items, _copies_note(root, *folders))


def read_kolektorsdd2(root: Path, category: str) -> Dataset:
    """List KolektorSDD2: `train/10000.png` with `train/10000_GT.png`, and the same in `test`.

    The split is the published one; the defects of `train` are left out. So are copies such as
    `10301 (copy).png`, which the published archive holds; the data set's notes tell them.

    Cost: every mask is decoded, for it is the label.
    """
    train_items = [item for item in _label_by_mask(root, root / "train", "_GT") if not item.defect]
    test_items = _label_by_mask(root, root / "test", "_GT")
    return _split(root, train_items, test_items, _copies_note(root, root / "train", root / "test"))


def read_dagm(root: Path, category: str) -> Dataset:
    """List a class of DAGM 2007: `Class1/Train/0576.PNG`, `Class1/Train/Label/0576_label.PNG`.

    Only defects have a mask: a coarse ellipse around them. The split is the published one; the
    defects of `Train` are left out.
    """
    folder = root / category
    train_items = [item for item in _label_by_file(folder, "Train") if not item.defect]
    return _split(folder, train_items, _label_by_file(folder, "Test"))


def _label_by_file(folder: Path, part: str) -> list[Item]:
    """Return the pictures of one part of a class of DAGM, a defect where there is a label file."""
    labels = {path.stem.lower(): path for path in pictures_in(folder / part / "Label")}
    items = []
    for path in pictures_in(folder / part):
        label = labels.get(f"{path.stem}_label".lower())
        name = path.relative_to(folder).as_posix()
        items.append(make_item(name, path, DEFECT if label else GOOD, (label,) if label else ()))
    return items


def read_magnetic_tile(root: Path, category: str) -> Dataset:
    """List the magnetic tiles: `MT_Break/Imgs/NAME.jpg` with `NAME.png`, good ones in `MT_Free`.

    As first published there is no split. Here the good pictures with the lower half of numbers
    (exp1_num_NUMBER) are the training set, as neighbouring numbers show one tile. A copy in MVTec
    AD's layout, such as DifferNet's split, is read as that.
    """
    if not (root / "MT_Free").is_dir():
        return read_mvtec_ad(root, category)
    items: list[Item] = []
    for folder in sorted(root.glob("MT_*/Imgs")):
        kind = folder.parent.name.removeprefix("MT_").lower()
        files = pictures_in(folder)
        masks = {path.stem: path for path in files if path.suffix.lower() == ".png"}
        for path in (path for path in files if path.suffix.lower() != ".png"):
            mask = masks.get(path.stem) if kind != "free" else None
            name = f"{kind}/{path.name}"
            items.append(
                make_item(name, path, GOOD if kind == "free" else kind, (mask,) if mask else ())
            )
    good = sorted((item for item in items if not item.defect), key=lambda item: _number(item.path))
    half = len(good) // 2
    return _split(root, good[:half], good[half:] + [item for item in items if item.defect])


def _split(
    root: Path, train_items: list[Item], test_items: list[Item], notes: tuple[str, ...] = ()
) -> Dataset:
    """Return a data set; training pictures without the label good are tested instead."""
    train = tuple(item.path for item in train_items if item.defect_type == GOOD)
    others = [item for item in train_items if item.defect_type != GOOD]
    test = sorted(others + test_items, key=lambda item: item.path)
    return Dataset(root, train, tuple(test), has_masks=True, notes=notes)


def _label_by_mask(root: Path, folder: Path, ending: str) -> list[Item]:
    """Return the pictures of a folder, a defect where the mask `NAME{ending}` is not empty."""
    listed = pictures_in(folder, copies=True)
    copies = stray_copies(listed)
    files = [path for path in listed if path not in copies]
    masks = {path.stem: path for path in files if path.stem.endswith(ending)}
    items = []
    for path in (path for path in files if path.stem not in masks):
        mask, name = masks.get(path.stem + ending), path.relative_to(root).as_posix()
        kind = _kind(mask) if mask else NO_LABEL
        items.append(make_item(name, path, kind, (mask,) if mask and kind != GOOD else ()))
    return items


def _copies_note(root: Path, *folders: Path) -> tuple[str, ...]:
    """Return a note on the copies of files that are left out, or none."""
    listed = (stray_copies(pictures_in(folder, copies=True)) for folder in folders)
    return copies_note(root, [path for copies in listed for path in copies])


def _kind(mask: Path) -> str:
    """Return the label by a mask; none where it cannot be read, which is reported later."""
    try:
        return DEFECT if read_marked(mask).any() else GOOD
    except ImageError:
        return NO_LABEL


def _number(path: Path) -> tuple[int, str]:
    """Return the last number in a file's name, to sort by."""
    numbers = re.findall(r"\d+", path.stem)
    return (int(numbers[-1]) if numbers else 0, path.name)
