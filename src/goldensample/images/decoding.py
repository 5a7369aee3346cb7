"""Files to samples, as the camera measured them: 8 or 16 bits, grey or RGB, upright."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile

from goldensample.errors import ImageError, StoreError
from goldensample.images import netpbm
from goldensample.images.depths import DEEP_ADVICE, jpeg_2000_shift, jxl_depth
from goldensample.images.opening import (
    check_pixels,
    open_header,
    reason,
    silence_warnings,
    tiff_tags,
)
from goldensample.images.png_chunks import check_png
from goldensample.images.png_pixels import png_pixels
from goldensample.images.tiff import depth, is_planar, plane_file, refuse
from goldensample.records import Array
from goldensample.storage.locations import Location, read_bytes

_MODES = {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}
_ORIENTATIONS = {
    2: "lr",
    3: "lr ud",
    4: "ud",
    5: "swap",
    6: "swap lr",
    7: "swap lr ud",
    8: "swap ud",
}
_EXIF, _TAKEN, _CHANGED = 0x8769, 0x9003, 0x0132
"""The EXIF directory, when the picture was taken, and when the file was changed."""
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


def read_samples(path: str | Location) -> Array:
    """Decode a picture without scaling.

    Args:
        path: of a file on disk, also as text; or a remote file.

    Returns:
        (H, W, 3) uint8; or, of more than 8 bits, (H, W) or (H, W, 3) uint16. Upright.

    Raises:
        ImageError: the file cannot be read, with the reason.
    """
    with _open_bytes(path) as data:
        return decode_samples(data)


def decode_samples(data: bytes) -> Array:
    """Decode the bytes of a picture as `read_samples` does; damaged ones raise any exception."""
    if netpbm.is_netpbm(data):
        check_pixels(*netpbm.read_header(data).shape[:2])
        samples = netpbm.read_samples(data)
        deep_or_rgb = samples.ndim == 3 or samples.dtype != np.uint8
        return samples if deep_or_rgb else np.stack([samples] * 3, axis=2)
    image = open_header(data)
    samples = _decode(data, image)
    operations = _orientation(image)
    samples = samples.swapaxes(0, 1) if "swap" in operations else samples
    samples = samples[:: -1 if "ud" in operations else 1, :: -1 if "lr" in operations else 1]
    return np.ascontiguousarray(samples)


def read_shape(path: str | Location) -> tuple[int, int]:
    """Return (H, W) of a picture, upright; the file is read but not decoded."""
    with _open_bytes(path) as data:
        if netpbm.is_netpbm(data):
            height, width = netpbm.read_header(data).shape[:2]
            check_pixels(height, width)
            return height, width
        image = open_header(data)
        if isinstance(image, PngImageFile) and check_png(data):
            image.load()  # reads the EXIF orientation that follows the pixels
        transposed = "swap" in _orientation(image)
        return (image.width, image.height) if transposed else (image.height, image.width)


def read_taken(path: str | Location) -> str:
    """Return when a picture was taken by its EXIF data, as "2026-11-30 08:15:00"; "" without.

    Where it says only when the file was changed, that day alone, as "2026-11-30".
    """
    with _open_bytes(path) as data:
        if netpbm.is_netpbm(data):
            return ""
        exif = Image.Image.getexif(open_header(data))
        taken = exif.get_ifd(_EXIF).get(_TAKEN) or str(exif.get(_CHANGED) or "")[:10]
    time = str(taken)[:10].replace(":", "-") + str(taken)[10:19]
    return time if time[:4].isdigit() and time[:4] != "0000" else ""


@contextmanager
def _open_bytes(path: str | Location) -> Iterator[bytes]:
    """Yield the contents of a file; turn exceptions into an `ImageError` with its path."""
    data = b""
    try:
        data = read_bytes(Path(path) if isinstance(path, str) else path)
        yield data
    except ImageError as error:
        raise ImageError(f"cannot read {path}: {error}") from None
    except StoreError:
        raise
    except Exception as error:  # Pillow raises anything on damaged bytes
        raise ImageError(f"cannot read {path}: {reason(error, len(data))}") from error


def _load_pixels(image: ImageFile) -> ImageFile:
    quiet = isinstance(image, TiffImageFile)  # others do not warn
    with silence_warnings() if quiet else nullcontext():
        image.load()
    return image


def _orientation(image: ImageFile) -> str:
    """Return the operations that turn the picture upright: swap axes, flip lr, flip ud.

    Pillow turns a TIFF by itself, pillow-heif a HEIC; a JPEG XL is turned by its own header, not
    by EXIF, unless it holds a JPEG.
    """
    turned = isinstance(image, TiffImageFile)
    if image.format == "JXL":
        turned = not getattr(image, "jpeg", False)
    with silence_warnings():
        tags = {} if turned else Image.Image.getexif(image)
    return _ORIENTATIONS.get(tags.get(0x0112, 1), "")


def _decode(data: bytes, image: ImageFile) -> Array:
    """Return (H, W, 3) uint8 samples, or (H, W) or (H, W, 3) uint16 ones, as they are stored."""
    arguments = image.tile[0].args if image.tile else ""
    rawmode = arguments if isinstance(arguments, str) else str((arguments or "?")[0])
    tags = tiff_tags(data) if isinstance(image, TiffImageFile) else {}
    if image.info.get("bit_depth", 8) > 8:
        raise refuse(f"a HEIC of {image.info['bit_depth']} bits", DEEP_ADVICE)
    if image.format == "JXL" and not image.mode.startswith("I;16") and jxl_depth(data) == 16:
        raise refuse("a JPEG XL of 16 bits with colours", DEEP_ADVICE)
    if image.mode.startswith("I;16"):
        samples = np.asarray(_load_pixels(image)).astype(np.uint16)
        return samples >> jpeg_2000_shift(data) if isinstance(image, Jpeg2KImageFile) else samples
    if tags and depth(tags) == 16:
        return _deep_planes(data) if is_planar(tags) else _deep_colors(data, image, rawmode)
    if isinstance(image, PngImageFile):
        if ";16" in rawmode:
            return _deep_colors(data, image, rawmode)
        if (pixels := png_pixels(data, image)) is not None:
            return pixels
    if image.mode not in _MODES:
        raise refuse(f"pixels of kind {image.mode}")
    _load_pixels(image).info.pop("transparency", None)  # else Pillow warns
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _deep_planes(data: bytes) -> Array:
    """Decode 16-bit RGB whose colours lie in planes, each as a grey picture."""
    tags = tiff_tags(data)
    planes = []
    for plane in range(3):
        with silence_warnings():
            grey = TiffImageFile(io.BytesIO(plane_file(data, tags, plane)))
        planes.append(np.asarray(_load_pixels(grey)).astype(np.uint16))
    return np.stack(planes, axis=2)  # -> (H, W, 3)


def _deep_colors(data: bytes, image: ImageFile, rawmode: str) -> Array:
    """Decode 16-bit RGB by two passes, as Pillow returns one byte of each sample."""
    if rawmode[:-1] not in ("RGB;16", "RGBA;16", "RGBX;16"):
        raise refuse("grey with alpha at 16 bits", "save it without alpha")
    with silence_warnings():
        low = type(image)(io.BytesIO(data))
    other = rawmode[:-1] + _OTHER_BYTE[rawmode[-1]]
    arguments = [(other, *t.args[1:]) if isinstance(t.args, tuple) else other for t in low.tile]
    low.tile = [t._replace(args=a) for t, a in zip(low.tile, arguments, strict=True)]
    high_low = (np.asarray(_load_pixels(i))[..., :3].astype(np.uint16) for i in (image, low))
    return next(high_low) << 8 | next(high_low)
