"""Pictures one at a time: every format, depth and orientation, and every kind of broken file."""

import io
import os
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goldensample import images
from goldensample.errors import ImageError
from goldensample.images import (
    encode_jpeg,
    encode_png,
    measure,
    read_image,
    read_shape,
    shrink,
)

RANDOM = np.random.default_rng(0)
COLORS = RANDOM.integers(0, 256, (24, 40, 3), dtype=np.uint8)
GREY16 = RANDOM.integers(0, 4096, (5, 4)).astype(np.uint16)
COLORS16 = RANDOM.integers(0, 65536, (5, 4, 3)).astype(np.uint16)
SMOOTH = np.indices((24, 40)).sum(0).astype(np.uint8)[..., None].repeat(3, axis=2)


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


def expect16(samples: np.ndarray, white: int) -> np.ndarray:
    """Scale sample by sample, the slow and obvious way."""
    scaled = [int(min(int(s), white) * 255 / white + 0.5) for s in samples.ravel()]
    return np.array(scaled, np.uint8).reshape(samples.shape)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "tiff", "webp"])
def test_lossless_formats_come_back_exactly(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    Image.fromarray(COLORS).save(path, **({"lossless": True} if ending == "webp" else {}))
    assert np.array_equal(read_image(path), COLORS)
    assert read_shape(path) == (24, 40)
    assert measure(path) == ((24, 40), 0)


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_jpeg_is_close(tmp_path: Path, options: dict[str, bool]) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", quality=95, **options)
    difference = read_image(tmp_path / "a.jpg").astype(int) - SMOOTH
    assert np.abs(difference).max() <= 3


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits"])
def test_compressed_tiff(tmp_path: Path, compression: str) -> None:
    Image.fromarray(COLORS).save(tmp_path / "a.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "a.tif"), COLORS)
    Image.fromarray(GREY16).save(tmp_path / "b.tif", compression=compression)
    assert np.array_equal(read_image(tmp_path / "b.tif", 4095)[..., 0], expect16(GREY16, 4095))


def test_the_bytes_decide_not_the_ending(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_png(COLORS))
    assert np.array_equal(read_image(tmp_path / "a.jpg"), COLORS)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("ending", ["png", "tif", "jpg"])
def test_modes_become_rgb(tmp_path: Path, mode: str, ending: str) -> None:
    picture = Image.fromarray(SMOOTH).convert(mode)
    if (mode, ending) in {("CMYK", "png"), *((m, "jpg") for m in ("1", "LA", "P", "RGBA"))}:
        with pytest.raises(OSError, match="cannot write mode"):
            picture.save(tmp_path / f"a.{ending}")  # no such file can exist
        return
    picture.save(tmp_path / f"a.{ending}")
    expected = np.asarray(picture.convert("RGB")).astype(int)
    pixels = read_image(tmp_path / f"a.{ending}")
    assert pixels.dtype == np.uint8
    assert pixels.shape == (24, 40, 3)
    assert np.abs(pixels - expected).max() <= (3 if ending == "jpg" else 0)


def test_alpha_is_ignored(tmp_path: Path) -> None:
    alpha = RANDOM.integers(0, 256, (24, 40, 1), dtype=np.uint8)
    Image.fromarray(np.concatenate([COLORS, alpha], axis=2)).save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), COLORS)


