"""Export of defect regions: a mask per picture, and one COCO file for all."""

import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.images.codec import encode_png
from goldensample.images.folder import Folder
from goldensample.records import Array, Inspection, Region, Threshold
from goldensample.regions.contours import contours
from goldensample.regions.heatmap import region_mask
from goldensample.storage.atomic import check_writable, write_atomic
from goldensample.storage.locations import Location

MARKED = 255
CATEGORY = {"id": 1, "name": "defect", "supercategory": "defect"}


def draw_regions(values: Array, limit: float, regions: Sequence[Region]) -> Array:
    """Draw a picture's regions into a mask.

    Args:
        values: (H, W) float32 heat map; not changed.
        limit: the pixel threshold of the regions.
        regions: those to draw.

    Returns:
        (H, W) uint8, 255 in a region and 0 elsewhere.
    """
    mask = np.zeros(values.shape, np.uint8)
    for region in regions:
        top, left, height, width = region.box_px
        part = mask[top : top + height, left : left + width]
        part[region_mask(values, limit, region)] = MARKED
    return mask


def mask_paths(folder: Path, names: Sequence[str], pictures: Sequence[Location]) -> list[Path]:
    """Return the path of each picture's mask: its name, ending in .png, below a folder.

    Args:
        folder: for the masks.
        names: of the pictures.
        pictures: their files, which no mask may replace.

    Raises:
        ArtifactError: a mask would lie outside the folder, on another's or on a picture.
    """
    root = os.path.realpath(folder)
    used = {os.path.realpath(path) for path in pictures if isinstance(path, Path)}
    paths = []
    for name in names:
        path = folder / PurePosixPath(name).with_suffix(".png")
        real = os.path.realpath(path)
        if not Path(real).is_relative_to(root):
            raise ArtifactError(f"a mask must lie in {folder}; that of {name} would not")
        if real in used:
            raise ArtifactError(
                f"a mask must have a name of its own; {path} is a picture or another's mask; "
                "choose another folder, or inspect fewer pictures at a time"
            )
        used.add(real)
        paths.append(path)
    if paths:
        check_writable(paths[0])
    return paths


class Coco:
    """Collects regions and writes them in COCO's object detection format.

    Polygons are (x, y) in pixels, x across and y down from the upper left corner. Holes are filled,
    as COCO's polygons cannot have any; `area` is that of the region without its holes.
    """

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, inspection: Inspection, values: Array, limit: float) -> None:
        """Add one picture with its heat map, (H, W) float32, and its regions."""
        number = len(self._images) + 1
        height, width = values.shape
        self._images.append(
            {"id": number, "file_name": inspection.name, "height": height, "width": width}
        )
        for region in inspection.regions:
            top, left, rows, columns = region.box_px
            loops = contours(values, limit, region, holes=False)
            self._annotations.append(
                {
                    "id": len(self._annotations) + 1,
                    "image_id": number,
                    "category_id": CATEGORY["id"],
                    "segmentation": [loop[:, ::-1].round(2).reshape(-1).tolist() for loop in loops],
                    "bbox": [left, top, columns, rows],
                    "area": region.area_px,
                    "iscrowd": 0,
                    "score": region.peak,
                    "zone": region.zone,
                    "zone_limit": region.zone_limit,
                }
            )

    def write(self, path: Path) -> None:
        """Write all regions added."""
        document = {
            "images": self._images,
            "annotations": self._annotations,
            "categories": [CATEGORY],
        }
        write_atomic(path, json.dumps(document, allow_nan=False).encode())


class Annotations:
    """Writes regions as mask files and as a COCO file.

    Args:
        masks: a folder for one PNG per picture, or None.
        coco: a file, or None.
        pictures: all that will be inspected.
        threshold: the limits in use, or None.

    Raises:
        ValueError: files are requested, and there is no pixel threshold.
        ArtifactError: a file could not be written there.
    """

    def __init__(
        self, masks: Path | None, coco: Path | None, pictures: Folder, threshold: Threshold | None
    ) -> None:
        self._limit = threshold.pixel if threshold else None
        if (masks or coco) and self._limit is None:
            raise ValueError(
                "masks and COCO files must have a pixel threshold; there is none; fit a method "
                "with a heat map on enough pictures, or give a threshold"
            )
        self._masks: dict[str, Path] = {}
        if masks:
            paths = mask_paths(masks, pictures.names, pictures.paths)
            self._masks = dict(zip(pictures.names, paths, strict=True))
        if coco:
            check_writable(coco)
        self._path, self._coco = coco, Coco()

    def add(self, inspection: Inspection) -> None:
        """Write one picture's mask and collect its regions."""
        if self._limit is None or inspection.heat_map is None:
            return
        if inspection.name in self._masks:
            mask = draw_regions(inspection.heat_map, self._limit, inspection.regions)
            write_atomic(self._masks[inspection.name], encode_png(mask))
        if self._path:
            self._coco.add(inspection, inspection.heat_map, self._limit)

    def finish(self) -> None:
        """Write the COCO file."""
        if self._path:
            self._coco.write(self._path)
