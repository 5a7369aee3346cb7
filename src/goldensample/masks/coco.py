"""Regions in the COCO format: a data set of annotations, or the list of results."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.masks.rle import encode
from goldensample.records import Array, Inspection, Region
from goldensample.regions.heatmap import region_mask
from goldensample.storage.atomic import write_atomic

CATEGORY = {"id": 1, "name": "defect", "supercategory": "defect"}
INFO = {"description": "Regions found by Golden Sample", "version": __version__}


class CocoWriter:
    """Collects regions for a COCO data set, and for a list that COCO's `loadRes` reads.

    Masks are run-length encoded, so that holes stay holes; boxes are (x, y, width, height).
    """

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, inspection: Inspection, heat_map: Array) -> None:
        """Add one picture with its heat map, (H, W) float32, and its regions."""
        number = len(self._images) + 1
        height, width = heat_map.shape
        self._images.append(
            {"id": number, "file_name": inspection.name, "height": height, "width": width}
        )
        for region in inspection.regions:
            top, left, rows, columns = region.box_px
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": number,
                    "category_id": CATEGORY["id"],
                    "segmentation": _segmentation(heat_map, region),
                    "bbox": [left, top, columns, rows],
                    "area": region.area_px,
                    "iscrowd": 0,
                    "score": region.peak,
                    "zone": region.zone,
                    "zone_limit": region.zone_limit,
                }
            )

    def write_dataset(self, path: Path) -> None:
        """Write pictures and annotations as one object."""
        dataset = {
            "info": INFO,
            "licenses": [],
            "images": self._images,
            "annotations": self._annotations,
            "categories": [CATEGORY],
        }
        write_atomic(path, json.dumps(dataset, allow_nan=False).encode())

    def write_results(self, path: Path) -> None:
        """Write the annotations as the list that `loadRes` reads, each with its score.

        Without boxes: beside one, pycocotools takes the box's area for the region's.
        """
        names = ("image_id", "category_id", "segmentation", "score")
        results = [{name: one[name] for name in names} for one in self._annotations]
        write_atomic(path, json.dumps(results, allow_nan=False).encode())


def _segmentation(heat_map: Array, region: Region) -> dict[str, list[int] | str]:
    """Return the mask of a region in the whole picture."""
    mask = np.zeros(heat_map.shape, bool)
    top, left, height, width = region.box_px
    mask[top : top + height, left : left + width] = region_mask(heat_map, region)
    return encode(mask)
