"""Layouts in which the folder's name is the label: MVTec's, similar ones, any folder."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from goldensample.datasets.items import (
    Dataset,
    Item,
    make_item,
    masks_beside,
    pictures_below,
    require_complete,
)
from goldensample.datasets.labels import (
    GOOD,
    NO_LABEL,
    is_mask_folder,
    label_of,
    without_mask_ending,
)
from goldensample.datasets.saturation import CONFIG, read_saturations
from goldensample.errors import ImageError
from goldensample.images.listing import PathLike, find_pictures
from goldensample.locales.language import gettext

MVTEC_LAYOUT = """
  train/good/*.png                     good pictures to learn from
  test/good/*.png                      good pictures
  test/TYPE/NAME.png                   pictures with defects of one type
  ground_truth/TYPE/NAME_mask.png      where the defect is (optional)"""
_SPLIT_FOLDERS = {"train", "test"}
Masks = tuple[dict[str, list[Path]], dict[str, list[Path]]]
"""Masks by their path without ending and `_mask`, and by their folder."""


def read_dataset(root: PathLike) -> Dataset:
    """List one category in MVTec AD's layout; no picture is opened.

    Without `train/good` there is no training set, but the test pictures can be used. Without
    `ground_truth` (or `masks` and its like, see `labels.MASK_FOLDERS`) there are no masks; with it,
    a defect picture should have one, named `NAME_mask.*` or `NAME.*`, or `NAME/*` for several
    regions. Good pictures lie in `good`, or in another of `labels.GOOD_LABELS`.

    Raises:
        ImageError: no such layout, or not both good and defect pictures.
    """
    folder = Path(root)
    if not (folder / "test").is_dir():
        raise _no_layout(folder)
    data = require_complete(read_mvtec_ad(folder, ""), MVTEC_LAYOUT)
    if not data.train and (folder / "train" / GOOD).is_dir():
        find_pictures(folder / "train" / GOOD)  # raises an error with the reason why it holds none
    return replace(data, name=folder.absolute().name)


def _no_layout(folder: Path) -> ImageError:
    categories = ", ".join(sorted(path.parent.name for path in folder.glob("*/test")))
    content = "it has no folder test"
    if categories:
        content = f"it has data sets in {categories}: name one"
    reason = content if folder.is_dir() else "there is no such folder"
    return ImageError(f"a data set must look as below; {folder}: {reason}{MVTEC_LAYOUT}")


def read_mvtec_ad(root: Path, category: str) -> Dataset:
    """List a category of MVTec AD, MVTec LOCO AD or MPDD.

    In MVTec LOCO AD the masks are `ground_truth/TYPE/NAME/000.png` and so on, one for each defect,
    whose grey value names it in `defects_config.json`; see `saturation`.
    Its `validation/good` is not used: limits are set on pictures held out of `train/good`.
    """
    return _list_category(root / category, Path("test"))


def read_mvtec_ad_2(root: Path, category: str) -> Dataset:
    """List a category of MVTec AD 2, with its public test set.

    `test_private` and `test_private_mixed` have no labels; see `bench.submission`.
    """
    data = _list_category(root / category, Path("test_public"))
    return replace(data, validation=_good_pictures(root / category / "validation"))


def _list_category(folder: Path, test: Path) -> Dataset:
    truth = [*_mask_folders(folder), *_mask_folders(folder / test)]
    files = [
        path
        for path in pictures_below(folder / test)
        if not any(path.is_relative_to(masks) for masks in truth)
    ]
    items, beside = _items(files, folder / test, _find_masks(truth))
    train = _good_pictures(folder / "train")
    saturations, notes = read_saturations(folder), tuple[str, ...]()
    if not saturations and (folder / test / "logical_anomalies").is_dir():
        text = gettext("%(file)s is missing: there is no sPRO, which is MVTec LOCO's own measure")
        notes = (text % {"file": CONFIG},)
    return Dataset(
        folder, train, items, bool(truth) or beside, notes=notes, saturations=saturations
    )


