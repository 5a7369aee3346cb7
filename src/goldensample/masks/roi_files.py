"""Views from files: masks drawn in a paint program, or polygons in JSON."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from goldensample.errors import ImageError
from goldensample.images.codec import read_image
from goldensample.preparation.roi import View, drawn, overlaid, view_of
from goldensample.records import Array

WHITE = 128
"""Grey value from which a mask counts as white."""
OFF = 0.02
"""By how much, relative to it, a mask's aspect may differ from a picture's."""


def read_view(
    ignore: Path | None, look_at: Path | None, shapes: Iterable[tuple[int, int]]
) -> View | None:
    """Read which part of every picture is looked at.

    Args:
        ignore: a mask, white where not to look, or polygons; None ignores nothing.
        look_at: a mask, white where to look, or polygons; None looks at everything.
        shapes: (H, W) of the pictures, whose aspect a mask must have.

    Returns:
        The view, or None where neither is given.

    Raises:
        ImageError: a file cannot be read, or a mask has another aspect.
        ValueError: nothing is left to look at.
    """
    if ignore is None and look_at is None:
        return None
    known = sorted(set(shapes))
    hidden = np.zeros((1, 1), bool) if ignore is None else read_mask(ignore, known)
    shown = np.ones((1, 1), bool) if look_at is None else read_mask(look_at, known)
    hidden, shown = overlaid(hidden, shown)
    return view_of(shown & ~hidden)


def read_mask(path: Path, shapes: Iterable[tuple[int, int]] = ()) -> Array:
    """Read a picture as a mask, or polygons as one.

    Args:
        path: a picture of the form of the others, in any size, white where it marks; or a JSON
            file `{"polygons": [[[row, column], ...], ...]}`, in shares of the picture.
        shapes: (H, W) of the pictures.

    Returns:
        (h, w) bool.

    Raises:
        ImageError: the file cannot be read, or has another aspect than the pictures.
    """
    if path.suffix.lower() == ".json":
        return _polygons(path)
    mask: Array = np.max(read_image(path), axis=2) >= WHITE  # (H, W, 3) -> (H, W)
    height, width = mask.shape
    for shape in shapes:
        if abs(height * shape[1] / (width * shape[0]) - 1) > OFF:
            raise ImageError(
                f"a mask must have the aspect of the pictures; {path} has {height}x{width} pixels, "
                f"a picture has {shape[0]}x{shape[1]}; draw it on a picture, or give polygons"
            )
    return mask


def _polygons(path: Path) -> Array:
    """Read polygons and draw them."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(given, dict) or not isinstance(given.get("polygons"), list):
            raise ValueError('it must be {"polygons": [[[row, column], ...], ...]}')
        return drawn(given["polygons"])
    except OSError as error:
        raise ImageError(f"cannot read {path}: {error.strerror}; check the path") from error
    except (ValueError, RecursionError) as error:
        raise ImageError(f"cannot read polygons from {path}: {error}") from error
