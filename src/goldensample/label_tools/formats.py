"""The label tools whose files are read and written, and which of them a file is from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from goldensample.errors import ImageError
from goldensample.label_tools import coco, cvat, label_studio, labelme, voc
from goldensample.label_tools.marks import MarkedPicture, first_double


@dataclass(frozen=True, slots=True)
class Format:
    """A form of label files.

    Args:
        title: what it is called.
        folder: written as a folder, not as a file.
        write: writes pictures to a path.
    """

    title: str
    folder: bool
    write: Callable[[Sequence[MarkedPicture], Path], None]


FORMATS = {
    "coco": Format("COCO", False, coco.write),
    "labelme": Format("LabelMe", True, labelme.write),
    "cvat": Format("CVAT for images 1.1 (XML)", False, cvat.write),
    "voc": Format("Pascal VOC, CVAT's Segmentation mask 1.1", True, voc.write),
    "label-studio": Format("Label Studio (JSON)", False, label_studio.write),
}


def read_labels(path: Path) -> tuple[str, list[MarkedPicture]]:
    """Read the files of a label tool, which is found by what they hold.

    Args:
        path: a file of COCO, CVAT, Label Studio or LabelMe; a folder of LabelMe's files, or of
            Pascal VOC.

    Returns:
        A key of `FORMATS`, and the pictures in the file's order.

    Raises:
        ImageError: it is none of these, or damaged.
    """
    try:
        name, pictures = _read_folder(path) if path.is_dir() else _read_file(path)
    except (
        *(OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError),
        ElementTree.ParseError,
    ) as error:
        raise ImageError(
            f"cannot read labels from {path}: {_reason(error)}; export them again as COCO, "
            "LabelMe, CVAT for images 1.1, Pascal VOC or Label Studio's JSON"
        ) from error
    if twice := first_double(picture.name for picture in pictures):
        raise ImageError(f"{path} must name each picture once; {twice} is there twice")
    return name, pictures


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, without names of Python."""
    if isinstance(error, KeyError):
        return f"it lacks {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)


def _read_folder(folder: Path) -> tuple[str, list[MarkedPicture]]:
    if (folder / voc.CLASSES).is_dir() or (folder / voc.BOXES).is_dir():
        return "voc", voc.read(folder)
    files = [path for path in sorted(folder.rglob("*.json")) if labelme.is_labelme(_json(path))]
    if files:
        return "labelme", [labelme.read_file(path, folder) for path in files]
    raise ValueError(
        f"a folder must hold LabelMe's files, or {voc.CLASSES} or {voc.BOXES} of Pascal VOC; it "
        "holds neither; name the file itself where the tool wrote one file"
    )


def _json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path.name} is no JSON: {error}") from error


def _read_file(path: Path) -> tuple[str, list[MarkedPicture]]:
    if path.suffix.lower() == ".xml":
        return "cvat", cvat.read(path)
    content = _json(path)
    if labelme.is_labelme(content):
        return "labelme", [labelme.read_file(path, path.parent)]
    if isinstance(content, dict) and {"images", "annotations"} <= content.keys():
        return "coco", coco.read(path)
    if isinstance(content, list) and all("annotations" in task for task in content):
        return "label-studio", label_studio.read(path)
    raise ValueError(
        f"it must be of {', '.join(form.title for form in FORMATS.values())}; it is none of them; "
        "export again in one of these formats"
    )