@pytest.mark.parametrize("transparency", [3, bytes([0, 128, 255])])
def test_palette_with_transparency_keeps_its_colours(
    tmp_path: Path, transparency: int | bytes
) -> None:
    picture = Image.fromarray(COLORS).quantize(16)
    picture.save(tmp_path / "a.png", transparency=transparency)
    assert np.array_equal(read_image(tmp_path / "a.png"), np.asarray(picture.convert("RGB")))


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_few_bits_span_black_to_white(tmp_path: Path, depth: int) -> None:
    (tmp_path / "a.png").write_bytes(png(8 // depth, 1, depth, 0, b"\0" + bytes([256 - 2**depth])))
    row = read_image(tmp_path / "a.png")[0, :, 0]
    assert row[0] == 255
    assert row[-1] == 0 if depth < 8 else row[-1] == 255


@pytest.mark.parametrize("white", [1023, 4095, 65535])
def test_deep_grey_is_scaled_with_white(tmp_path: Path, white: int) -> None:
    (tmp_path / "a.png").write_bytes(png16(GREY16, 0))
    tags = {258: 16, 262: 1, 277: 1, 339: 1}
    (tmp_path / "b.tif").write_bytes(tiff((5, 4), GREY16.astype("<u2").tobytes(), tags))
    for name in ("a.png", "b.tif"):
        pixels = read_image(tmp_path / name, white)
        assert np.array_equal(pixels, expect16(GREY16, white)[..., None].repeat(3, axis=2))
        assert measure(tmp_path / name) == ((5, 4), int(GREY16.max()))


def test_white_by_hand(tmp_path: Path) -> None:
    samples = np.array([[0, 8, 2048, 4095, 4096, 65535]], np.uint16)
    (tmp_path / "a.png").write_bytes(png16(samples, 0))
    assert read_image(tmp_path / "a.png", 4095)[0, :, 0].tolist() == [0, 0, 128, 255, 255, 255]


def test_12_bit_tiff(tmp_path: Path) -> None:
    packed = bytes([0x00, 0x08, 0x00, 0xFF, 0xF0, 0x01])  # 0, 0x800, 0xfff, 1
    tags = {258: 12, 262: 1, 277: 1}
    (tmp_path / "a.tif").write_bytes(tiff((1, 4), packed, tags))
    assert read_image(tmp_path / "a.tif", 4095)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_16_bit_colours_keep_both_bytes(tmp_path: Path) -> None:
    dark = COLORS16 // 16  # 12 bits in a file of 16: their high bytes alone are nearly black
    shape, tags = (5, 4), {258: (16,) * 3, 262: 2, 277: 3}
    (tmp_path / "a.png").write_bytes(png16(dark, 2))
    (tmp_path / "b.tif").write_bytes(tiff(shape, dark.astype("<u2").tobytes(), tags))
    alpha = np.concatenate([dark, dark[..., :1]], axis=2)
    (tmp_path / "c.png").write_bytes(png16(alpha, 6))
    (tmp_path / "d.png").write_bytes(png16(dark, 2, b"tEXtTitle\0late"))
    for name in ("a.png", "b.tif", "c.png", "d.png"):
        assert np.array_equal(read_image(tmp_path / name, 4095), expect16(dark, 4095)), name
        assert measure(tmp_path / name) == (shape, int(dark.max()))


def test_deep_pictures_need_a_white(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(GREY16, 0))
    with pytest.raises(ImageError, match=r"a\.png: samples must have 8 bits.*more"):
        read_image(tmp_path / "a.png")
    with pytest.raises(ValueError, match="white must be in 1 to 65535; got 0"):
        read_image(tmp_path / "a.png", 0)


def test_8_bits_are_not_scaled(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(COLORS))
    assert np.array_equal(read_image(tmp_path / "a.png", 4095), COLORS)


@pytest.mark.parametrize(
    ("kind", "tags", "reason"),
    [
        ("<f4", {258: 32, 262: 1, 277: 1, 339: 3}, "whole, unsigned"),
        ("<i4", {258: 32, 262: 1, 277: 1, 339: 2}, "whole, unsigned"),
        ("<u4", {258: 32, 262: 1, 277: 1, 339: 1}, "at most 16 bits"),
        ("<i2", {258: 16, 262: 1, 277: 1, 339: 2}, "whole, unsigned"),
        ("<i1", {258: 8, 262: 1, 277: 1, 339: 2}, "whole, unsigned"),
        ("<u2", {258: 16, 262: 0, 277: 1, 339: 1}, "0 must be black"),
    ],
)
def test_odd_samples_are_refused(
    tmp_path: Path, kind: str, tags: dict[int, int | tuple[int, ...]], reason: str
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff((5, 4), GREY16.astype(kind).tobytes(), tags))
    with pytest.raises(ImageError, match=reason):
        read_image(tmp_path / "a.tif", 4095)


def test_16_bit_grey_with_alpha_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(COLORS16[..., :2], 4))
    with pytest.raises(ImageError, match="16 bits must be grey or RGB; it is LA;16B"):
        read_image(tmp_path / "a.png", 4095)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_orientations(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:16, :32] = 250  # top left
    upright[:16, 32:] = 120  # top right
    # What the camera stored, such that turning it as EXIF says gives `upright`.
    flipped, turned = upright[:, ::-1], upright.swapaxes(0, 1)
    stored = {
        **{1: upright, 2: flipped, 3: upright[::-1, ::-1], 4: upright[::-1], 5: turned},
        **{6: np.rot90(upright, 1), 7: turned[::-1, ::-1], 8: np.rot90(upright, -1)},
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(np.ascontiguousarray(stored))
    picture.save(tmp_path / f"a.{ending}", exif=exif.tobytes())
    pixels = read_image(tmp_path / f"a.{ending}").astype(int)
    assert pixels.shape == upright.shape
    assert np.abs(pixels - upright).mean() < 3
    assert read_shape(tmp_path / f"a.{ending}") == (32, 64)


def test_orientation_of_deep_grey_and_behind_the_pixels(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    late = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    (tmp_path / "a.png").write_bytes(png16(GREY16, 0, late))
    (tmp_path / "b.png").write_bytes(png16(COLORS16, 2, late))
    expected = np.rot90(expect16(GREY16, 4095), -1)
    assert np.array_equal(read_image(tmp_path / "a.png", 4095)[..., 0], expected)
    assert np.array_equal(
        read_image(tmp_path / "b.png", 65535), np.rot90(expect16(COLORS16, 65535), -1)
    )
    assert read_shape(tmp_path / "a.png") == read_shape(tmp_path / "b.png") == (4, 5)


@pytest.mark.parametrize("ending", ["png", "jpg", "bmp", "tif", "webp"])
@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_anywhere_is_named_with_the_reason(
    tmp_path: Path, ending: str, compressed: bool
) -> None:
    options = (
        {"tif": {"compression": "tiff_lzw"}, "jpg": {"progressive": True}} if compressed else {}
    )
    path = tmp_path / f"a.{ending}"
    Image.fromarray(COLORS).save(path, **options.get(ending, {}))
    data = path.read_bytes()
    cuts = {1, 3, 5, 10, 13, 20, 30, 40, 60, 100, 150, *range(200, len(data), 199)}
    for cut in sorted(cuts | {len(data) // 2, len(data) - 20, len(data) - 2, len(data) - 1}):
        path.write_bytes(data[:cut])
        with pytest.raises(ImageError, match=rf"^cannot read .*a\.{ending}: .*") as caught:
            read_image(path)
        reason = str(caught.value).rpartition(f"a.{ending}: ")[2]
        known = ("the file ends after", "it is not a PNG", "the file is damaged")
        assert reason.startswith(known), (cut, reason)
        if cut > len(data) // 2:
            assert reason.startswith(f"the file ends after {cut:,} "), (cut, reason)


def test_how_much_is_missing_is_told_where_it_is_known(tmp_path: Path) -> None:
    data = encode_png(COLORS)
    (tmp_path / "a.png").write_bytes(data[:2000])
    with pytest.raises(ImageError, match=f"ends after 2,000 of at least {len(data) - 12:,} bytes"):
        read_image(tmp_path / "a.png")
    Image.fromarray(COLORS).save(tmp_path / "b.webp")
    whole = (tmp_path / "b.webp").read_bytes()
    (tmp_path / "b.webp").write_bytes(whole[:99])
    with pytest.raises(ImageError, match=f"ends after 99 of {len(whole):,} bytes"):
        read_image(tmp_path / "b.webp")


def test_a_flipped_bit_in_a_png_is_found(tmp_path: Path) -> None:
    data = bytearray(encode_png(COLORS))
    data[len(data) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(ImageError, match=r"damaged \(checksum of b'IDAT'"):
        read_image(tmp_path / "a.png")


def test_a_jpeg_filled_up_with_zeros_is_refused(tmp_path: Path) -> None:
    data = encode_jpeg(COLORS)
    (tmp_path / "a.jpg").write_bytes(data[: len(data) // 2] + bytes(len(data)))
    with pytest.raises(ImageError, match="before the picture does"):
        read_image(tmp_path / "a.jpg")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file is empty"),
        (b"hello, this is text", "it is not a PNG, JPEG, BMP, TIFF or WebP picture"),
        (b"GIF89a" + bytes(100), "it is not a PNG"),
        (b"RIFF\x04\0\0\0WAVE", "the file is damaged"),
        (b"BM" + bytes(60), "the file is damaged"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    for read in (read_image, read_shape, measure):
        with pytest.raises(ImageError, match=rf"cannot read .*a\.png: {reason}"):
            read(tmp_path / "a.png")


def test_missing_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such file"):
        read_image(tmp_path / "no.png")
    with pytest.raises(ImageError, match="it is not a file"):
        read_image(tmp_path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_permission_denied(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(COLORS))
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        read_image(tmp_path / "a.png")


def test_oversize_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(60_000, 60_000, 8, 0, b""))
    with pytest.raises(ImageError, match="178,000,000 pixels; it has 60,000x60,000"):
        read_image(tmp_path / "a.png")
    tags = {258: 8, 262: 1, 277: 1}
    (tmp_path / "b.tif").write_bytes(tiff((60_000, 60_000), b"\0", tags))
    with pytest.raises(ImageError, match="it has 60,000x60,000"):
        read_shape(tmp_path / "b.tif")


def test_a_picture_over_pillows_own_limit_gives_no_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 600)  # COLORS has 960 pixels
    for ending in ("png", "jpg", "bmp", "tif", "webp"):
        Image.fromarray(COLORS).save(tmp_path / f"a.{ending}")
        assert read_image(tmp_path / f"a.{ending}").shape == COLORS.shape
    monkeypatch.setattr(images, "LIMIT_PIXELS", 959)
    with pytest.raises(ImageError, match="at most|from 1 to 959 pixels; it has 40x24"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["tif", "png", "webp"])
def test_several_frames_are_refused(tmp_path: Path, ending: str) -> None:
    first, second = Image.fromarray(COLORS), Image.fromarray(255 - COLORS)
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=[second])
    with pytest.raises(ImageError, match="must hold one picture; it holds 2"):
        read_image(tmp_path / f"a.{ending}")


def test_odd_metadata_does_not_stop_a_tiff(tmp_path: Path) -> None:
    tags = {258: 8, 262: 1, 277: (1, 1, 1, 1)}  # Pillow warns: too many entries
    (tmp_path / "a.tif").write_bytes(tiff((1, 4), bytes([0, 9, 90, 255]), tags))
    assert read_image(tmp_path / "a.tif")[0, :, 0].tolist() == [0, 9, 90, 255]


def test_threads_read_the_same(tmp_path: Path) -> None:
    for k in range(12):
        samples = (COLORS16.astype(np.uint32) + 997 * k).astype(np.uint16)
        Image.fromarray(COLORS // (k + 1)).save(tmp_path / f"{k}.tif", compression="tiff_lzw")
        (tmp_path / f"{k}.png").write_bytes(png16(samples, 2))
    paths = sorted(tmp_path.iterdir()) * 4
    alone = [read_image(path, 65535) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: read_image(path, 65535), paths))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert len({a.tobytes() for a in alone}) == 24


def test_encode_png_and_jpeg() -> None:
    for pixels in (COLORS, COLORS[..., 0], COLORS[:, ::2]):
        back = np.asarray(Image.open(io.BytesIO(encode_png(pixels))))
        assert np.array_equal(back, pixels)
        assert encode_png(pixels) == encode_png(pixels.copy())
    good, poor = encode_jpeg(SMOOTH, 95), encode_jpeg(SMOOTH, 5)
    assert len(poor) < len(good)
    assert np.abs(np.asarray(Image.open(io.BytesIO(good))).astype(int) - SMOOTH).max() <= 3


@pytest.mark.parametrize("pixels", [COLORS / 255, COLORS[..., :2], COLORS[0, :, 0], COLORS[:0]])
def test_encoding_refuses_other_arrays(pixels: np.ndarray) -> None:
    for encode in (encode_png, encode_jpeg, lambda p: shrink(p, 10)):
        with pytest.raises(ValueError, match=r"pixels must be \(H, W\) or \(H, W, 3\) uint8"):
            encode(pixels)


def test_shrink() -> None:
    assert shrink(COLORS, 20).shape == (12, 20, 3)
    assert shrink(COLORS[..., 0], 20).shape == (12, 20)
    assert shrink(COLORS[:1], 4).shape == (1, 4, 3)
    assert np.array_equal(shrink(COLORS, 40), COLORS)
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255  # antialiased, they become the mean and not all black or white
    assert np.abs(shrink(stripes, 16).astype(int) - 127).max() <= 8
    with pytest.raises(ValueError, match="longest_px must be at least 1; got 0"):
        shrink(COLORS, 0)
    with pytest.raises(ValueError, match=r"quality must be in \[1, 95\]; got 96"):
        encode_jpeg(COLORS, 96)


def test_the_room_stays_quiet(tmp_path: Path) -> None:
    """No warning of Pillow reaches standard error, and the filters are as before."""
    Image.fromarray(COLORS).save(tmp_path / "a.tif", compression="tiff_lzw")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-50])
    code = (
        "import sys, warnings; before = list(warnings.filters)\n"
        "from goldensample.errors import ImageError\n"
        "from goldensample.images import read_image\n"
        "try: read_image(sys.argv[1])\n"
        "except ImageError as error: print(error)\n"
        "print(warnings.filters == before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert f"the file ends after {len(data) - 50:,} bytes" in done.stdout
    assert done.stdout.endswith("True\n")
