"""Pascal VOC's folders, which CVAT writes as "Segmentation mask 1.1": colours, or boxes in XML."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np

from goldensample.errors import ImageError
from goldensample.images.codec import encode_png, read_samples
from goldensample.images.listing import is_picture
from goldensample.label_tools.marks import (
    Mark,
    MarkedPicture,
    first_double,
    from_box,
    from_mask,
)
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic

Colour = tuple[int, int, int]
BACKGROUND, VOID = (0, 0, 0), (224, 224, 192)
"""Colours that mark nothing; the second is that of VOC's borders between classes."""
CLASSES, LISTS, BOXES = "SegmentationClass", "ImageSets/Segmentation", "Annotations"
OWN = "The VOC"
"""What the data base of VOC's own files begins with, as in "The VOC2012 Database"."""


def read(folder: Path) -> list[MarkedPicture]:
    """Read `SegmentationClass/NAME.png`, whose colours `labelmap.txt` names; else `Annotations`.

    A picture that a list in `ImageSets/Segmentation` names, and that has no PNG, is good; so are
    those of XML files without an object. Names have no ending: a picture of any ending is meant.

    Raises:
        ImageError: a PNG cannot be read, or has a colour that the list of labels lacks.
    """
    if not (folder / CLASSES).is_dir():
        return [_boxes(path) for path in sorted((folder / BOXES).rglob("*.xml"))]
    labels = _labels(folder / "labelmap.txt")
    masks = folder / CLASSES
    files = [path for path in sorted(masks.rglob("*")) if is_picture(path.name)]
    pictures = [
        _picture(path, path.relative_to(masks).with_suffix("").as_posix(), labels) for path in files
    ]
    known = {picture.name for picture in pictures}
    listed = dict.fromkeys(
        line.strip()
        for path in sorted((folder / LISTS).glob("*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    )
    return pictures + [MarkedPicture(name, (0, 0), ()) for name in listed if name not in known]


def _labels(path: Path) -> dict[Colour, str]:
    """Return the labels by colour: lines such as `scratch:128,0,0::`; none without the file."""
    labels: dict[Colour, str] = {}
    if not path.is_file():
        return labels
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.strip().partition(":")
        if name and not name.startswith("#"):
            red, green, blue = (int(value) for value in rest.split(":")[0].split(","))
            labels[red, green, blue] = name
    return labels


def _picture(path: Path, name: str, labels: Mapping[Colour, str]) -> MarkedPicture:
    pixels = read_samples(path)
    codes = pixels.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)  # -> (H, W)
    marks = []
    for code in np.unique(codes).tolist():
        colour = (code >> 16, code >> 8 & 255, code & 255)
        if colour in (BACKGROUND, VOID) or labels.get(colour) == "background":
            continue
        if labels and colour not in labels:
            raise ImageError(f"a colour must be in labelmap.txt; {path} has {colour}; add it")
        label = labels.get(colour, "defect")
        marks.append(from_mask(label, codes == code))
    return MarkedPicture(name, (pixels.shape[0], pixels.shape[1]), tuple(marks))


def _boxes(path: Path) -> MarkedPicture:
    """Read the boxes of one file.

    VOC's own files count pixels from 1 and mean both corners; tools (CVAT, datumaro, LabelImg)
    write edges from 0 under the same names, and another data base.
    """
    root = ElementTree.parse(path).getroot()
    size_hw = (int(_text(root, "size/height")), int(_text(root, "size/width")))
    first = 1 if root.findtext("source/database", "").startswith(OWN) else 0
    marks = []
    for entry in root.iter("object"):
        left, top, right, bottom = (
            float(_text(entry, f"bndbox/{name}")) for name in ("xmin", "ymin", "xmax", "ymax")
        )
        marks.append(
            from_box(_text(entry, "name"), (left - first, top - first, right, bottom), size_hw)
        )
    return MarkedPicture(_text(root, "filename"), size_hw, tuple(marks))


def _text(element: ElementTree.Element, path: str) -> str:
    found = element.findtext(path)
    if found is None:
        raise ValueError(f"{path} is missing")
    return found


def palette(number: int) -> Colour:
    """Return the colour of a class in VOC's palette: 1 is (128, 0, 0)."""
    channels = [0, 0, 0]
    for bit in range(8):
        for channel in range(3):
            channels[channel] |= (number >> (3 * bit + channel) & 1) << (7 - bit)
    return channels[0], channels[1], channels[2]


def write(pictures: Sequence[MarkedPicture], folder: Path) -> None:
    """Write class masks, their labels and the list of pictures; of two marks the later one counts.

    Raises:
        ImageError: two pictures differ in their ending alone.
    """
    labels = sorted({mark.label for picture in pictures for mark in picture.marks})
    colours = {label: palette(number) for number, label in enumerate(labels, 1)}
    names = [PurePosixPath(picture.name).with_suffix("").as_posix() for picture in pictures]
    if twice := first_double(names):
        raise ImageError(f"VOC's names have no ending, so they must differ; {twice} is there twice")
    for name, picture in zip(names, pictures, strict=True):
        if not picture.marks:
            continue
        path = folder / CLASSES / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, encode_png(_painted(picture.marks, picture.size_hw, colours)))
    (folder / LISTS).mkdir(parents=True, exist_ok=True)
    write_atomic(folder / LISTS / "default.txt", "".join(f"{n}\n" for n in names).encode())
    lines = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    lines += [f"{label}:{','.join(map(str, colour))}::" for label, colour in colours.items()]
    write_atomic(folder / "labelmap.txt", ("\n".join(lines) + "\n").encode())


def _painted(
    marks: Sequence[Mark], size_hw: tuple[int, int], colours: Mapping[str, Colour]
) -> Array:
    pixels = np.zeros((*size_hw, 3), np.uint8)
    for mark in marks:
        pixels[mark.mask()] = colours[mark.label]
    return pixels
