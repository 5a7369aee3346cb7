"""COCO's JSON: polygons, run lengths as text and as numbers, crowds, boxes alone."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.label_tools.marks import (
    Mark,
    MarkedPicture,
    bounding_box,
    from_box,
    from_mask,
    from_polygons,
)
from goldensample.masks.rle import from_runs
from goldensample.storage.atomic import write_atomic


def read(path: Path) -> list[MarkedPicture]:
    """Read a COCO data set; pictures without annotations are good.

    An annotation with an empty segmentation is its box. A crowd (`iscrowd`) is marked as any other.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    labels = {entry["id"]: str(entry["name"]) for entry in content["categories"]}
    marks: dict[Any, list[Mark]] = {entry["id"]: [] for entry in content["images"]}
    sizes = {one["id"]: (int(one["height"]), int(one["width"])) for one in content["images"]}
    for entry in content["annotations"]:
        number, label = entry["image_id"], labels[entry["category_id"]]
        marks[number].append(_mark(label, entry, sizes[number]))
    return [
        MarkedPicture(entry["file_name"], sizes[entry["id"]], tuple(marks[entry["id"]]))
        for entry in content["images"]
    ]


def _mark(label: str, entry: dict[str, Any], size_hw: tuple[int, int]) -> Mark:
    segmentation = entry.get("segmentation")
    if isinstance(segmentation, list) and segmentation:
        return from_polygons(label, segmentation, size_hw)
    if not segmentation:
        left, top, width, height = entry["bbox"]
        return from_box(label, (left, top, left + width, top + height), size_hw)
    if tuple(segmentation["size"]) != size_hw:
        raise ValueError(
            f"annotation {entry.get('id')} must have the size of its picture, {size_hw}; it has "
            f"{segmentation['size']}"
        )
    counts = segmentation["counts"]
    if isinstance(counts, str):
        mark = Mark(label, size_hw, counts)
        mark.mask()  # damaged run lengths are refused here
        return mark
    return from_mask(label, from_runs(counts, size_hw, "F"))


def write(pictures: Sequence[MarkedPicture], path: Path) -> None:
    """Write a COCO data set: run lengths as text, so that holes stay holes, and an `info`."""
    labels = sorted({mark.label for picture in pictures for mark in picture.marks})
    numbers = {label: number for number, label in enumerate(labels, 1)}
    images, annotations = [], list[dict[str, Any]]()
    for number, picture in enumerate(pictures, 1):
        height, width = picture.size_hw
        images.append({"id": number, "file_name": picture.name, "height": height, "width": width})
        for mark in picture.marks:
            top, left, rows, columns = bounding_box(mask := mark.mask())
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": numbers[mark.label],
                    "segmentation": {"size": list(mark.size_hw), "counts": mark.counts},
                    "bbox": [left, top, columns, rows],
                    "area": int(np.count_nonzero(mask)),
                    "iscrowd": 0,
                }
            )
    content = {
        "info": {"description": "Masks written by Golden Sample", "version": __version__},
        "licenses": [],
        "images": images,
        "annotations": annotations,
        "categories": [
            {"id": number, "name": label, "supercategory": "defect"}
            for label, number in numbers.items()
        ],
    }
    write_atomic(path, json.dumps(content).encode())
