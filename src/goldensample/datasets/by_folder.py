"""Layouts in which the folder's name is the label: MVTec's, similar ones, any folder."""

from pathlib import Path

from goldensample.datasets.items import (
    GOOD,
    NO_LABEL,
    Dataset,
    Item,
    make_item,
    pictures_below,
    require_complete,
)
from goldensample.errors import ImageError
from goldensample.images.listing import PathLike, find_pictures

_LAYOUT = """
  train/good/*.png                     good pictures to learn from
  test/good/*.png                      good pictures
  test/TYPE/NAME.png                   pictures with defects of one type
  ground_truth/TYPE/NAME_mask.png      where the defect is (optional, for all or none)"""
_SPLIT_FOLDERS = {"train", "test", "ground_truth"}


def read_dataset(root: PathLike) -> Dataset:
    """List one category in MVTec AD's layout; no picture is opened.

    Without `train/good` there is no training set, but the test pictures can be used. Without
    `ground_truth` there are no masks; with it, every defect picture must have one, named
    `NAME_mask.*` or `NAME.*`, or `NAME/*` for several regions.

    Raises:
        ImageError: no such layout, not both good and defect pictures, or a mask is missing.
    """
    folder = Path(root)
    if not (folder / "test").is_dir():
        raise _no_layout(folder)
    data = require_complete(read_mvtec_ad(folder, ""), _LAYOUT)
    if not data.train and (folder / "train" / GOOD).is_dir():
        find_pictures(folder / "train" / GOOD)  # raises an error with the reason why it holds none
    return Dataset(folder, data.train, data.test, data.has_masks, folder.absolute().name)


def _no_layout(folder: Path) -> ImageError:
    categories = ", ".join(sorted(path.parent.name for path in folder.glob("*/test")))
    content = "it has no folder test"
    if categories:
        content = f"it has data sets in {categories}: name one"
    reason = content if folder.is_dir() else "there is no such folder"
    return ImageError(f"a data set must look as below; {folder}: {reason}{_LAYOUT}")


def read_mvtec_ad(root: Path, category: str) -> Dataset:
    """List a category of MVTec AD, MVTec LOCO AD or MPDD.

    In MVTec LOCO AD the masks are `ground_truth/TYPE/NAME/000.png` and so on, one for each region.
    Its `validation/good` is not used: limits are set on pictures held out of `train/good`.
    """
    return _list_category(root / category, Path("test"))


def read_mvtec_ad_2(root: Path, category: str) -> Dataset:
    """List a category of MVTec AD 2, with its public test set.

    `test_private` and `test_private_mixed` have no labels, and `validation/good` is not used.
    """
    return _list_category(root / category, Path("test_public"), Path("test_public/ground_truth"))


def read_btad(root: Path, category: str) -> Dataset:
    """List a category of BTAD, where good is `ok`, and masks have any ending (png, bmp)."""
    return _list_category(root / category, Path("test"), good="ok")


def _list_category(
    folder: Path, test: Path, ground_truth: Path = Path("ground_truth"), good: str = GOOD
) -> Dataset:
    has_masks = (folder / ground_truth).is_dir()
    by_name, by_folder = _find_masks(folder / ground_truth)
    items = tuple(
        _item(path, folder / test, by_name, by_folder, good)
        for path in pictures_below(folder / test)
        if not path.is_relative_to(folder / ground_truth)
    )
    return Dataset(folder, tuple(pictures_below(folder / "train" / good)), items, has_masks)


def _find_masks(folder: Path) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Return masks by their path without ending and `_mask`, and by their folder."""
    by_name: dict[str, list[Path]] = {}
    by_folder: dict[str, list[Path]] = {}
    for path in pictures_below(folder):
        relative = path.relative_to(folder)
        name = relative.with_suffix("").as_posix().removesuffix("_mask")
        by_name.setdefault(name, []).append(path)
        by_folder.setdefault(relative.parent.as_posix(), []).append(path)
    return by_name, by_folder


def _item(
    path: Path,
    test: Path,
    by_name: dict[str, list[Path]],
    by_folder: dict[str, list[Path]],
    good: str,
) -> Item:
    relative = path.relative_to(test)
    kind = relative.parts[0] if len(relative.parts) > 1 else NO_LABEL
    if kind in (good, NO_LABEL):
        return make_item(relative.as_posix(), path, GOOD if kind else NO_LABEL)
    key = relative.with_suffix("").as_posix()
    files = by_name.get(key, [])
    if len(files) > 1:
        listed = ", ".join(str(file) for file in files)
        raise ImageError(f"a picture must have one mask; {path} has {listed}; remove all but one")
    return make_item(relative.as_posix(), path, kind, tuple(files or by_folder.get(key, ())))


def read_folder(root: Path, category: str) -> Dataset:
    """List any folder: `good` holds good pictures, every other folder defects of its name.

    Where there is `train/good`, that is the training set and all of `good` is tested; else the
    first half of `good` by name is the training set and the rest is tested: pictures taken one
    after the other are often almost the same, and should not be on both sides of the split. Masks
    are read where there is `ground_truth`, as in MVTec AD's layout; pictures in no folder have no
    label.
    """
    by_name, by_folder = _find_masks(root / "ground_truth")
    kinds = sorted(
        {path.relative_to(root).parts[0] for path in pictures_below(root)} - _SPLIT_FOLDERS
    )
    paths = [
        path
        for kind in kinds
        for path in ([root / kind] if (root / kind).is_file() else pictures_below(root / kind))
    ]
    items = [_item(path, root, by_name, by_folder, GOOD) for path in paths]
    train = pictures_below(root / "train" / GOOD)
    if not train:
        good = [item.path for item in items if item.defect_type == GOOD]
        train = good[: len(good) // 2]
    train_files = set(train)
    test = tuple(item for item in items if item.path not in train_files)
    return Dataset(root, tuple(train), test, (root / "ground_truth").is_dir())
