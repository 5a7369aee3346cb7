"""Image codecs: decode, encode, shrink. The only module that imports Pillow.

Pictures are decoded to 8-bit RGB, upright by EXIF. Grey is repeated, palettes are looked up, CMYK
is converted without a colour profile; alpha is ignored: the stored colours are what the camera
measured. Samples of 9 to 16 bits are scaled with one `white` for all pictures. Files with several
frames are refused. A PNG's checksums are verified; damage inside JPEG, BMP or LZW data goes
unnoticed.
"""

import io
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from goldensample.errors import ImageError, StoreError
from goldensample.images.png_chunks import check_png
from goldensample.records import Array
from goldensample.storage.locations import Location, read_bytes

MAX_PIXELS = 178_000_000  # Pillow itself decodes no TIFF or WebP beyond 178,956,970
_READERS: dict[bytes, Callable[[io.BytesIO], ImageFile]] = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    b"RIFF": WebPImageFile,
}
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
_OTHER_BYTE = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_warnings_lock = threading.Lock()


def read_image(path: str | Location, white: int | None = None) -> Array:
    """Decode a picture.

    Args:
        path: of a file on disk, also as text; or a remote file.
        white: sample value in 1 to 65535 that becomes 255, with all above it, in pictures of more
            than 8 bits; below it, samples become round(255 · sample / white).

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        ImageError: the file cannot be read, with the reason, or is deep and there is no `white`.

    Example: with white 4095, the sample 2048 becomes round(127.53) = 128.
    """
    samples = _decode(path)
    if samples.dtype != np.uint8:
        if white is None:
            reason = "samples must have 8 bits, as in the pictures fitted on; these have more"
            raise ImageError(f"cannot read {path}: {reason}; save it so, or fit on deep pictures")
        samples = _lookup_table(white)[samples]
    return samples if samples.ndim == 3 else np.stack([samples] * 3, axis=2)  # -> (H, W, 3)


def read_shape(path: str | Location) -> tuple[int, int]:
    """Return (H, W) of a picture, upright; the file is read but not decoded."""
    with _open_bytes(path) as data:
        image = _read_header(data)
        if isinstance(image, PngImageFile) and check_png(data):
            image.load()  # reads the EXIF orientation that follows the pixels
        transposed = "swap" in _orientation(image)
        return (image.width, image.height) if transposed else (image.height, image.width)


def read_shape_and_peak(path: str | Location) -> tuple[tuple[int, int], int]:
    """Decode a picture and return (H, W) and its largest sample, at least 1; 0 for 8 bits."""
    samples = _decode(path)
    peak = 0 if samples.dtype == np.uint8 else max(int(samples.max()), 1)
    return (len(samples), len(samples[0])), peak


def encode_png(pixels: Array) -> bytes:
    """Return (H, W) or (H, W, 3) uint8 pixels as a PNG file, lossless."""
    Image.fromarray(_check_pixels(pixels)).save(file := io.BytesIO(), "PNG")
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


