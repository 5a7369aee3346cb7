"""Which pixels of a mask file are marked: by its values, its palette and its alpha."""

import numpy as np
from PIL.ImageFile import ImageFile

from goldensample.images import netpbm
from goldensample.images.decoding import _load_pixels, _open_bytes, _orientation, read_samples
from goldensample.images.opening import open_header, silence_warnings
from goldensample.records import Array
from goldensample.storage.locations import Location

_ALPHA_MODES = ("LA", "PA", "RGBA")
_KEYED_MODES = ("1", "L", "P", "RGB")  # may name a value or palette entries as transparent


def read_marked(path: str | Location) -> Array:
    """Decode a mask and return its marked pixels, upright.

    Every value but 0 is marked, in any channel and of any depth. What is fully transparent is not
    marked, whatever its colour. In a picture with a palette, index 0 is not marked and all others
    are, as label tools write masks; only where the palette's first colour is not black and black is
    used further on (a paint program's or an optimiser's palette), the colours count.

    Returns:
        (H, W) bool.

    Raises:
        ImageError: as for `read_samples`.

    Example: the grey values 0, 1, 100 and 255 are unmarked, marked, marked and marked.
    """
    samples = read_samples(path)
    marked: Array = np.any(samples.reshape(*samples.shape[:2], -1), axis=2)  # -> (H, W)
    with _open_bytes(path) as data:
        if netpbm.is_netpbm(data):
            return marked
        image = open_header(data)
        if image.mode not in (*_ALPHA_MODES, *_KEYED_MODES):
            return marked
        operations = _orientation(_load_pixels(image))
        index, alpha = _index(image), _alpha(image)
        palette = image.getpalette("RGB") or [0, 0, 0]
    if index is not None:
        index = _upright(index, operations)
        is_label = not any(palette[:3]) or not (~marked & (index > 0)).any()
        marked = index > 0 if is_label else marked
    return marked if alpha is None else marked & (_upright(alpha, operations) > 0)


def _index(image: ImageFile) -> Array | None:
    """Return the palette's indices, (H, W) uint8; None without a palette."""
    return np.asarray(image.getchannel(0)) if image.mode in ("P", "PA") else None


def _alpha(image: ImageFile) -> Array | None:
    """Return the opacity, (H, W) uint8, 0 where a pixel is transparent; None where all are not."""
    if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
        return None
    with silence_warnings():
        return np.asarray(image.convert("RGBA").getchannel("A"))


def _upright(values: Array, operations: str) -> Array:
    """Return (H, W) values turned by the operations of `codec._orientation`."""
    values = values.swapaxes(0, 1) if "swap" in operations else values
    return values[:: -1 if "ud" in operations else 1, :: -1 if "lr" in operations else 1]
