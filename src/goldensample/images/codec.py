"""Image codecs: pictures to 8-bit RGB, and back to files; shrinking.

Pictures are decoded to 8-bit RGB, upright by EXIF. Grey is repeated, palettes are looked up, CMYK
is converted without a colour profile; alpha is ignored: the stored colours are what the camera
measured. Samples of 9 to 16 bits are scaled with one black and one white level for all pictures.
Files with several frames are refused. A PNG's checksums are verified; damage inside JPEG, BMP or
LZW data goes unnoticed.
"""

import io

import numpy as np
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images.decoding import read_samples, read_shape
from goldensample.images.grey_range import GreyRange, sample_range, scale
from goldensample.images.intake import PictureFacts, picture_facts
from goldensample.records import Array
from goldensample.storage.locations import Location

__all__ = [
    "encode_jpeg",
    "encode_png",
    "read_facts",
    "read_for_view",
    "read_image",
    "read_samples",
    "read_shape",
    "shrink",
]


def read_image(path: str | Location, grey_range: GreyRange | None = None) -> Array:
    """Decode a picture.

    Args:
        path: of a file on disk, also as text; or a remote file.
        grey_range: which samples become black and white in pictures of more than 8 bits; None for
            pictures of 8 bits.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: the file cannot be read, with the reason; or it is deep and there is no
            `grey_range`, or the reverse.

    Example: from black 0 to white 4095, the sample 2048 becomes round(127.53) = 128.
    """
    samples = read_samples(path)
    if samples.dtype == np.uint8:
        if grey_range is not None:
            reason = (
                "samples must have more than 8 bits, as in the pictures fitted on; these have 8"
            )
            raise ImageError(f"cannot read {path}: {reason}; save it so, or fit on 8-bit pictures")
        return samples
    if grey_range is None:
        reason = "samples must have 8 bits, as in the pictures fitted on; these have more"
        raise ImageError(f"cannot read {path}: {reason}; save it so, or fit on deep pictures")
    return _as_rgb(scale(samples, grey_range))


def read_for_view(path: str | Location, grey_range: GreyRange | None = None) -> Array:
    """Decode a picture for people to look at, whatever its depth.

    Args:
        path: as for `read_image`.
        grey_range: for pictures of more than 8 bits; None takes the range of this picture.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: the file cannot be read, with the reason.
    """
    samples = read_samples(path)
    if samples.dtype == np.uint8:
        return samples
    low, high = sample_range(samples)
    own = GreyRange(min(int(low), 65534), max(int(high), min(int(low), 65534) + 1))
    return _as_rgb(scale(samples, grey_range or own))


def read_facts(path: str | Location) -> PictureFacts:
    """Decode a picture and return its facts: shape, range, and what tells it from others."""
    return picture_facts(read_samples(path))


def _as_rgb(pixels: Array) -> Array:
    """Return (H, W, 3) pixels of (H, W) or (H, W, 3) ones."""
    return pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=2)


def encode_png(pixels: Array) -> bytes:
    """Return (H, W) or (H, W, 3) uint8, or (H, W) uint16 pixels as a PNG file, lossless."""
    is_deep = pixels.dtype == np.uint16 and pixels.ndim == 2 and pixels.size
    image = Image.fromarray(np.ascontiguousarray(pixels) if is_deep else _check_pixels(pixels))
    image.save(file := io.BytesIO(), "PNG")
    return file.getvalue()


def encode_jpeg(pixels: Array, quality: int = 85) -> bytes:
    """Return (H, W) or (H, W, 3) uint8 pixels as a JPEG file of a quality in [1, 95]."""
    if not 1 <= quality <= 95:
        raise ValueError(f"quality must be in [1, 95]; got {quality}")
    Image.fromarray(_check_pixels(pixels)).save(file := io.BytesIO(), "JPEG", quality=quality)
    return file.getvalue()


def shrink(pixels: Array, longest_px: int) -> Array:
    """Return uint8 pixels with their longest side at most `longest_px`, antialiased (Lanczos)."""
    if longest_px < 1:
        raise ValueError(f"longest_px must be at least 1; got {longest_px}")
    scale = longest_px / max(_check_pixels(pixels).shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(round(side * scale), 1) for side in pixels.shape[:2])
    return np.array(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _check_pixels(pixels: Array) -> Array:
    if (
        pixels.dtype == np.uint8
        and pixels.size
        and (pixels.ndim, *pixels.shape[2:]) in ((2,), (3, 3))
    ):
        return np.ascontiguousarray(pixels)
    actual = f"{pixels.shape} {pixels.dtype}"
    raise ValueError(f"pixels must be (H, W) or (H, W, 3) uint8, not empty; got {actual}")
