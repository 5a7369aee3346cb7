"""Picture files: ordinary ones, and ones made byte by byte, which Pillow cannot write."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from goldensample.images.codec import encode_png

COLORS = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def write_png(path: Path, pixels: np.ndarray = COLORS) -> Path:
    """Write a PNG under any name, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_png(pixels))
    return path


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    """Save a picture in the format of its name, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def png(
    width: int, height: int, depth: int, kind: int, rows: bytes, *trailing_chunks: bytes
) -> bytes:
    """Return a PNG from unfiltered rows; `trailing_chunks` follow the pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    trailing = b"".join(chunk(data[:4], data[4:]) for data in trailing_chunks)
    body = chunk(b"IDAT", zlib.compress(rows)) + trailing + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + body


def png16(samples: np.ndarray, kind: int, *trailing_chunks: bytes) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    return png(samples.shape[1], samples.shape[0], 16, kind, rows, *trailing_chunks)


def tiff(size_hw: tuple[int, int], data: bytes, tags: dict[int, int | tuple[int, ...]]) -> bytes:
    """Return an uncompressed TIFF with the given tags besides those of size and offset."""
    tags = {256: size_hw[1], 257: size_hw[0], 259: 1, 278: size_hw[0], 279: len(data), **tags}
    offset = 8 + 2 + 12 * (len(tags) + 1) + 4
    values, entries = b"", b""
    for tag, value in sorted({**tags, 273: 0}.items()):
        numbers = value if isinstance(value, tuple) else (value,)
        packed = struct.pack(f"<{len(numbers)}H", *numbers)
        if tag == 273:
            extra = sum(2 * len(v) for v in tags.values() if isinstance(v, tuple) and len(v) > 2)
            packed = struct.pack("<H", offset + extra)
        elif len(packed) > 4:
            values += packed
            packed = struct.pack("<I", offset + len(values) - len(packed))
        entries += struct.pack("<HHI", tag, 3, len(numbers)) + packed.ljust(4, b"\0")
    header = b"II*\0" + struct.pack("<IH", 8, len(tags) + 1)
    return header + entries + bytes(4) + values + data
