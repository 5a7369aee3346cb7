"""Pixel formats of industrial cameras (GenICam PFNC): a frame's bytes to pixels.

Grey of more than 8 bits stays deep: its samples are those of the sensor. A Bayer mosaic becomes RGB
by bilinear interpolation, in whole numbers, the same on every machine: pictures that a product was
fitted on and those that it judges must have come by the same interpolation.
"""

from math import ceil, prod

import numpy as np

from goldensample.errors import ImageError
from goldensample.records import Array

WIDE = {"Mono10": 10, "Mono12": 12, "Mono14": 14, "Mono16": 16}
"""Grey samples of two bytes, the low one first."""
STREAMS = {"Mono10p": 10, "Mono12p": 12}
"""Grey samples one after the other without gaps, the lowest bit first."""
GROUPS = {"Mono10Packed": 10, "Mono12Packed": 12}
"""Two grey samples in three bytes: their high bits in the outer ones, their low bits between."""
COLOURS = {"RGB8": (0, 1, 2), "BGR8": (2, 1, 0), "RGBa8": (0, 1, 2), "BGRa8": (2, 1, 0)}
"""Where red, green and blue are."""
BAYER = {"BayerRG8": (0, 0), "BayerGR8": (0, 1), "BayerGB8": (1, 0), "BayerBG8": (1, 1)}
"""Row and column of the first red sample."""
FORMATS = ("Mono8", *WIDE, *STREAMS, *GROUPS, *COLOURS, *BAYER)
ALIASES = {"RGB8Packed": "RGB8", "BGR8Packed": "BGR8", "RGBA8Packed": "RGBa8"}
"""Names of cameras from before the naming convention."""
DEMOSAIC = "bilinear"


def decode_pixels(data: bytes, pixel_format: str, height: int, width: int, pad: int = 0) -> Array:
    """Return the pixels of a frame: (H, W) grey, uint8 or uint16, or (H, W, 3) uint8 RGB.

    Args:
        data: of the frame; what follows its pixels is left out.
        pixel_format: one of FORMATS or ALIASES.
        height: rows.
        width: pixels of a row.
        pad: bytes after each row.

    Raises:
        ImageError: the format is none of these, or there are too few bytes.
    """
    name = ALIASES.get(pixel_format, pixel_format)
    if name not in FORMATS:
        raise ImageError(
            f"a camera's pixel format must be one of {', '.join(FORMATS)}; it is {pixel_format}; "
            "choose another (pixel-format=)"
        )
    rows = _rows(data, name, height, width, pad)
    if name == "Mono8":
        return rows.copy()
    if name in WIDE:
        return rows.view("<u2").astype(np.uint16)
    if name in STREAMS:
        return _unpack_stream(rows, STREAMS[name], height, width)
    if name in GROUPS:
        return _unpack_groups(rows, GROUPS[name], height, width)
    if name in BAYER:
        return demosaic(rows, BAYER[name])
    return rows.reshape(height, width, -1)[:, :, list(COLOURS[name])].copy()


def _rows(data: bytes, name: str, height: int, width: int, pad: int) -> Array:
    """Return a frame's bytes without padding: (H, bytes of a row), or (bytes,) of packed ones."""
    shape: tuple[int, ...] = (height, width * _bytes_of(name))
    if packed := STREAMS.get(name) or (12 if name in GROUPS else 0):
        # rows follow each other without a gap, unless they are padded
        shape = (height, ceil(width * packed / 8)) if pad else (ceil(height * width * packed / 8),)
    count = prod(shape) + (height - 1) * pad
    if len(data) < count:
        raise ImageError(f"a frame of {name} must have {count:,} bytes; it has {len(data):,}")
    whole = np.frombuffer(data, np.uint8, count)
    if not pad:
        return whole.reshape(shape)
    padded = np.concatenate([whole, np.zeros(pad, np.uint8)]).reshape(height, -1)
    return padded[:, : shape[-1]]


def _bytes_of(name: str) -> int:
    """Return the bytes of a pixel that is not packed."""
    if name in COLOURS:
        return 4 if "a" in name else 3
    return 2 if name in WIDE else 1


def _unpack_stream(rows: Array, bits: int, height: int, width: int) -> Array:
    """Unpack samples that follow each other, the lowest bit first."""
    size = {10: 5, 12: 3}[bits]
    groups = _groups(rows, size)
    samples = np.empty((*groups.shape[:-1], size * 8 // bits), np.uint16)
    for index in range(samples.shape[-1]):
        byte, shift = divmod(index * bits, 8)
        pair = groups[..., byte] | groups[..., byte + 1] << 8
        samples[..., index] = pair >> shift & (1 << bits) - 1
    return _picture(samples, height, width)


def _unpack_groups(rows: Array, bits: int, height: int, width: int) -> Array:
    """Unpack pairs of samples, whose low bits share the byte between their high ones."""
    groups, low = _groups(rows, 3), bits - 8
    mask = (1 << low) - 1
    first = groups[..., 0] << low | groups[..., 1] & mask
    second = groups[..., 2] << low | groups[..., 1] >> 4 & mask
    return _picture(np.stack([first, second], axis=-1), height, width)


def _groups(rows: Array, size: int) -> Array:
    """Return bytes in groups of a size, as uint16; the last one is filled up with zeros."""
    missing = -rows.shape[-1] % size
    filled = np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(0, missing)])
    return filled.reshape(*rows.shape[:-1], -1, size).astype(np.uint16)


def _picture(samples: Array, height: int, width: int) -> Array:
    """Return unpacked samples as a picture."""
    if samples.ndim == 2:  # rows that follow each other
        return samples.reshape(-1)[: height * width].reshape(height, width)
    return samples.reshape(height, -1)[:, :width].copy()


def demosaic(mosaic: Array, red: tuple[int, int]) -> Array:
    """Return RGB of an (H, W) uint8 mosaic: a colour missing at a pixel is its neighbours' mean.

    Args:
        mosaic: one sample a pixel.
        red: row and column of the first red sample, each 0 or 1.

    Raises:
        ImageError: the mosaic has fewer than 2 rows or columns.
    """
    if min(mosaic.shape) < 2:
        raise ImageError(f"a Bayer mosaic must have 2 rows and columns; it has {mosaic.shape}")
    planes = []
    for places in ([red], [(red[0], 1 - red[1]), (1 - red[0], red[1])], [(1 - red[0], 1 - red[1])]):
        plane = np.zeros(mosaic.shape, np.uint16)
        for row, column in places:
            plane[row::2, column::2] = mosaic[row::2, column::2]
        padded = np.pad(plane, 1, mode="reflect")  # keeps the pattern beyond the border
        planes.append(_cross(padded) if len(places) == 2 else _square(padded))
    return np.stack([(plane + 2 >> 2).astype(np.uint8) for plane in planes], axis=2)


def _square(padded: Array) -> Array:
    """Return four times a plane of which every fourth pixel is known, interpolated."""
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    return rows[:-2] + 2 * rows[1:-1] + rows[2:]


def _cross(padded: Array) -> Array:
    """Return four times a plane of which every other pixel is known, interpolated."""
    beside = padded[1:-1, :-2] + padded[1:-1, 2:] + padded[:-2, 1:-1] + padded[2:, 1:-1]
    return beside + 4 * padded[1:-1, 1:-1]
