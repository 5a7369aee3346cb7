"""Feature extraction: prepare pictures, run the network, check its feature maps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.backbones.network import Backbone
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.errors import ImageError, WeightsError
from goldensample.features.tiling import run_tiled, spans
from goldensample.preparation.alignment import min_agreement, reference_of
from goldensample.preparation.placement import Placement
from goldensample.preparation.preparation import Preparation, small_grey
from goldensample.preparation.template import DEGREES
from goldensample.records import Array, Features, Notify, Picture, Pictures, silent

BATCH = 8
"""Most pictures of a batch."""
REGISTERED = 50
"""Most good pictures that are registered to a reference to set the least agreement."""
BATCH_PX = BATCH * 1024 * 1024
"""Most pixels of a batch, which bounds the memory; a single picture may have more."""


def extract(
    batch: Sequence[Picture], preparation: Preparation, backbone: Backbone
) -> tuple[Features, list[Placement]]:
    """Prepare pictures and compute their features; pictures may differ in shape."""
    canvases, placements = prepare(batch, preparation)
    return compute_features(batch, canvases, placements, preparation, backbone), placements


def batch_size(preparation: Preparation) -> int:
    """Return how many pictures are prepared and extracted at a time."""
    height, width = preparation.canvas_hw
    return max(1, min(BATCH, BATCH_PX // (height * width)))


def batches(count: int, preparation: Preparation) -> Iterator[range]:
    """Yield the indices of `count` pictures in batches."""
    step = batch_size(preparation)
    for start in range(0, count, step):
        yield range(start, min(start + step, count))


def prepare(batch: Sequence[Picture], preparation: Preparation) -> tuple[Array, list[Placement]]:
    """Return the canvases of pictures, (n, 3, height, width), and their placements."""
    canvases = np.empty((len(batch), 3, *preparation.canvas_hw), np.float32)
    placements = []
    for canvas, picture in zip(canvases, batch, strict=True):
        try:
            canvas[:], placement = preparation.apply(picture.pixels)
        except ImageError as error:
            raise ImageError(f"{picture.name}: {error}") from error
        placements.append(placement)
    return canvases, placements


def compute_features(
    batch: Sequence[Picture],
    canvases: Array,
    placements: Sequence[Placement],
    preparation: Preparation,
    backbone: Backbone,
) -> Features:
    """Compute the features of prepared pictures."""
    if preparation.mode == "native":
        maps = run_tiled(backbone.extract, canvases, backbone.network.stride)
    else:
        maps = backbone.extract(canvases)
    _check_maps(maps, batch, backbone.network.name)
    grid_hw = (maps[0].shape[2], maps[0].shape[3])
    valid = np.stack([_valid(*pair, grid_hw) for pair in zip(batch, placements, strict=True)])
    by_picture = (placement.limits(grid_hw) for placement in placements)
    limits = [values for values in by_picture if values is not None]
    return Features(maps, valid, limits=np.stack(limits) if limits else None)


def _valid(picture: Picture, placement: Placement, grid_hw: tuple[int, int]) -> Array:
    """Return the valid cells of a picture, or raise where it was aligned out of the ROI."""
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
    """Return the (d, h, w) of each level; a network of OpenVINO need not be compiled for it."""
    sides, tile = preparation.canvas_hw, tile_hw(preparation, backbone)
    if isinstance(backbone, OpenVINOBackbone):
        shapes = backbone.level_shapes(*tile)
    else:
        maps = backbone.extract(np.zeros((1, 3, *tile), np.float32))
        shapes = [(d, h, w) for _, d, h, w in (level.shape for level in maps)]
    return [(d, h * sides[0] // tile[0], w * sides[1] // tile[1]) for d, h, w in shapes]


def tile_hw(preparation: Preparation, backbone: Backbone) -> tuple[int, int]:
    """Return the (height, width) that the network runs on: of a tile, or of the canvas."""
    height, width = preparation.canvas_hw
    if preparation.mode != "native":
        return height, width
    stride = backbone.network.stride
    return spans(height, stride)[0].end, spans(width, stride)[0].end


def align_to(
    preparation: Preparation,
    reference: Array,
    images: Pictures | Sequence[Array | Picture],
    chosen: Sequence[int],
    notify: Notify = silent,
    degrees: int = DEGREES,
) -> Preparation:
    """Return a preparation that first aligns every picture to a reference.

    Args:
        preparation: of the aligned pictures; not changed.
        reference: (H, W, 3) uint8 RGB of a good part; not changed.
        images: good pictures; their agreement with the reference sets the least for others.
        chosen: indices of those registered, subsampled evenly where they are many.
        notify: called with ("align", pictures done, pictures).
        degrees: by how much a part may be turned, either way: 15 to 180.

    Raises:
        ValueError: they do not agree, see `alignment.min_agreement`; or an array is no picture.
    """
    target = reference_of(small_grey(as_picture(reference, 0).pixels), degrees)
    sampled = np.linspace(0, len(chosen) - 1, min(REGISTERED, len(chosen))).astype(int)
    agreements: list[float] = []
    for position in sampled:
        index = chosen[position]
        source = as_picture(images[index], index).pixels
        agreements.append(target.register(small_grey(source, target.shape_hw))[1])
        notify("align", len(agreements), len(sampled))
    return replace(preparation, reference=replace(target, least=min_agreement(agreements)))


def _check_maps(maps: tuple[Array, ...], batch: Sequence[Picture], name: str) -> None:
    """Raise where features are not finite, or levels are not finest first."""
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
    """Return a named picture; a `ValueError` where the array is no RGB image."""
    picture = image if isinstance(image, Picture) else Picture(str(index), image)
    pixels = picture.pixels
    fits = getattr(pixels, "dtype", None) == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
    if not fits or not pixels.size:
        kind = f"{getattr(pixels, 'dtype', type(pixels).__name__)} {getattr(pixels, 'shape', '')}"
        raise ValueError(f"an image must be a (H, W, 3) uint8 RGB array; got {kind}")
    return picture
