"""Data sets in MVTec AD's layout: what is good, what is a defect, and where the masks are."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from goldensample.errors import ImageError
from goldensample.evaluation import Labelled
from goldensample.folders import PathLike, find_below, find_pictures, open_images
from goldensample.images import read_image
from goldensample.records import Array

_LAYOUT = """
  train/good/*.png                     good pictures to learn from
  test/good/*.png                      good pictures
  test/TYPE/NAME.png                   pictures with defects of one type
  ground_truth/TYPE/NAME_mask.png      where the defect is (optional, for all or none)"""


@dataclass(frozen=True, slots=True)
class Item:
    """One test picture of a data set.

    Args:
        name: its path below `test`, for instance "scratch/004.png".
        path: the file.
        defect_type: name of the folder, "good" for good pictures.
        defect: the label, True for every type but "good".
        mask: the file that marks the defect; None for good pictures and where there are no masks.
    """

    name: str
    path: Path
    defect_type: str
    defect: bool
    mask: Path | None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set on disk.

    Args:
        root: its folder.
        train: the files below `train/good`; empty where that folder is absent.
        test: the test pictures, by name.
        has_masks: True where every defect picture has a mask; else pixel metrics cannot be had.
    """

    root: Path
    train: tuple[Path, ...]
    test: tuple[Item, ...]
    has_masks: bool


def read_dataset(root: PathLike) -> Dataset:
    """List a data set in MVTec AD's layout; no picture is opened.

    Without `train/good` there is nothing to fit on, but the test pictures can be used. Without
    `ground_truth` there are no masks; with it, every defect picture must have one, named
    `NAME_mask.*` or `NAME.*`.

    Raises:
        ImageError: no such layout, not both good and defect pictures, or a mask is missing.
    """
    folder, test = Path(root), Path(root) / "test"
    if not test.is_dir():
        raise _no_layout(folder)
    has_masks = (folder / "ground_truth").is_dir()
    masks = _masks(folder / "ground_truth") if has_masks else {}
    items = tuple(_item(path, test, masks) for _, path in find_pictures(test))
    if {item.defect for item in items} != {True, False}:
        held = ", ".join(sorted({item.defect_type for item in items}))
        raise ImageError(f"{test} must hold good and defect pictures; it holds {held}{_LAYOUT}")
    bare = [item.name for item in items if has_masks and item.defect and item.mask is None]
    if bare:
        listed = ", ".join(bare[:10]) + (", …" if len(bare) > 10 else "")
        raise ImageError(
            f"every defect picture must have a mask below {folder / 'ground_truth'}; {len(bare)} "
            f"have none: {listed}; add TYPE/NAME_mask.png, or take ground_truth away for no masks"
        )
    good = folder / "train" / "good"
    train = tuple(path for _, path in find_pictures(good)) if good.is_dir() else ()
    return Dataset(folder, train, items, has_masks)


def _no_layout(folder: Path) -> ImageError:
    inner = ", ".join(sorted(path.parent.name for path in folder.glob("*/test")))
    found = f"it has data sets in {inner}: name one" if inner else "it has no folder test"
    was = found if folder.is_dir() else "there is no such folder"
    return ImageError(f"a data set must look as below; {folder}: {was}{_LAYOUT}")


def _masks(folder: Path) -> dict[str, list[Path]]:
    """Return the files below `ground_truth` by their path without ending and without `_mask`."""
    masks: dict[str, list[Path]] = {}
    for path in find_below(folder):
        key = path.relative_to(folder).with_suffix("").as_posix()
        masks.setdefault(key.removesuffix("_mask"), []).append(path)
    return masks


def _item(path: Path, test: Path, masks: dict[str, list[Path]]) -> Item:
    below = path.relative_to(test)
    name, kind = below.as_posix(), below.parts[0]
    if len(below.parts) == 1:
        raise ImageError(
            f"pictures must lie in test/good or test/TYPE; test/{name} does not{_LAYOUT}"
        )
    files = masks.get(below.with_suffix("").as_posix(), []) if kind != "good" else []
    if len(files) > 1:
        listed = ", ".join(str(file) for file in files)
        raise ImageError(
            f"a picture must have one mask; test/{name} has {listed}; remove all but one"
        )
    return Item(name, path, kind, kind != "good", files[0] if files else None)


def read_mask(item: Item, size_hw: tuple[int, int]) -> Array:
    """Return where the defect of a test picture is.

    Every value but 0 marks the defect, so a mask should not be a JPEG, which blurs its edges. A
    mask that marks nothing is taken as it is: published data sets have some.

    Args:
        size_hw: (H, W) of the picture; the mask must have it too, it is never resized.

    Returns:
        (H, W) bool; all False for a good picture.

    Raises:
        ImageError: the mask cannot be read, has another size.
    """
    if not item.defect:
        return np.zeros(size_hw, bool)
    if item.mask is None:
        raise ValueError(f"item must have a mask; {item.name} has none; ask has_masks first")
    mask: Array = np.max(read_image(item.mask, white=1), axis=2) > 0  # (H, W, 3) -> (H, W)
    if mask.shape != tuple(size_hw):
        (height, width), (rows, columns) = size_hw, mask.shape
        raise ImageError(
            f"a mask must have the size of its picture; {item.mask} is {columns}x{rows} and "
            f"{item.path} is {width}x{height} (width x height); make the mask again"
        )
    return mask


def labelled(data: Dataset, white: int | None) -> Iterator[Labelled]:
    """Read the test pictures of a data set with their truth, one at a time.

    Args:
        data: what `read_dataset` returned.
        white: as for `read_image`.
    """
    pictures = open_images([item.path for item in data.test], white)
    for item, picture in zip(data.test, pictures, strict=True):
        height, width, _ = picture.pixels.shape
        mask = read_mask(item, (height, width)) if data.has_masks else None
        yield Labelled(replace(picture, name=item.name), item.defect, mask, item.defect_type)
