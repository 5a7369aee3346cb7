"""Regions of interest from files: masks drawn in a paint program, or polygons in JSON."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from goldensample.errors import ImageError
from goldensample.masks.reading import read_steering_mask
from goldensample.preparation.roi import RegionOfInterest, draw_polygons, match_masks, roi_from_mask
from goldensample.records import Array

ASPECT_TOLERANCE = 0.02
"""Largest relative difference between the aspect ratios of a mask and a picture."""


def read_roi(
    ignore: Path | None, look_at: Path | None, shapes: Iterable[tuple[int, int]]
) -> RegionOfInterest | None:
    """Read the region of interest, which is the same part of every picture.

    Args:
        ignore: a mask, not 0 on the parts to leave out, or polygons; None leaves out nothing.
        look_at: a mask, not 0 on the parts to inspect, or polygons; None is the whole picture.
        shapes: (H, W) of the pictures, whose aspect a mask must have.

    Returns:
        The region of interest, or None without any file.

    Raises:
        ImageError: a file cannot be read, a mask marks nothing or all, or has another aspect.
        ValueError: the region of interest is empty.
    """
    if ignore is None and look_at is None:
        return None
    distinct = sorted(set(shapes))
    ignored = np.zeros((1, 1), bool) if ignore is None else read_mask(ignore, distinct)
    included = np.ones((1, 1), bool) if look_at is None else read_mask(look_at, distinct)
    ignored, included = match_masks(ignored, included)
    return roi_from_mask(included & ~ignored)


def read_mask(path: Path, shapes: Iterable[tuple[int, int]] = ()) -> Array:
    """Read a picture as a mask, or polygons as one.

    Args:
        path: a picture with the aspect of the others, in any size, not 0 where it marks; or a JSON
            file `{"polygons": [[[row, column], ...], ...]}`, in shares of the picture.
        shapes: (H, W) of the pictures.

    Returns:
        (h, w) bool.

    Raises:
        ImageError: the file cannot be read, marks nothing or (a picture) all, or has another
            aspect than the pictures.
    """
    if path.suffix.lower() == ".json":
        return _read_polygons(path)
    mask = read_steering_mask(path)
    height, width = mask.shape
    for shape in shapes:
        if abs(height * shape[1] / (width * shape[0]) - 1) > ASPECT_TOLERANCE:
            raise ImageError(
                f"a mask must have the aspect of the pictures; {path} has {height}x{width} pixels, "
                f"a picture has {shape[0]}x{shape[1]}; draw it on a picture, or give polygons"
            )
    return mask


def _read_polygons(path: Path) -> Array:
    """Read polygons from JSON and draw them."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("polygons"), list):
            raise ValueError('it must be {"polygons": [[[row, column], ...], ...]}')
        mask = draw_polygons(content["polygons"])
        if not mask.any():
            raise ValueError("they cover nothing; draw them around a part of the picture")
        return mask
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise ImageError(f"cannot read polygons from {path}: {error}") from error
