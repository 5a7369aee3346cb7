"""Serial numbers from codes in pictures: DataMatrix, QR and bar codes. Extra [codes]."""

from dataclasses import replace

import numpy as np

from goldensample.errors import GoldenError, ImageError
from goldensample.parts.inspector import PartInspection
from goldensample.records import Array

INSTALL = 'to read codes the extra [codes] must be there; pip install "goldensample[codes]"'
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
LONGEST = 255
"""Characters of a serial number, at most."""


def check_installed() -> None:
    """Make sure, before long work, that codes can be read.

    Raises:
        GoldenError: zxing-cpp is not installed.
    """
    try:
        import zxingcpp  # noqa: F401
    except ImportError:
        raise GoldenError(INSTALL) from None


def read_code(pixels: Array) -> str:
    """Return the text of the one code in a picture.

    A code that is there several times counts once. Of no code, or of several that differ, nothing
    is guessed.

    Args:
        pixels: (H, W, 3) uint8 RGB.

    Raises:
        ImageError: there is no code, several that differ, or one too long for a serial number.
    """
    import zxingcpp

    grey = (pixels @ LUMINANCE).round().astype(np.uint8)
    texts = sorted({code.text.strip() for code in zxingcpp.read_barcodes(grey)})
    if len(texts) != 1:
        found = f"{len(texts)}: {', '.join(texts[:3])}" if texts else "none"
        raise ImageError(f"one code must be in the picture; there is {found}")
    if not 0 < len(texts[0]) <= LONGEST:
        raise ImageError(
            f"a code must have 1 to {LONGEST} characters to be a serial number; it has "
            f"{len(texts[0])}"
        )
    return texts[0]


def with_code(result: PartInspection, view: str) -> PartInspection:
    """Return the result of a part with the serial number that stands on it.

    Args:
        result: of the part, with its pictures.
        view: the name of the view that shows the code; without it, or a code in it, the result is
            an error.
    """
    picture = result.views[view][0] if view in result.views else None
    if picture is None:
        return result if result.error else _failed(result, f"no code: view {view} missing")
    try:
        return replace(result, serial=read_code(picture.pixels))
    except ImageError as error:
        return _failed(result, f"no serial number from view {view}: {error}")


def _failed(result: PartInspection, reason: str) -> PartInspection:
    """Return a result as an error; what its views are is kept."""
    error = "; ".join(filter(None, (result.error, reason)))
    return PartInspection(
        result.part, result.serial, "error", None, error=error, views=result.views
    )
