"""The files that regions are written to: a mask per picture, and COCO files for all."""

import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.images.codec import encode_png
from goldensample.images.folder import Folder
from goldensample.masks.coco import CocoWriter
from goldensample.records import Array, Inspection, Region, Threshold
from goldensample.regions.heatmap import region_mask
from goldensample.storage.atomic import check_writable, write_atomic
from goldensample.storage.locations import Location

MARKED = 255


def draw_regions(values: Array, regions: Sequence[Region]) -> Array:
    """Draw a picture's regions into a mask.

    Args:
        values: (H, W) float32 heat map; not changed.
        regions: those to draw.

    Returns:
        (H, W) uint8, 255 in a region and 0 elsewhere.
    """
    mask = np.zeros(values.shape, np.uint8)
    for region in regions:
        top, left, height, width = region.box_px
        part = mask[top : top + height, left : left + width]
        part[region_mask(values, region)] = MARKED
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


class Annotations:
    """Writes regions as mask files and as COCO files.

    Args:
        masks: a folder for one PNG per picture, or None.
        coco: a file for a COCO data set, and one for a list of results; each may be None.
        pictures: all that will be inspected.
        threshold: the limits in use, or None.

    Raises:
        ValueError: files are requested, and there is no pixel threshold.
        ArtifactError: a file could not be written there.
    """

    def __init__(
        self,
        masks: Path | None,
        coco: tuple[Path | None, Path | None],
        pictures: Folder,
        threshold: Threshold | None,
    ) -> None:
        if (masks or any(coco)) and (threshold is None or threshold.pixel is None):
            raise ValueError(
                "masks and COCO files must have a pixel threshold; there is none; fit a method "
                "with a heat map on enough pictures, or give a threshold"
            )
        self._masks: dict[str, Path] = {}
        if masks:
            paths = mask_paths(masks, pictures.names, pictures.paths)
            self._masks = dict(zip(pictures.names, paths, strict=True))
        self._dataset, self._results = coco
        for path in filter(None, coco):
            check_writable(path)
        self._coco = CocoWriter() if any(coco) else None

    def add(self, inspection: Inspection) -> None:
        """Write one picture's mask and collect its regions."""
        if inspection.heat_map is None:
            return
        if inspection.name in self._masks:
            mask = draw_regions(inspection.heat_map, inspection.regions)
            write_atomic(self._masks[inspection.name], encode_png(mask))
        if self._coco:
            self._coco.add(inspection, inspection.heat_map)

    def finish(self) -> None:
        """Write the COCO files."""
        if self._coco and self._dataset:
            self._coco.write_dataset(self._dataset)
        if self._coco and self._results:
            self._coco.write_results(self._results)
