"""Tiled inference on large pictures: overlapping tiles, stitched without seams.

A value of a feature map depends on the pixels of its receptive field and no others. So inside a
tile with a wide enough margin the network computes the same values as on the whole canvas, and the
stitched maps have no seams.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from goldensample.arrays import array_namespace
from goldensample.errors import WeightsError
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array

TILE_PX = 1280
"""Longest side of a tile: bounds the memory of the network; changes no value."""
MARGIN_PX = 144
"""Overlap of a tile beyond its own part. At level 3, the receptive field reaches 97 pixels to each
side in the built-in network, 105 in ResNet-18, 133 in WideResNet-50."""

Run = Callable[[Array], tuple[Array, ...]]


@dataclass(frozen=True, slots=True)
class Span:
    """A tile along one axis, in pixels of the canvas.

    Args:
        start, end: of the tile, margins included.
        first, last: of its part without margins; the parts of an axis cover each pixel once.
    """

    start: int
    end: int
    first: int
    last: int


def native_preparation(shapes: Sequence[tuple[int, int]], stride: int) -> Preparation:
    """Return the preparation without resizing: a canvas that holds each of the pictures.

    Args:
        shapes: (H, W) of each picture; at least one.
        stride: both sides become multiples of it, two strides at least.
    """
    height, width = (
        max(2, -(-max(sides) // stride)) * stride for sides in zip(*shapes, strict=True)
    )
    return Preparation((height, width), "native")


def spans(side: int, stride: int, tile_px: int = TILE_PX, margin_px: int = MARGIN_PX) -> list[Span]:
    """Split one axis of a canvas into overlapping tiles of one length.

    As few as possible, no longer than necessary and evenly spaced. Except at the ends of the
    canvas, each has at least the margin around its part. Of 20 pixels at stride 2, tiles of 10 with
    a margin of 2 are (0, 10), (6, 16), (10, 20), with the parts (0, 8), (8, 12), (12, 20).

    Args:
        side: pixels; a multiple of the stride.
        stride: pixels per cell of the coarsest level; every number returned is a multiple of it.
        tile_px: the longest tile; longer than two margins.
        margin_px: rounded up to whole strides.

    Raises:
        ValueError: the side is longer than a tile and no multiple of the stride, or the tile holds
            nothing but its margins.
    """
    if side <= tile_px:
        return [Span(0, side, 0, side)]
    if side % stride:
        raise ValueError(
            f"a canvas seen in tiles must have sides that are multiples of the network's stride, "
            f"{stride}; got {side}; take {-(-side // stride) * stride}"
        )
    margin = -(-margin_px // stride)  # in cells from here on
    cells, longest = side // stride, tile_px // stride - 2 * margin
    if longest < 1:
        raise ValueError(
            f"a tile of {tile_px} pixels must be longer than two margins, here "
            f"{2 * margin * stride}, by a stride of {stride}"
        )
    count = -(-(cells - 2 * margin) // longest)
    length = -(-(cells - 2 * margin) // count) + 2 * margin
    starts = [(2 * k * (cells - length) + count - 1) // (2 * (count - 1)) for k in range(count)]
    edges = [(low + length + high) // 2 for low, high in pairwise(starts)]
    bounds = zip(starts, [0, *edges], [*edges, cells], strict=True)
    return [
        Span(start * stride, (start + length) * stride, first * stride, last * stride)
        for start, first, last in bounds
    ]


def run_tiled(
    run: Run,
    canvases: Array,
    stride: int,
    tile_px: int = TILE_PX,
    margin_px: int = MARGIN_PX,
) -> tuple[Array, ...]:
    """Run a network over canvases in tiles and stitch its feature maps.

    Args:
        run: (n, 3, h, w) to one (n, d_j, h_j, w_j) array per level, of any h and w that are
            multiples of the stride; called with one tile of all canvases at a time.
        canvases: (n, 3, height, width), sides multiples of the stride; not changed.
        stride, tile_px, margin_px: see `spans`.

    Returns:
        One (n, d_j, height / s_j, width / s_j) array per level; what `run(canvases)` would return,
        where its receptive field reaches no farther than the margin.

    Raises:
        WeightsError: the maps of a tile are not of whole cells, so that they cannot be stitched.

    Cost: memory for one row of tiles and the maps; 1.5 times the network's work for 4000x3000.
    """
    height, width = canvases.shape[2:]
    down = spans(height, stride, tile_px, margin_px)
    across = spans(width, stride, tile_px, margin_px)
    if len(down) == len(across) == 1:
        return run(canvases)
    rows = []
    for y in down:
        tiles = [
            _crop(run(np.ascontiguousarray(canvases[:, :, y.start : y.end, x.start : x.end])), y, x)
            for x in across
        ]
        rows.append(_concatenate(tiles, axis=3))
    return _concatenate(rows, axis=2)


def _crop(maps: tuple[Array, ...], y: Span, x: Span) -> tuple[Array, ...]:
    """Return a tile's maps without its margins."""
    return tuple(
        level[:, :, _cells(y, level.shape[2]), _cells(x, level.shape[3])] for level in maps
    )


def _cells(span: Span, count: int) -> slice:
    """Return the cells of a tile without its margins."""
    side, first, last = (px - span.start for px in (span.end, span.first, span.last))
    size, remainder = divmod(side, count)
    if remainder or first % size or last % size:
        raise WeightsError(
            f"a network that sees tiles must divide {side} pixels into whole cells; it makes "
            f"{count} of them; fit without --tile"
        )
    return slice(first // size, last // size)


def _concatenate(parts: Sequence[tuple[Array, ...]], axis: int) -> tuple[Array, ...]:
    """Concatenate each level along an axis."""
    if len(parts) == 1:
        return parts[0]
    return tuple(
        array_namespace(*level).concat(level, axis=axis) for level in zip(*parts, strict=True)
    )
