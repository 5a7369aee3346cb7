"""Encode a palette image as PNG: an overlay takes about a kilobyte."""

import struct
import zlib

from goldensample.records import Array


def encode_palette_png(indices: Array, palette: Array) -> bytes:
    """Return a PNG with a palette and an opacity per colour.

    Args:
        indices: (h, w) uint8, rows of `palette`.
        palette: (n, 4) uint8, red green blue opacity, n at most 256.

    Source: Portable Network Graphics, colour type 3 with PLTE and tRNS.
    """
    rows, columns = indices.shape
    scanlines = b"".join(b"\0" + scanline.tobytes() for scanline in indices)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette[:, :3].tobytes()),
            _chunk(b"tRNS", palette[:, 3].tobytes()),
            _chunk(b"IDAT", zlib.compress(scanlines, 9)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    """Return one PNG chunk: length, kind, body, checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