def _lookup_table(white: int) -> Array:
    """Return the (65536,) uint8 table that maps samples so that `white` becomes 255."""
    if not 1 <= white <= 65535:
        raise ValueError(f"white must be in 1 to 65535; got {white}")
    samples = np.minimum(np.arange(65536), white)
    return ((510 * samples + white) // (2 * white)).astype(np.uint8)


@contextmanager
def _silence_warnings(strict: bool = False) -> Iterator[None]:
    """Silence Pillow's warnings, which are process-wide; strict: a truncated TIFF is an error."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        if strict:
            truncated = ".*(truncated|only got|larger than file|too large)"
            warnings.filterwarnings("error", truncated, UserWarning, r"PIL\.TiffImagePlugin")
        yield


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
        reason = f"the file is damaged ({str(error) or type(error).__name__})"
        if isinstance(error, MemoryError):
            reason = "there is not enough memory for it"
        elif isinstance(error, OSError) and error.strerror:
            reason = error.strerror
        elif re.search("(?i)truncated|only got", str(error)):
            reason = f"the file ends after {len(data):,} bytes, before the picture does"
        raise ImageError(f"cannot read {path}: {reason}") from error


def _read_header(data: bytes) -> ImageFile:
    """Return a picture with its header read and checked; pixels are decoded later."""
    if not data:
        raise ImageError("the file is empty")
    reader = next((reader for start, reader in _READERS.items() if data.startswith(start)), None)
    if reader is None:
        raise ImageError("it is not a PNG, JPEG, BMP, TIFF or WebP picture")
    if reader is PngImageFile:
        check_png(data)
    if reader is WebPImageFile and (size := int.from_bytes(data[4:8], "little") + 8) > len(data):
        raise ImageError(f"the file ends after {len(data):,} of {size:,} bytes")
    with _silence_warnings(strict=reader is TiffImageFile):
        image = reader(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
    if not 0 < image.width * image.height <= MAX_PIXELS:
        shape = f"{image.width:,}x{image.height:,}"
        raise ImageError(f"it must have from 1 to {MAX_PIXELS:,} pixels; it has {shape}; cut it")
    if frames != 1:
        raise ImageError(f"a file must hold one picture; it holds {frames}; save each by itself")
    if reader is JpegImageFile and image.fp and data.find(b"\xff\xd9", image.fp.tell()) < 0:
        raise ImageError(f"the file ends after {len(data):,} bytes, before the picture does")
    return image


def _load_pixels(image: ImageFile) -> ImageFile:
    with (
        _silence_warnings() if isinstance(image, TiffImageFile) else nullcontext()
    ):  # others do not warn
        image.load()
    return image


def _orientation(image: ImageFile) -> str:
    """Return the operations that turn the picture upright: swap axes, flip lr, flip ud."""
    with _silence_warnings():  # Pillow rotates a TIFF itself
        tags = {} if isinstance(image, TiffImageFile) else Image.Image.getexif(image)
    return _ORIENTATIONS.get(tags.get(0x0112, 1), "")


def _deep_colors(data: bytes, image: ImageFile, rawmode: str) -> Array:
    """Decode 16-bit RGB by two passes, as Pillow returns one byte of each sample."""
    if rawmode[:-1] not in ("RGB;16", "RGBA;16", "RGBX;16"):
        raise ImageError(f"16 bits must be grey or RGB; it is {rawmode}; save it with 8 bits")
    with _silence_warnings():
        low = type(image)(io.BytesIO(data))
    other = rawmode[:-1] + _OTHER_BYTE[rawmode[-1]]
    arguments = [(other, *t.args[1:]) if isinstance(t.args, tuple) else other for t in low.tile]
    low.tile = [t._replace(args=a) for t, a in zip(low.tile, arguments, strict=True)]
    high_low = (np.asarray(_load_pixels(i))[..., :3].astype(np.uint16) for i in (image, low))
    return next(high_low) << 8 | next(high_low)


def _decode(path: str | Location) -> Array:
    """Return upright (H, W, 3) uint8 samples, or (H, W) or (H, W, 3) uint16 ones."""
    with _open_bytes(path) as data:
        image = _read_header(data)
        grey16 = image.mode.startswith("I;16")
        tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
        if set(tags.get(339, (1,))) != {1} or not (grey16 or image.mode in _MODES):
            raise ImageError("samples must be whole, unsigned and of at most 16 bits; save it so")
        if grey16 and tags.get(262) == 0:
            raise ImageError("0 must be black in a 16-bit picture; it is white; save it inverted")
        arguments = image.tile[0].args if image.tile else ""
        rawmode = arguments if isinstance(arguments, str) else str((arguments or "?")[0])
        if grey16:
            samples = np.asarray(_load_pixels(image)).astype(np.uint16)
        elif ";16" in rawmode:
            samples = _deep_colors(data, image, rawmode)
        else:
            _load_pixels(image).info.pop("transparency", None)  # else Pillow warns
            samples = np.asarray(image.convert("RGB"))
        operations = _orientation(image)
    samples = samples.swapaxes(0, 1) if "swap" in operations else samples
    samples = samples[:: -1 if "ud" in operations else 1, :: -1 if "lr" in operations else 1]
    return np.ascontiguousarray(samples)
