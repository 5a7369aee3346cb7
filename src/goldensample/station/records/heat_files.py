"""Heat maps as a station keeps and shows them: in blocks, each with its largest value."""

import io
import math
import zlib
from zipfile import BadZipFile

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.records import Array
from goldensample.report.entry import HEAT_PX, Heat, heat_of
from goldensample.report.png import encode_palette_png
from goldensample.report.scale import palette, scale_of, steps_of


def small(values: Array) -> Heat:
    """Return a heat map (H, W) float32 in blocks, 160 a side at most."""
    return heat_of(values, max(1, math.ceil(max(values.shape) / HEAT_PX)))


def to_bytes(heat: Heat) -> bytes:
    """Return a heat map as a small file, in half precision."""
    np.savez_compressed(
        file := io.BytesIO(),
        share=heat.share,
        largest=np.float64(heat.largest),
        block_px=np.int64(heat.block_px),
    )
    return file.getvalue()


def from_bytes(data: bytes) -> Heat:
    """Read what `to_bytes` wrote.

    Raises:
        ArtifactError: it is something else.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as parts:
            return Heat(parts["share"], float(parts["largest"]), int(parts["block_px"]))
    except (ValueError, OSError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ArtifactError(
            f"a heat map must be as it was kept; it is damaged ({error})"
        ) from error


def overlay(heat: Heat, pixel_limit: float | None) -> bytes:
    """Return a PNG, one pixel a block, to be laid over the picture in the report's colours."""
    smallest, largest = heat.bounds()
    steps = steps_of(heat.values(), scale_of(pixel_limit, smallest, largest))
    return encode_palette_png(steps, palette())
