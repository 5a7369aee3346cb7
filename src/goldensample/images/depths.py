"""Depths of pictures whose decoders keep 8 bits or scale without a word: read from the bytes."""

import struct
from collections.abc import Iterator

from goldensample.errors import ImageError
from goldensample.images.tiff import refuse

_STREAMS = (b"jxlc", b"jxlp")
DEEP_ADVICE = "save it as PNG or TIFF of 16 bits"
_JPEG_NAMES = {0xF7: "JPEG-LS", 0xC5: "hierarchical JPEG", 0xC6: "hierarchical JPEG"}


def check_jpeg(data: bytes) -> None:
    """Refuse a JPEG that is valid and yet not read: of 12 or 16 bits, JPEG-LS, hierarchical.

    Raises:
        ImageError: it is not supported.
    """
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:  # fill, or no length
            at += 1 if marker == 0xFF else 2
            continue
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            if marker in _JPEG_NAMES or marker in (0xC7, 0xCD, 0xCE, 0xCF):
                raise refuse(_JPEG_NAMES.get(marker, "hierarchical JPEG"))
            if data[at + 4] != 8:
                raise refuse(f"a JPEG of {data[at + 4]} bits", DEEP_ADVICE)
            return
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def jpeg_2000_shift(data: bytes) -> int:
    """Return by how many bits a decoded JPEG 2000 of more than 8 bits must be shifted right.

    Raises:
        ImageError: its samples would lose bits or be read wrong; or it is cut short.
    """
    start = data.find(b"\xff\x4f\xff\x51")
    count = int.from_bytes(data[start + 40 : start + 42], "big")
    if start < 0 or len(data) < start + 42 + 3 * count:
        raise ImageError(f"the file ends after {len(data):,} bytes, before the picture does")
    components = [data[start + 42 + 3 * k : start + 45 + 3 * k] for k in range(count)]
    bits = (components[0][0] & 127) + 1
    if any(depth & 128 for depth, *_ in components):
        raise refuse("signed samples in a JPEG 2000")
    if any(one != components[0] for one in components) or components[0][1:] != b"\1\1":
        raise refuse("JPEG 2000 whose colours differ in size or depth")
    if bits > (16 if count == 1 else 8):
        raise refuse(f"a JPEG 2000 of {bits} bits with {count} samples a pixel", DEEP_ADVICE)
    if bits < 8:
        raise refuse(f"a JPEG 2000 of {bits} bits")
    color = data.find(b"colr\1", 0, start)
    kind = int.from_bytes(data[color + 7 : color + 11], "big")
    if color > 0 and kind not in (12, 16, 17, 18):
        raise refuse(f"colours of kind {kind} in a JPEG 2000")
    if b"\xff\xd9" not in data[-2:] and data.find(b"\xff\xd9", len(data) - 4096) < 0:
        raise ImageError(f"the file ends after {len(data):,} bytes, before the picture does")
    return 16 - bits if bits > 8 else 0


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (kind, contents) of the boxes of an ISO media file, a last one that is cut included."""
    at = 0
    while at + 8 <= len(data):
        length, kind = struct.unpack(">L4s", data[at : at + 8])
        head = 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        length = length or len(data) - at
        if length < head:
            return
        yield kind, data[at + head : at + length]
        at += length


def is_avif(data: bytes) -> bool:
    """Return whether a file is an AVIF, by its brands."""
    brands = data[8 : int.from_bytes(data[:4], "big")]
    return data[4:8] == b"ftyp" and (b"avif" in brands or b"avis" in brands)


def is_heic(data: bytes) -> bool:
    """Return whether a file is a HEIC or HEIF, by its brands."""
    kinds = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
    return data[4:8] == b"ftyp" and data[8:12] in kinds and not is_avif(data)


def check_avif(data: bytes) -> None:
    """Refuse an AVIF of more than 8 bits, of which decoding would keep 8.

    Raises:
        ImageError: it has more, or is cut short.
    """
    found = dict(boxes(data))
    ends = sum(len(contents) + 8 for contents in found.values())
    settings = found.get(b"meta", b"").find(b"av1C")
    if settings >= 0 and (flags := found[b"meta"][settings + 6]) & 0x40:
        raise refuse(f"an AVIF of {12 if flags & 0x20 else 10} bits", DEEP_ADVICE)
    if ends and not found.get(b"meta"):
        raise ImageError(f"the file ends after {len(data):,} bytes, before the picture does")


class _Bits:
    """Reads numbers of some bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self.value, self.at = int.from_bytes(data[:64], "little"), 0

    def take(self, count: int) -> int:
        """Return the next bits as a number."""
        number = (self.value >> self.at) & ((1 << count) - 1)
        self.at += count
        return number

    def side(self, small: int) -> None:
        """Pass over a side of the size header."""
        self.take(5 if small else (9, 13, 18, 30)[self.take(2)])

    def size(self) -> None:
        """Pass over a size header."""
        small = self.take(1)
        self.side(small)
        if self.take(3) == 0:
            self.side(small)


def jxl_depth(data: bytes) -> int:
    """Return the bits of a sample of a JPEG XL.

    Raises:
        ImageError: it is of a kind that is not supported.

    Source: ISO/IEC 18181-1, the size header and the image metadata.
    """
    stream = data
    if data[:2] != b"\xff\x0a":
        parts = [c[4:] if kind == b"jxlp" else c for kind, c in boxes(data) if kind in _STREAMS]
        stream = parts[0] if parts else b""
    bits = _Bits(stream[2:])
    bits.size()
    if bits.take(1):
        return 8  # all is as usual
    if bits.take(1):
        bits.take(3)  # orientation, which the decoder applies
        if bits.take(1):
            bits.size()
        if bits.take(1) or bits.take(1):
            raise refuse("a JPEG XL with a preview or several frames")
    if bits.take(1):
        raise refuse("floating-point samples in a JPEG XL", DEEP_ADVICE)
    choice = bits.take(2)
    return (8, 10, 12)[choice] if choice < 3 else 1 + bits.take(6)
