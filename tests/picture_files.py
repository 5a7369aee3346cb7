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


def planar_tiff(
    samples: np.ndarray,
    order: str = "<",
    tile_hw: tuple[int, int] | None = None,
    packed: bool = False,
) -> bytes:
    """Return (H, W, k) uint8 or uint16 samples as a TIFF with a plane for each colour.

    Args:
        samples: k is 2 for grey with alpha, else 3 or 4.
        order: "<" or ">", that of its bytes.
        tile_hw: in tiles of this size, multiples of 16; None for one strip a plane.
        packed: compress with Deflate.
    """
    height, width, count = samples.shape
    depth = samples.dtype.itemsize
    rows, columns = tile_hw or (height, width)
    parts = []
    for plane in np.moveaxis(samples, 2, 0).astype(f"{order}u{depth}"):
        padded = np.pad(plane, ((0, -height % rows), (0, -width % columns)))
        for y in range(0, len(padded), rows):
            for x in range(0, padded.shape[1], columns):
                part = padded[y : y + rows, x : x + columns].tobytes()
                parts.append(zlib.compress(part) if packed else part)
    starts = [8 + sum(map(len, parts[:k])) for k in range(len(parts))]
    tags = {256: [width], 257: [height], 258: [8 * depth] * count, 259: [8 if packed else 1]}
    tags |= {262: [2 if count > 2 else 1], 277: [count], 284: [2]}
    places, sizes = (324, 325) if tile_hw else (273, 279)
    tags |= {places: starts, sizes: [len(part) for part in parts]}
    tags |= {322: [columns], 323: [rows]} if tile_hw else {278: [height]}
    tags |= {338: [2]} if count in (2, 4) else {}
    data = b"".join(parts)
    data += bytes(len(data) % 2)
    end, entries, values = 8 + len(data), b"", b""
    after = end + 2 + 12 * len(tags) + 4
    for tag, numbers in sorted(tags.items()):
        body = struct.pack(f"{order}{len(numbers)}L", *numbers)
        if len(numbers) > 1:
            values, body = values + body, struct.pack(f"{order}L", after + len(values))
        entries += struct.pack(f"{order}HHL", tag, 4, len(numbers)) + body
    header = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HL", 42, end)
    return header + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + values