def _mask_folders(folder: Path) -> list[Path]:
    """Return the folders of masks in a folder."""
    return sorted(path for path in folder.glob("*") if path.is_dir() and is_mask_folder(path.name))


def _good_pictures(folder: Path) -> tuple[Path, ...]:
    """Return the pictures in `good` and its like below a folder, without masks beside them."""
    kinds = sorted(path for path in folder.glob("*") if label_of(path.name) == GOOD)
    files = [path for kind in kinds for path in pictures_below(kind)]
    masks = set(masks_beside(files).values())
    return tuple(path for path in files if path not in masks)


def _find_masks(folders: list[Path]) -> Masks:
    """Return the masks of the folders that hold them."""
    by_name: dict[str, list[Path]] = {}
    by_folder: dict[str, list[Path]] = {}
    for folder in folders:
        for path in pictures_below(folder):
            relative = path.relative_to(folder)
            name = relative.with_name(without_mask_ending(relative.stem)).as_posix()
            by_name.setdefault(name, []).append(path)
            by_folder.setdefault(relative.parent.as_posix(), []).append(path)
    return by_name, by_folder


def _items(files: list[Path], root: Path, masks: Masks) -> tuple[tuple[Item, ...], bool]:
    """Return the pictures with their masks, and whether masks lie beside pictures."""
    beside = masks_beside(files)
    pictures = [path for path in files if path not in set(beside.values())]
    stems = Counter(path.stem for path in pictures if _kind(path, root) not in (GOOD, NO_LABEL))
    items = []
    for path in pictures:
        kind, relative = _kind(path, root), path.relative_to(root)
        found: tuple[Path, ...] = ()
        if kind not in (GOOD, NO_LABEL):
            found = _masks_of(path, relative, masks, is_single=stems[path.stem] == 1)
            found = found or tuple(beside[path] for _ in range(path in beside))
        items.append(make_item(relative.as_posix(), path, kind, found))
    return tuple(items), bool(beside)


def _kind(path: Path, root: Path) -> str:
    """Return the label of a picture, which is its first folder below the root."""
    parts = path.relative_to(root).parts
    return label_of(parts[0]) if len(parts) > 1 else NO_LABEL


def _masks_of(path: Path, relative: Path, masks: Masks, is_single: bool) -> tuple[Path, ...]:
    """Return the masks of a defect picture; one in no folder counts if only it has the name."""
    by_name, by_folder = masks
    key = relative.with_suffix("").as_posix()
    files = by_name.get(key) or (by_name.get(path.stem, []) if is_single else [])
    if len(files) > 1:
        listed = ", ".join(str(file) for file in files)
        raise ImageError(f"a picture must have one mask; {path} has {listed}; remove all but one")
    return tuple(files or by_folder.get(key, ()))


def read_folder(root: Path, category: str) -> Dataset:
    """List any folder: `good` holds good pictures, every other folder defects of its name.

    Good pictures may lie in another of `labels.GOOD_LABELS` (`OK`), masks in another of
    `labels.MASK_FOLDERS` (`MASK`) or beside their pictures (`NAME_mask.png`). Where there is
    `train/good`, that is the training set and all of `good` is tested; else the first half of
    `good` by name is the training set and the rest is tested: pictures taken one after the other
    are often almost the same, and should not be on both sides of the split. Pictures in no folder
    have no label.
    """
    truth = _mask_folders(root)
    files = [
        path
        for path in pictures_below(root)
        if path.relative_to(root).parts[0] not in _SPLIT_FOLDERS
        and not any(path.is_relative_to(masks) for masks in truth)
    ]
    items, beside = _items(files, root, _find_masks(truth))
    train = _good_pictures(root / "train")
    if not train:
        good = [item.path for item in items if item.defect_type == GOOD]
        train = tuple(good[: len(good) // 2])
    test = tuple(item for item in items if item.path not in set(train))
    return Dataset(root, train, test, bool(truth) or beside)
