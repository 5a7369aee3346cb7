"""From pictures to the features of them: prepared, seen by the network, checked."""

from collections.abc import Sequence

import numpy as np

from goldensample.backbones import Backbone
from goldensample.errors import WeightsError
from goldensample.neighbors import to_numpy
from goldensample.preparation import Placement, Preparation
from goldensample.records import Array, Features, Picture

BATCH = 8
"""Pictures at a time."""


def extract(
    batch: Sequence[Picture], preparation: Preparation, backbone: Backbone
) -> tuple[Features, list[Placement]]:
    """Prepare pictures and compute their features; pictures may differ in shape."""
    canvases, placements = prepare(batch, preparation)
    return features_of(batch, canvases, placements, backbone), placements


def prepare(batch: Sequence[Picture], preparation: Preparation) -> tuple[Array, list[Placement]]:
    """Return pictures as the network takes them, (n, 3, height, width), and where they lie."""
    prepared = [preparation.apply(picture.pixels) for picture in batch]
    return np.stack([pixels for pixels, _ in prepared]), [placement for _, placement in prepared]


def features_of(
    batch: Sequence[Picture], canvases: Array, placements: Sequence[Placement], backbone: Backbone
) -> Features:
    """Compute the features of prepared pictures."""
    maps = backbone.extract(canvases)
    _check_maps(maps, batch, backbone.network.name)
    grid_hw = (maps[0].shape[2], maps[0].shape[3])
    return Features(maps, np.stack([placement.valid(grid_hw) for placement in placements]))


def _check_maps(maps: tuple[Array, ...], batch: Sequence[Picture], name: str) -> None:
    """Refuse features that are not finite, and levels that are not finest first."""
    heights = [level.shape[2] for level in maps]
    if heights != sorted(heights, reverse=True):
        raise WeightsError(
            f"the levels of {name} must be given finest first; got heights {heights}"
        )
    for index, picture in enumerate(batch):
        if not all(np.isfinite(to_numpy(level[index])).all() for level in maps):
            raise WeightsError(
                f"features must be finite; those of {name} for {picture.name} are not; use another "
                "network or leave the picture out"
            )


def as_picture(image: Array | Picture, index: int) -> Picture:
    """Return a picture with a name, or say what is wrong with the array."""
    picture = image if isinstance(image, Picture) else Picture(str(index), image)
    pixels = picture.pixels
    fits = getattr(pixels, "dtype", None) == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    if not fits or not pixels.size:
        was = f"{getattr(pixels, 'dtype', type(pixels).__name__)} {getattr(pixels, 'shape', '')}"
        raise ValueError(f"an image must be a (H, W, 3) uint8 RGB array; got {was}")
    return picture
