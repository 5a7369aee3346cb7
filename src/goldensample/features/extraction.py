"""From pictures to the features of them: prepared, seen by the network, checked."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.backbones.network import Backbone
from goldensample.errors import ImageError, WeightsError
from goldensample.features.tiling import in_tiles, spans
from goldensample.preparation.alignment import least, reference_of
from goldensample.preparation.placement import Placement
from goldensample.preparation.preparation import Preparation, small_grey
from goldensample.records import Array, Features, Notify, Picture, Pictures, silent

BATCH = 8
"""Pictures at a time, at most."""
AGREEING = 50
"""Pictures, at most, that tell how well good ones agree with a reference."""
BATCH_PX = BATCH * 1024 * 1024
"""Pixels of all their canvases, which bounds the memory; a picture alone may have more."""


def extract(
    batch: Sequence[Picture], preparation: Preparation, backbone: Backbone
) -> tuple[Features, list[Placement]]:
    """Prepare pictures and compute their features; pictures may differ in shape."""
    canvases, placements = prepare(batch, preparation)
    return features_of(batch, canvases, placements, preparation, backbone), placements


def at_a_time(preparation: Preparation) -> int:
    """Return how many pictures are prepared at a time."""
    height, width = preparation.canvas_hw
    return max(1, min(BATCH, BATCH_PX // (height * width)))


def batches(count: int, preparation: Preparation) -> Iterator[range]:
    """Give the numbers of some pictures, as many at a time as are prepared at a time."""
    step = at_a_time(preparation)
    for start in range(0, count, step):
        yield range(start, min(start + step, count))


def prepare(batch: Sequence[Picture], preparation: Preparation) -> tuple[Array, list[Placement]]:
    """Return pictures as the network takes them, (n, 3, height, width), and where they lie."""
    prepared = []
    for picture in batch:
        try:
            prepared.append(preparation.apply(picture.pixels))
        except ImageError as error:
            raise ImageError(f"{picture.name}: {error}") from error
    return np.stack([pixels for pixels, _ in prepared]), [placement for _, placement in prepared]


def features_of(
    batch: Sequence[Picture],
    canvases: Array,
    placements: Sequence[Placement],
    preparation: Preparation,
    backbone: Backbone,
) -> Features:
    """Compute the features of prepared pictures."""
    if preparation.mode == "native":
        maps = in_tiles(backbone.extract, canvases, backbone.network.stride)
    else:
        maps = backbone.extract(canvases)
    _check_maps(maps, batch, backbone.network.name)
    grid_hw = (maps[0].shape[2], maps[0].shape[3])
    valid = np.stack([_valid(*one, grid_hw) for one in zip(batch, placements, strict=True)])
    limits = [own for one in placements if (own := one.limits(grid_hw)) is not None]
    return Features(maps, valid, limits=np.stack(limits) if limits else None)


def _valid(picture: Picture, placement: Placement, grid_hw: tuple[int, int]) -> Array:
    """Return which cells of a picture count, or say that it was moved out of the view."""
    try:
        return placement.valid(grid_hw)
    except ValueError:
        if placement.motion is None:
            raise
        raise ImageError(
            f"{picture.name}: a picture must show some of what is looked at; once it is aligned "
            "to the reference, it shows nothing of it; see how the part lies"
        ) from None


def level_shapes(preparation: Preparation, backbone: Backbone) -> list[tuple[int, int, int]]:
    """Return the (d, h, w) that each level will have, from a look at one blank tile at most."""
    sides, stride = preparation.canvas_hw, backbone.network.stride
    seen = sides
    if preparation.mode == "native":
        seen = (spans(sides[0], stride)[0].end, spans(sides[1], stride)[0].end)
    shapes = (level.shape[1:] for level in backbone.extract(np.zeros((1, 3, *seen), np.float32)))
    return [(d, h * sides[0] // seen[0], w * sides[1] // seen[1]) for d, h, w in shapes]


def align_to(
    preparation: Preparation,
    reference: Array,
    images: Pictures | Sequence[Array | Picture],
    chosen: Sequence[int],
    notify: Notify = silent,
) -> Preparation:
    """Return a preparation that first moves every picture so that its part lies as in a reference.

    Args:
        preparation: how pictures are prepared then; not changed.
        reference: (H, W, 3) uint8 RGB of a good part; not changed.
        images: good pictures. How well they agree with the reference sets how well others must.
        chosen: which of them are asked, evenly spread ones where they are many.
        notify: told ("align", pictures done, pictures).

    Raises:
        ValueError: they do not agree, see `aligning.least`; or an array is no picture.
    """
    pixels = as_picture(reference, 0).pixels.astype(np.float32)
    known = reference_of(small_grey(pixels))
    numbers = np.linspace(0, len(chosen) - 1, min(AGREEING, len(chosen))).astype(int)
    agreements: list[float] = []
    for number in numbers:
        index = chosen[number]
        source = as_picture(images[index], index).pixels.astype(np.float32)
        agreements.append(known.seen(small_grey(source, known.shape_hw))[1])
        notify("align", len(agreements), len(numbers))
    return replace(preparation, reference=replace(known, least=least(agreements)))


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
