"""Mask files are read here alone: ground truth, regions of interest, zones, missed defects.

One rule holds for all: every value but 0 is marked, see `images.marked`.
"""

from pathlib import Path

from goldensample.errors import ImageError
from goldensample.images.marked import read_marked as read_marked
from goldensample.records import Array

RULE = "every value but 0 is marked, and what is fully transparent is not"


def read_steering_mask(path: Path) -> Array:
    """Read a mask that decides what is looked at; it must mark a part of the picture.

    Returns:
        (H, W) bool.

    Raises:
        ImageError: the file cannot be read, or marks nothing or all.
    """
    marked = read_marked(path)
    if not marked.any():
        raise ImageError(
            f"a mask must mark something; {path} marks nothing ({RULE}); draw the part in white"
        )
    if marked.all():
        raise ImageError(
            f"a mask must leave something unmarked; {path} marks the whole picture ({RULE}); make "
            "the rest black"
        )
    return marked


def require_size(mask: Array, path: Path | str, picture: Path, size_hw: tuple[int, int]) -> Array:
    """Return a mask, called `path`, that has the size of its picture; masks are never resized.

    Raises:
        ImageError: it has another.
    """
    if mask.shape == tuple(size_hw):
        return mask
    (height, width), (rows, columns) = size_hw, mask.shape
    raise ImageError(
        f"a mask must have the size of its picture; {path} is {columns}x{rows} and "
        f"{picture} is {width}x{height} (width x height); make the mask again"
    )
