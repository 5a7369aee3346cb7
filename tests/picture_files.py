"""Picture files made byte by byte, which Pillow cannot write."""

import struct
import zlib

import numpy as np


def png(width: int, height: int, depth: int, kind: int, rows: bytes, *late: bytes) -> bytes:
    """Return a PNG from unfiltered rows; `late` parts follow the pixels."""

    def part(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    head = part(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    rest = b"".join(part(data[:4], data[4:]) for data in late)
    body = part(b"IDAT", zlib.compress(rows)) + rest + part(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + body


def png16(samples: np.ndarray, kind: int, *late: bytes) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png(samples.shape[1], samples.shape[0], 16, kind, rows, *late)


def tiff(size_hw: tuple[int, int], data: bytes, tags: dict[int, int | tuple[int, ...]]) -> bytes:
    """Return an uncompressed TIFF with the given tags beside those of size and place."""
    tags = {256: size_hw[1], 257: size_hw[0], 259: 1, 278: size_hw[0], 279: len(data), **tags}
    place = 8 + 2 + 12 * (len(tags) + 1) + 4
    values, entries = b"", b""
    for tag, value in sorted({**tags, 273: 0}.items()):
        many = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(many)}H", *many)
        if tag == 273:
            extra = sum(2 * len(v) for v in tags.values() if isinstance(v, tuple) and len(v) > 2)
            packed = struct.pack("<H", place + extra)
        elif len(packed) > 4:
            values += packed
            packed = struct.pack("<I", place + len(values) - len(packed))
        entries += struct.pack("<HHI", tag, 3, len(many)) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags) + 1)
    return head + entries + bytes(4) + values + data
