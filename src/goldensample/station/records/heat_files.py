"""Heat maps as a station stores and shows them: max-pooled in blocks."""

import io
import math
import zlib
from zipfile import BadZipFile

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.records import Array
from goldensample.report.entry import HEAT_PX, Heat, pool_heat_map
from goldensample.report.png import encode_palette_png
from goldensample.report.scale import ColourScale, fit_scale, palette, quantise_heat


def downsample(values: Array) -> Heat:
    """Max-pool a heat map (H, W) float32 to 160 blocks a side at most."""
    return pool_heat_map(values, max(1, math.ceil(max(values.shape) / HEAT_PX)))


def to_bytes(heat: Heat) -> bytes:
    """Encode a heat map as a compressed NPZ file, in half precision."""
    np.savez_compressed(
        file := io.BytesIO(),
        share=heat.share,
        largest=np.float64(heat.largest),
        block_px=np.int64(heat.block_px),
    )
    return file.getvalue()


def from_bytes(data: bytes) -> Heat:
    """Decode the file of `to_bytes`.

    Raises:
        ArtifactError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as parts:
            return Heat(parts["share"], float(parts["largest"]), int(parts["block_px"]))
    except (ValueError, OSError, KeyError, EOFError, BadZipFile, zlib.error) as error:
        raise ArtifactError(
            f"a heat map must be as it was kept; it is damaged ({error})"
        ) from error


def overlay(heat: Heat, pixel_limit: float | None, begin: float | None = None) -> bytes:
    """Return a PNG overlay of the picture, one pixel a block, in the report's colours.

    Args:
        heat: of the picture.
        pixel_limit: above which a pixel is of a region, or None.
        begin: largest value without colour; None for the limit.
    """
    scale = fit_scale(pixel_limit, *heat.bounds())
    if begin is not None and begin < scale.full:
        scale = ColourScale(begin, scale.full, begin)
    return encode_palette_png(quantise_heat(heat.values(), scale), palette(scale))
