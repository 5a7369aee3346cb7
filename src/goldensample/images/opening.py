"""Which reader opens a file, by its first bytes; and what its header must be."""

import ctypes
import io
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import AvifImagePlugin, _imaging
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from goldensample.errors import ImageError
from goldensample.images.depths import (
    check_avif,
    check_jpeg,
    is_avif,
    is_heic,
    jpeg_2000_shift,
    jxl_depth,
)
from goldensample.images.png_chunks import check_png
from goldensample.images.tiff import check_tags, is_planar, plane_file, refuse, sample_count

MAX_PIXELS = 178_000_000  # Pillow itself decodes no TIFF or WebP beyond 178,956,970
Reader = Callable[[io.BytesIO], ImageFile]
_READERS: dict[bytes, Reader] = {
    b"\x89PNG\r\n\x1a\n": PngImageFile,
    b"\xff\xd8\xff": JpegImageFile,
    b"BM": BmpImageFile,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), TiffImageFile),
    b"RIFF": WebPImageFile,
    **dict.fromkeys((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), Jpeg2KImageFile),
}
_JXL = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
_OTHERS = {
    b"GIF8": "GIF",
    b"%PDF": "PDF",
    b"P7\n": "PAM",
    b"Pf": "PFM",
    b"PF": "PFM",
    b"\x76\x2f\x31\x01": "OpenEXR",
    b"8BPS": "Photoshop",
    b"SIMPLE  =": "FITS",
    b"II\xbc\x01": "JPEG XR",
    b"\x00\x00\x01\x00": "an icon",
    b"\x93NUMPY": "NumPy",
}
KNOWN = "PNG, JPEG, BMP, TIFF, WebP, PGM, PPM, JPEG 2000 or AVIF (HEIC and JPEG XL with an extra)"
_UNSUPPORTED = (
    "(?i)unknown (pixel|raw) mode|data organization|cannot handle|support not|not (yet )?support|"
    "unsupported (?!bmp header)"
)
_warnings_lock = threading.Lock()


@contextmanager
def silence_warnings(strict: bool = False) -> Iterator[None]:
    """Silence Pillow's warnings, which are process-wide; strict: a truncated TIFF is an error."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif|pillow_jxl)\.")
        if strict:
            truncated = ".*(truncated|only got|larger than file|too large)"
            warnings.filterwarnings("error", truncated, UserWarning, r"PIL\.TiffImagePlugin")
        yield


def _silence_libtiff() -> None:
    """Keep libtiff, where Pillow links it, from writing to stderr: Pillow raises its errors."""
    library = ctypes.CDLL(_imaging.__file__)
    for name in ("TIFFSetErrorHandler", "TIFFSetWarningHandler"):
        if set_handler := getattr(library, name, None):
            set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            set_handler(None)


_silence_libtiff()


def open_header(data: bytes) -> ImageFile:
    """Return a picture with its header read and checked; pixels are decoded later.

    Raises:
        ImageError: it is none, has too many pixels or several frames, or is not supported.
    """
    if not data:
        raise ImageError("the file is empty")
    reader = _find_reader(data)
    if reader is PngImageFile:
        check_png(data)
    elif reader is JpegImageFile:
        check_jpeg(data)
    elif reader is Jpeg2KImageFile:
        jpeg_2000_shift(data)
    elif reader is TiffImageFile:
        data = _check_tiff(data)
    elif reader is WebPImageFile and (size := int.from_bytes(data[4:8], "little") + 8) > len(data):
        raise ImageError(f"the file ends after {len(data):,} of {size:,} bytes")
    with silence_warnings(strict=reader is TiffImageFile):
        image = reader(io.BytesIO(data))
        frames = getattr(image, "n_frames", 1)
    check_pixels(image.height, image.width)
    if frames != 1:
        raise ImageError(f"a file must hold one picture; it holds {frames}; save each by itself")
    if reader is JpegImageFile and image.fp and data.find(b"\xff\xd9", image.fp.tell()) < 0:
        raise ImageError(f"the file ends after {len(data):,} bytes, before the picture does")
    return image


def check_pixels(height: int, width: int) -> None:
    """Refuse a picture without pixels, or with more than are decoded."""
    if not 0 < width * height <= MAX_PIXELS:
        shape = f"{width:,}x{height:,}"
        raise ImageError(f"it must have from 1 to {MAX_PIXELS:,} pixels; it has {shape}; cut it")


def _find_reader(data: bytes) -> Reader:
    """Return what opens a file.

    Raises:
        ImageError: nothing does.
    """
    for start, reader in _READERS.items():
        if data.startswith(start):
            return reader
    if is_avif(data):
        if not AvifImagePlugin.SUPPORTED:
            raise refuse("AVIF by this build of Pillow", "install Pillow's own wheel")
        check_avif(data)
        return AvifImagePlugin.AvifImageFile
    if is_heic(data):
        return _heic_reader()
    if data.startswith(_JXL):
        return _jxl_reader(data)
    name = next((name for start, name in _OTHERS.items() if data.startswith(start)), None)
    if name:
        raise refuse(name, f"save it as {KNOWN}")
    raise ImageError(f"it is not a {KNOWN} picture")


def _check_tiff(data: bytes) -> bytes:
    """Refuse a TIFF that would not be read right; return it, or one's grey plane."""
    if data.startswith(b"MM\0+"):  # Pillow takes it for a classic one
        raise refuse("a BigTIFF whose numbers begin with the high byte (big-endian)")
    tags = tiff_tags(data)
    check_tags(tags)
    return plane_file(data, tags, 0) if is_planar(tags) and sample_count(tags) == 2 else data


def tiff_tags(data: bytes) -> ImageFileDirectory_v2:
    """Return the tags of a TIFF's first picture."""
    with silence_warnings(strict=True):
        head = data[:16] if data[2:3] == b"+" or data[3:4] == b"+" else data[:8]
        tags, file = ImageFileDirectory_v2(head), io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        dict(tags)  # unpacks all, which warns of what is cut off
    return tags


def _heic_reader() -> Reader:
    try:
        from pillow_heif import HeifImageFile
    except ImportError:
        raise ImageError(
            'HEIC must have the extra [formats]; pip install "goldensample[formats]", or '
            "save it as PNG or JPEG"
        ) from None
    return HeifImageFile


def _jxl_reader(data: bytes) -> Reader:
    try:
        from pillow_jxl.JpegXLImagePlugin import JXLImageFile
    except ImportError:
        raise ImageError(
            'JPEG XL must have the extra [formats]; pip install "goldensample[formats]", or '
            "save it as PNG or JPEG"
        ) from None
    if (bits := jxl_depth(data)) not in (8, 16):
        raise refuse(f"a JPEG XL of {bits} bits", "save it as PNG or TIFF of 16 bits")
    return JXLImageFile


def reason(error: Exception, size: int) -> str:
    """Return in words why a file of so many bytes cannot be read."""
    said = str(error) or type(error).__name__
    if isinstance(error, MemoryError):
        return "there is not enough memory for it"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if re.search("(?i)truncated|only got|end of (file|data)|too short", said):
        return f"the file ends after {size:,} bytes, before the picture does"
    if re.search(_UNSUPPORTED, said):
        return f"not supported: {said}; save it as PNG, or as TIFF of 8 or 16 bits, grey or RGB"
    return f"the file is damaged ({said})"
