"""Pixels of the common PNG, 8 bits and not interlaced, in half of the time that Pillow takes."""

import numpy as np
from isal import isal_zlib
from PIL.PngImagePlugin import PngImageFile

from goldensample.images.png_chunks import chunks
from goldensample.native.library import library
from goldensample.records import Array

_SAMPLES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def png_pixels(data: bytes, image: PngImageFile) -> Array | None:
    """Decode a PNG whose chunks were verified; alpha is left out.

    Args:
        data: the file.
        image: its header, as Pillow read it.

    Returns:
        (H, W, 3) uint8, the same as Pillow's. None for other kinds, for damaged files, for those
        with more behind the pixels, and where nothing was compiled: all that is left to Pillow.
    """
    compiled, step = library(), _SAMPLES.get(image.mode, 0)
    is_plain = image.tile and image.tile[0].args == image.mode and "interlace" not in image.info
    if compiled is None or not step or not is_plain:
        return None
    parts = []
    for kind, contents in chunks(data, image.tile[0].offset - 8):
        if kind not in (b"IDAT", b"IEND"):
            return None
        parts.append(contents)
    height, size = image.height, image.width * step
    stream = isal_zlib.decompressobj()
    try:
        lines = stream.decompress(b"".join(parts), height * (size + 1) + 1)
    except isal_zlib.error:  # type: ignore[misc]  # its stub calls the class a value
        return None
    if len(lines) != height * (size + 1) or not stream.eof or stream.unused_data:
        return None
    rows = np.empty((height + 1, size), np.uint8)
    rows[0] = 0  # stands above the first row
    if compiled.png_rows(lines, height, image.width, step, rows.ctypes.data) < height:
        return None
    return _as_rgb(rows[1:].reshape(height, image.width, step))


def _as_rgb(samples: Array) -> Array:
    """Return (H, W, 3) pixels of grey, grey and alpha, RGB, or RGB and alpha."""
    if samples.shape[2] == 3:
        return samples
    pixels = np.empty((*samples.shape[:2], 3), np.uint8)
    pixels[:] = samples[..., : 1 if samples.shape[2] < 3 else 3]
    return pixels
