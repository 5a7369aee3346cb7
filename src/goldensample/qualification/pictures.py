"""The pictures of a qualification: good ones, defects by their kind, and their masks."""

from pathlib import Path

from goldensample.datasets.items import Item, make_item, masks_beside, pictures_below
from goldensample.datasets.labels import GOOD, is_mask_folder, label_of, without_mask_ending
from goldensample.errors import ImageError

DEFECT = "defect"


def good_items(folder: Path) -> list[Item]:
    """Return the good pictures below a folder.

    Raises:
        ImageError: there are none.
    """
    items = [make_item(_name(path, folder), path, GOOD) for path in pictures_below(folder)]
    return _some(items, folder)


def defect_items(folder: Path, masks: Path | None = None) -> list[Item]:
    """Return the pictures of defects below a folder, with the masks that are there.

    The first folder of a picture's path is the kind of its defect. Masks have the path of their
    picture, with or without `_mask`, below `masks`, or below a folder of masks in the folder or
    beside it (`ground_truth` and its like), or lie beside their pictures. What is in a folder
    called good is left out.

    Raises:
        ImageError: there are none.
    """
    inner, outer = _mask_folders(folder), _mask_folders(folder.parent)
    roots = [masks] if masks else inner + [root for root in outer if root != folder]
    files = [
        path
        for path in pictures_below(folder)
        if not any(path.is_relative_to(root) for root in (*roots, *inner))
    ]
    beside = masks_beside(files)
    files = [path for path in files if path not in set(beside.values())]
    known = {_key(path, root): path for root in roots for path in pictures_below(root)}
    items = []
    for path in files:
        parts = path.relative_to(folder).parts
        kind = parts[0] if len(parts) > 1 else DEFECT
        if label_of(kind) == GOOD:
            continue
        mask = known.get(_key(path, folder)) or beside.get(path)
        items.append(make_item(_name(path, folder), path, kind, (mask,) if mask else ()))
    return _some(items, folder)


def _mask_folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir() and is_mask_folder(path.name))


def _key(path: Path, root: Path) -> str:
    return path.relative_to(root).with_name(without_mask_ending(path.stem)).as_posix()


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _some(items: list[Item], folder: Path) -> list[Item]:
    if not items:
        reason = "it holds none" if folder.is_dir() else "there is no such folder"
        raise ImageError(f"{folder} must hold pictures; {reason}; name the folder of the pictures")
    return items
