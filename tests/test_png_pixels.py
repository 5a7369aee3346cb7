"""The decoder of PNG: the pixels of Pillow for what it reads, and Pillow's words for the rest."""

import io
import itertools
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images import png_pixels
from goldensample.images.codec import read_image
from goldensample.images.opening import open_header
from goldensample.native.library import library

needs_compiler = pytest.mark.skipif(library() is None, reason="nothing was compiled")
SAMPLES = {0: 1, 4: 2, 2: 3, 6: 4}
"""Samples of a pixel by colour type."""
RANDOM = np.random.default_rng(7)


def filtered(filters: list[int], size: int) -> bytes:
    """Return rows of random bytes, each behind the number of its filter."""
    return b"".join(bytes([kind]) + RANDOM.bytes(size) for kind in filters)


def png(
    color: int,
    width: int,
    lines: list[bytes],
    *,
    parts: int = 1,
    height: int = 0,
    head: bytes = b"\0\0\0",
    depth: int = 8,
    stream: bytes | None = None,
    before: bytes = b"",
    behind: bytes = b"",
) -> bytes:
    """Return a PNG of filtered lines; `stream` replaces their compressed bytes."""
    packed = zlib.compress(b"".join(lines)) if stream is None else stream
    edges = np.linspace(0, len(packed), parts + 1).astype(int)
    header = struct.pack(">IIBB", width, height or len(lines), depth, color) + head
    pixels = (chunk(b"IDAT", packed[a:b]) for a, b in itertools.pairwise(edges))
    body = chunk(b"IHDR", header) + before + b"".join(pixels) + behind
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with the right checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def lines_of(color: int, width: int, filters: list[int]) -> list[bytes]:
    """Return filtered rows of random samples."""
    return [filtered([kind], width * SAMPLES[color]) for kind in filters]


def outcome(path: Path) -> bytes | str:
    """Return the pixels of a file, or why it cannot be read."""
    try:
        return read_image(path).tobytes()
    except ImageError as error:
        return str(error)


@needs_compiler
@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("width", [1, 2, 3, 17, 64])
@pytest.mark.parametrize("color", SAMPLES)
def test_the_pixels_are_pillows(color: int, width: int, parts: int) -> None:
    """All filters in all orders of two, and each as the first row."""
    for first in range(5):
        order = [first, *(k for pair in itertools.product(range(5), repeat=2) for k in pair)]
        data = png(color, width, lines_of(color, width, order), parts=parts)
        found = png_pixels.png_pixels(data, open_header(data))
        expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        assert found is not None
        assert found.flags.c_contiguous
        np.testing.assert_array_equal(found, expected)


@needs_compiler
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_file_of_pillow_is_read_without_it(tmp_path: Path, mode: str) -> None:
    """Smooth pictures, of which Pillow filters each row by another filter."""
    y, x = np.mgrid[:97, :131]
    pixels = np.stack([x + y, 255 - x, x * y // 50, y * 2], axis=2).astype(np.uint8)
    Image.fromarray(pixels, "RGBA").convert(mode).save(path := tmp_path / "a.png")
    data = path.read_bytes()
    found = png_pixels.png_pixels(data, open_header(data))
    np.testing.assert_array_equal(found, np.asarray(Image.open(path).convert("RGB")))
    np.testing.assert_array_equal(found, read_image(path))


RGB = lines_of(2, 9, [0, 1, 2, 3, 4])
PACKED = zlib.compress(b"".join(RGB))
OTHERS = {
    "unknown filter": png(2, 9, [*RGB, filtered([5], 27)]),
    "wrong Adler-32": png(2, 9, RGB, stream=PACKED[:-1] + bytes([PACKED[-1] ^ 1])),
    "no Adler-32": png(2, 9, RGB, stream=PACKED[:-4]),
    "damaged stream": png(2, 9, RGB, stream=PACKED[:20] + b"\xff\xff" + PACKED[22:]),
    "rows missing": png(2, 9, RGB, height=6),
    "a byte missing": png(2, 9, [*RGB[:4], RGB[4][:-1]]),
    "a byte too many": png(2, 9, [*RGB[:4], RGB[4] + b"x"]),
    "a bomb": png(2, 9, [*RGB, bytes(10**7)], height=5),
    "bytes behind the stream": png(2, 9, RGB, stream=PACKED + b"xyz"),
    "no pixels": png(2, 9, RGB, stream=b"", parts=0),
    "text behind the pixels": png(2, 9, RGB, behind=chunk(b"tEXt", b"a\0b")),
    "turned by EXIF behind the pixels": png(
        2, 9, RGB, behind=chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")
    ),
    "interlaced": png(0, 1, [b"\0a"], head=b"\0\0\1"),
    "1 bit": png(0, 8, [b"\0\xa5"], depth=1),
    "16 bits": png(0, 3, [b"\0abcdef"], depth=16),
    "palette": png(3, 4, [b"\0\0\1\1\0"], before=chunk(b"PLTE", b"abcdef")),
}


@pytest.mark.parametrize("name", OTHERS)
def test_all_else_is_left_to_pillow(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pixels or words as without compiled code."""
    data = OTHERS[name]
    (path := tmp_path / "a.png").write_bytes(data)
    assert png_pixels.png_pixels(data, open_header(data)) is None
    result = outcome(path)
    monkeypatch.setattr(png_pixels, "library", lambda: None)
    assert result == outcome(path)


@needs_compiler
def test_what_is_not_looked_at_changes_nothing(tmp_path: Path) -> None:
    """A transparent colour, EXIF ahead of the pixels (turned), bytes behind the file's end."""
    transparent = chunk(b"tRNS", b"\0\1\0\2\0\3")
    exif = chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\3\0\0\0\0\0\0")
    plain, turned = tmp_path / "plain.png", tmp_path / "turned.png"
    plain.write_bytes(png(2, 9, RGB))
    turned.write_bytes(png(2, 9, RGB, before=transparent + exif) + b"more")
    np.testing.assert_array_equal(read_image(turned), read_image(plain)[::-1, ::-1])


def test_damage_that_checksums_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compressed bytes changed at random, their chunk's checksum right: the same as Pillow's."""
    path = tmp_path / "a.png"
    results = {True: list[bytes | str](), False: list[bytes | str]()}
    for place in range(2, len(PACKED), 3):
        stream = bytearray(PACKED)
        stream[place] ^= 1 << place % 8
        path.write_bytes(png(2, 9, RGB, stream=bytes(stream)))
        for compiled in results:
            with monkeypatch.context() as patch:
                if not compiled:
                    patch.setattr(png_pixels, "library", lambda: None)
                results[compiled].append(outcome(path))
    assert results[True] == results[False]
    assert len(set(results[True])) > 1
