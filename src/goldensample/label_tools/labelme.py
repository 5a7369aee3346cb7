"""LabelMe's JSON, one file a picture: polygons, rectangles, circles and brush masks."""

import base64
import json
from collections.abc import Sequence
from math import dist
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from goldensample.images.codec import encode_png
from goldensample.images.decoding import decode_samples
from goldensample.label_tools.marks import (
    Mark,
    MarkedPicture,
    Size,
    bounding_box,
    from_box,
    from_ellipse,
    from_patch,
    from_polygons,
)
from goldensample.storage.atomic import write_atomic

FORMAT = "5.5.0"
"""The version of LabelMe whose files these are."""


def is_labelme(content: Any) -> bool:
    """Return whether JSON is a file of LabelMe."""
    return isinstance(content, dict) and {"shapes", "imagePath"} <= content.keys()


def read_file(path: Path, folder: Path) -> MarkedPicture:
    """Read one file; its picture lies beside it, under the name that it gives.

    Coordinates are those of the upright picture, as LabelMe turns it by its EXIF orientation. A
    brush mask begins at its first corner, and both corners belong to it.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    size_hw = (int(content["imageHeight"]), int(content["imageWidth"]))
    marks = tuple(_mark(shape, size_hw) for shape in content["shapes"])
    beside = path.parent.relative_to(folder).as_posix()
    name = PurePosixPath(content["imagePath"].replace("\\", "/")).name
    return MarkedPicture((PurePosixPath(beside) / name).as_posix(), size_hw, marks)


def _mark(shape: dict[str, Any], size_hw: Size) -> Mark:
    label, kind, points = str(shape["label"]), shape["shape_type"], shape["points"]
    if kind == "polygon":
        return from_polygons(label, [[value for point in points for value in point]], size_hw)
    if kind == "rectangle":
        (left, top), (right, bottom) = points
        return from_box(label, (left, top, right, bottom), size_hw)
    if kind == "circle":
        radius = dist(*points)
        return from_ellipse(label, (points[0][0], points[0][1]), (radius, radius), 0, size_hw)
    if kind == "mask":
        return _brushed(label, points, shape["mask"], size_hw)
    raise ValueError(
        f"a shape must be a polygon, rectangle, circle or mask; {label} is a {kind}, which marks "
        "no area; draw a polygon"
    )


def _brushed(label: str, points: list[list[float]], text: str, size_hw: Size) -> Mark:
    samples = decode_samples(base64.b64decode(text))
    patch = samples.reshape(*samples.shape[:2], -1).any(axis=2)
    (left, top), (right, bottom) = ([round(value) for value in point] for point in points)
    if patch.shape != (bottom - top + 1, right - left + 1):
        raise ValueError(
            f"a brush mask must fill its box, both corners included; that of {label} has "
            f"{patch.shape[1]}x{patch.shape[0]} pixels, its box {points}"
        )
    return from_patch(label, patch, (top, left), size_hw)


def write(pictures: Sequence[MarkedPicture], folder: Path) -> None:
    """Write `NAME.json` for each picture, with brush masks; put them beside the pictures."""
    for picture in pictures:
        height, width = picture.size_hw
        content: dict[str, Any] = {
            "version": FORMAT,
            "flags": {},
            "shapes": [_shape(mark) for mark in picture.marks if mark.mask().any()],
            "imagePath": PurePosixPath(picture.name).name,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        path = folder / PurePosixPath(picture.name).with_suffix(".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(content).encode())


def _shape(mark: Mark) -> dict[str, Any]:
    mask = mark.mask()
    top, left, height, width = bounding_box(mask)
    patch = mask[top : top + height, left : left + width].astype(np.uint8)
    return {
        "label": mark.label,
        "points": [[left, top], [left + width - 1, top + height - 1]],
        "group_id": None,
        "description": "",
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(encode_png(patch)).decode(),
    }
