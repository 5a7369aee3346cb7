"""What a TIFF holds, told by its tags: what is read, what is refused, and planes by themselves."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from goldensample.errors import ImageError

_READ = {1, 2, 3, 4, 5, 7, 8, 32773, 32946, 34925, 50000}
_COMPRESSIONS = {
    6: "old JPEG",
    9: "JBIG",
    10: "JBIG",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34661: "JBIG",
    34676: "SGI Log",
    34677: "SGI Log",
    34712: "JPEG 2000",
    34887: "LERC",
    34892: "lossy DNG",
    34933: "PNG",
    34934: "JPEG XR",
    50001: "WebP",
    50002: "JPEG XL",
    22610: "JPEG XR",
    32809: "ThunderScan",
    52546: "JPEG XL",
    32766: "NeXT",
    34927: "WebP",
}
_COLORS = {
    4: "a transparency mask",
    8: "CIELAB colours",
    9: "CIELAB colours",
    10: "CIELAB colours",
    32803: "raw colour-filter (CFA, Bayer) pixels",
    34892: "raw linear pixels",
    32844: "LogLuv colours",
    32845: "LogLuv colours",
    51177: "a depth map",
}
_FORMATS = {2: "signed samples", 3: "floating-point samples", 4: "samples of no stated kind"}
_ADVICE = "save it as PNG, or as TIFF of 8 or 16 bits, grey or RGB"


def refuse(what: str, advice: str = _ADVICE) -> ImageError:
    """Return the error for a valid file of a kind that is not read."""
    return ImageError(f"not supported: {what}; {advice}")


def check_tags(tags: Mapping[int, Any]) -> None:
    """Refuse what would not be read, or not right.

    Args:
        tags: of the first picture, values or tuples of them by number.

    Raises:
        ImageError: it is not supported, and why.
    """
    compression, color = int(tags.get(259, 1)), int(tags.get(262, 1))
    if compression not in _READ:
        name = _COMPRESSIONS.get(compression, f"number {compression}")
        raise refuse(f"{name} compression in a TIFF", "save it with LZW or without compression")
    if color not in (0, 1, 2, 3, 5, 6):
        raise refuse(f"{_COLORS.get(color, f'colours of kind {color}')} in a TIFF")
    formats = set(_numbers(tags, 339, 1)) - {1}
    if formats:
        raise refuse(_FORMATS.get(formats.pop(), "complex samples") + " in a TIFF")
    bits, samples = depth(tags), sample_count(tags)
    if len(set(_numbers(tags, 258, 1))) > 1:
        raise refuse("samples of different depths in one TIFF")
    if bits not in (1, 2, 4, 8, 16) and not (bits == 12 and samples == 1):
        raise refuse(f"{bits} bits a sample in a TIFF with {samples} samples a pixel")
    if bits > 8:
        _check_deep(tags, bits, color, samples)
    if color == 6 and compression == 1 and _numbers(tags, 530, (2, 2)) != (1, 1):
        raise refuse("subsampled YCbCr colours without compression")
    if color == 5 and int(tags.get(332, 1)) != 1:
        raise refuse("inks other than CMYK")


def _check_deep(tags: Mapping[int, Any], bits: int, color: int, samples: int) -> None:
    """Refuse pictures of more than 8 bits that would not be read right."""
    if color == 0:
        raise refuse(f"0 as white at {bits} bits", "save it with 0 as black")
    names = {3: "a palette", 5: "CMYK colours", 6: "YCbCr colours"}
    if color in names:
        raise refuse(f"{names[color]} at {bits} bits")
    if 1 in _numbers(tags, 338, ()):
        raise refuse(f"colours multiplied with alpha at {bits} bits", "save it without alpha")
    if color == 1 and samples > 1 and not (samples == 2 and is_planar(tags)):
        raise refuse(f"grey with alpha at {bits} bits", "save it without alpha")
    if color == 2 and (samples not in (3, 4) or (bits != 16)):
        raise refuse(f"{samples} samples a pixel at {bits} bits")
    if int(tags.get(266, 1)) != 1:
        raise refuse(f"reversed bits at {bits} bits")


def depth(tags: Mapping[int, Any]) -> int:
    """Return the bits of a sample."""
    return _numbers(tags, 258, 1)[0]


def sample_count(tags: Mapping[int, Any]) -> int:
    """Return the samples of a pixel."""
    return int(tags.get(277, 1))


def is_planar(tags: Mapping[int, Any]) -> bool:
    """Return whether each colour lies in a plane of its own."""
    return int(tags.get(284, 1)) == 2 and sample_count(tags) > 1


def plane_file(data: bytes, tags: Mapping[int, Any], plane: int) -> bytes:
    """Return one plane of a planar TIFF as the file of a grey picture.

    Args:
        data: the file, classic or BigTIFF.
        tags: of its first picture.
        plane: from 0.
    """
    entries = {tag: _numbers(tags, tag, ()) for tag in (256, 257, 266, 274, 278, 317, 322, 323)}
    black_or_white = min(int(tags.get(262, 1)), 1)  # which 0 is
    entries |= {258: (depth(tags),), 259: (int(tags.get(259, 1)),), 277: (1,)}
    entries[262] = (black_or_white,)
    for tag in (273, 279, 324, 325):
        values = _numbers(tags, tag, ())
        each = len(values) // sample_count(tags)
        entries[tag] = values[plane * each : (plane + 1) * each]
    order, body = "<" if data[:2] == b"II" else ">", data + bytes(len(data) % 2)
    present = sorted((tag, values) for tag, values in entries.items() if values)
    directory, after = struct.pack(f"{order}H", len(present)), b""
    end = len(body) + 2 + 12 * len(present) + 4
    for tag, values in present:
        packed = struct.pack(f"{order}{len(values)}L", *values)
        if len(values) > 1:
            after, packed = after + packed, struct.pack(f"{order}L", end + len(after))
        directory += struct.pack(f"{order}HHL", tag, 4, len(values)) + packed
    header = data[:2] + struct.pack(f"{order}HL", 42, len(body))
    return header + body[8:] + directory + bytes(4) + after


def _numbers(tags: Mapping[int, Any], tag: int, default: int | Sequence[int]) -> tuple[int, ...]:
    """Return the values of a tag as a tuple."""
    value = tags.get(tag, default)
    return tuple(value) if isinstance(value, tuple | list) else (int(value),)
