"""CVAT's XML ("CVAT for images 1.1"): polygons, boxes, ellipses and masks."""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from goldensample.label_tools.marks import (
    Mark,
    MarkedPicture,
    Size,
    bounding_box,
    from_box,
    from_ellipse,
    from_patch,
    from_polygons,
    turned_box,
)
from goldensample.masks.rle import from_runs, runs_of
from goldensample.storage.atomic import write_atomic

IGNORED = ("tag",)
"""Elements of a picture that say something of it and mark nothing."""


def read(path: Path) -> list[MarkedPicture]:
    """Read CVAT's XML; pictures without shapes are good."""
    pictures = []
    for image in ElementTree.parse(path).getroot().iter("image"):
        size_hw = (int(image.attrib["height"]), int(image.attrib["width"]))
        marks = tuple(_mark(shape, size_hw) for shape in image if shape.tag not in IGNORED)
        pictures.append(MarkedPicture(image.attrib["name"], size_hw, marks))
    return pictures


def _mark(shape: ElementTree.Element, size_hw: Size) -> Mark:
    label = shape.attrib["label"]

    def numbers(*names: str) -> list[float]:
        return [float(shape.attrib[name]) for name in names]

    turn = float(shape.attrib.get("rotation", 0))
    if shape.tag == "polygon":
        return from_polygons(label, [_points(shape.attrib["points"])], size_hw)
    if shape.tag == "box":
        left, top, right, bottom = numbers("xtl", "ytl", "xbr", "ybr")
        if not turn:
            return from_box(label, (left, top, right, bottom), size_hw)
        centre = ((left + right) / 2, (top + bottom) / 2)
        return from_polygons(label, [turned_box((left, top, right, bottom), turn, centre)], size_hw)
    if shape.tag == "ellipse":
        x, y, across, down = numbers("cx", "cy", "rx", "ry")
        return from_ellipse(label, (x, y), (across, down), turn, size_hw)
    if shape.tag == "mask":
        left, top, width, height = map(int, numbers("left", "top", "width", "height"))
        runs = [int(run) for run in shape.attrib["rle"].split(",")]
        return from_patch(label, from_runs(runs, (height, width), "C"), (top, left), size_hw)
    raise ValueError(
        f"a shape must be a polygon, box, ellipse or mask; {label} is a {shape.tag}, which marks "
        "no area; draw a polygon"
    )


def _points(text: str) -> list[float]:
    return [float(value) for point in text.split(";") for value in point.split(",")]


def write(pictures: Sequence[MarkedPicture], path: Path) -> None:
    """Write CVAT's XML, each defect as a mask, exact to the pixel."""
    root = ElementTree.Element("annotations")
    ElementTree.SubElement(root, "version").text = "1.1"
    for number, picture in enumerate(pictures):
        height, width = map(str, picture.size_hw)
        facts = {"id": str(number), "name": picture.name, "width": width, "height": height}
        image = ElementTree.SubElement(root, "image", facts)
        for mark in picture.marks:
            top, left, rows, columns = bounding_box(mask := mark.mask())
            if not rows:
                continue
            runs = runs_of(mask[top : top + rows, left : left + columns], "C")
            values = {"rle": ", ".join(map(str, runs)), "left": str(left), "top": str(top)}
            values |= {"width": str(columns), "height": str(rows), "z_order": "0"}
            attributes = {"label": mark.label, "source": "file", "occluded": "0", **values}
            ElementTree.SubElement(image, "mask", attributes)
    ElementTree.indent(root)
    write_atomic(path, ElementTree.tostring(root, "utf-8", xml_declaration=True))
