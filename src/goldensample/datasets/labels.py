"""The names of labels, splits, columns and folders, which are many, brought to one each."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

GOOD = "good"
NO_LABEL = ""
GOOD_LABELS = ("good", "ok", "normal")
"""Labels of good pictures; capitals and blanks around them do not matter."""
MASK_FOLDERS = ("ground_truth", "groundtruth", "masks", "mask", "gt")
"""Folders of masks, in any capitals."""
MASK_ENDINGS = ("_mask", "_gt", "_label")
"""What is added to a picture's name to name its mask, in any capitals."""
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "image", "image_path", "img_path", "file", "filename", "file_name", "picture"),
    "split": ("split", "set", "subset", "partition"),
    "label": ("label", "class", "type", "defect_type", "anomaly_class", "category_label"),
    "mask": ("mask", "mask_path", "ground_truth", "gt", "gt_path"),
}
"""Names of the columns of a table; capitals do not matter, blanks and hyphens count as _."""
_COPY = re.compile(r"( - copy| copy| \(copy\))?( ?\(\d+\))?$", re.IGNORECASE)


def label_of(name: str) -> str:
    """Return "good" for each label of good pictures, and any other as it is, without blanks."""
    text = name.strip()
    return GOOD if text.casefold() in GOOD_LABELS else text


def plain_name(heading: str) -> str:
    """Return a table's heading as `COLUMNS` has it.

    Example: " Image-Path" is image_path.
    """
    return re.sub(r"[\s-]+", "_", heading.strip().casefold())


def is_mask_folder(name: str) -> bool:
    """Return whether a folder of this name holds masks."""
    return name.casefold() in MASK_FOLDERS


def without_mask_ending(stem: str) -> str:
    """Return a mask's name without `_mask` and its like: the name of its picture."""
    ending = next((end for end in MASK_ENDINGS if stem.casefold().endswith(end)), "")
    return stem[: len(stem) - len(ending)]


def pair_masks(files: Iterable[Path]) -> dict[Path, Path]:
    """Return the masks that lie beside their pictures, `NAME_mask` beside `NAME`, by picture."""
    listed = list(files)
    pictures = {path.with_suffix(""): path for path in listed}
    pairs = {}
    for path in listed:
        picture = pictures.get(path.with_name(without_mask_ending(path.stem)))
        if picture is not None and picture.stem != path.stem:
            pairs[picture] = path
    return pairs


def stray_copies(files: Iterable[Path], named: bool = False) -> set[Path]:
    """Return files that a file manager made, `NAME (copy)` or `NAME - Copy (2)`, beside `NAME`.

    Args:
        files: in any number of folders.
        named: whether the name must have the word copy. Without, `NAME (2)` is one, too, which
            cameras and browsers write for other pictures.
    """
    listed = list(files)
    known = {path.with_suffix("") for path in listed}
    return {
        path
        for path in listed
        if (original := _COPY.sub("", path.stem)) != path.stem
        and path.with_name(original) in known
        and (not named or "copy" in path.stem[len(original) :].casefold())
    }
