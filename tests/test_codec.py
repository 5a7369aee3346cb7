"""Pictures one at a time: every format, depth and orientation, and every kind of broken file."""

import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from picture_files import png, png16, tiff
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images.codec import encode_png, read_image, read_samples, read_shape
from goldensample.images.grey_range import GreyRange

RANDOM = np.random.default_rng(0)
COLORS = RANDOM.integers(0, 256, (24, 40, 3), dtype=np.uint8)
GREY16 = RANDOM.integers(0, 4096, (5, 4)).astype(np.uint16)
COLORS16 = RANDOM.integers(0, 65536, (5, 4, 3)).astype(np.uint16)
SMOOTH = np.indices((24, 40)).sum(0).astype(np.uint8)[..., None].repeat(3, axis=2)
BITS_12, BITS_16 = GreyRange(0, 4095), GreyRange(0, 65535)


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
    assert np.array_equal(read_samples(path), COLORS)


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
    assert np.array_equal(read_image(tmp_path / "b.tif", BITS_12)[..., 0], expect16(GREY16, 4095))


def test_the_bytes_decide_not_the_ending(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(encode_png(COLORS))
    assert np.array_equal(read_image(tmp_path / "a.jpg"), COLORS)


@pytest.mark.parametrize(
    ("mode", "ending"),
    [(mode, ending) for mode in ("1", "L", "LA", "P", "RGB", "RGBA") for ending in ("png", "tif")]
    + [
        ("CMYK", "tif"),
        ("YCbCr", "tif"),
        ("L", "jpg"),
        ("CMYK", "jpg"),
        ("L", "bmp"),
        ("P", "bmp"),
    ],
)
def test_modes_become_rgb(tmp_path: Path, mode: str, ending: str) -> None:
    picture = Image.fromarray(SMOOTH).convert(mode)
    picture.save(tmp_path / f"a.{ending}")
    expected = np.asarray(picture.convert("RGB")).astype(int)
    pixels = read_image(tmp_path / f"a.{ending}")
    assert pixels.dtype == np.uint8
    assert pixels.shape == (24, 40, 3)
    assert np.abs(pixels - expected).max() <= (5 if ending == "jpg" else 0)


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
        pixels = read_image(tmp_path / name, GreyRange(0, white))
        assert np.array_equal(pixels, expect16(GREY16, white)[..., None].repeat(3, axis=2))
        assert np.array_equal(read_samples(tmp_path / name), GREY16)


def test_white_by_hand(tmp_path: Path) -> None:
    samples = np.array([[0, 8, 2048, 4095, 4096, 65535]], np.uint16)
    (tmp_path / "a.png").write_bytes(png16(samples, 0))
    assert read_image(tmp_path / "a.png", BITS_12)[0, :, 0].tolist() == [
        0,
        0,
        128,
        255,
        255,
        255,
    ]


def test_12_bit_tiff(tmp_path: Path) -> None:
    packed = bytes([0x00, 0x08, 0x00, 0xFF, 0xF0, 0x01])  # 0, 0x800, 0xfff, 1
    tags = {258: 12, 262: 1, 277: 1}
    (tmp_path / "a.tif").write_bytes(tiff((1, 4), packed, tags))
    assert read_image(tmp_path / "a.tif", BITS_12)[0, :, 0].tolist() == [0, 128, 255, 0]


def test_16_bit_colours_keep_both_bytes(tmp_path: Path) -> None:
    dark = COLORS16 // 16  # 12 bits in a file of 16: their high bytes alone are nearly black
    shape, tags = (5, 4), {258: (16,) * 3, 262: 2, 277: 3}
    (tmp_path / "a.png").write_bytes(png16(dark, 2))
    (tmp_path / "b.tif").write_bytes(tiff(shape, dark.astype("<u2").tobytes(), tags))
    alpha = np.concatenate([dark, dark[..., :1]], axis=2)
    (tmp_path / "c.png").write_bytes(png16(alpha, 6))
    (tmp_path / "d.png").write_bytes(png16(dark, 2, b"tEXtTitle\0late"))
    for name in ("a.png", "b.tif", "c.png", "d.png"):
        assert np.array_equal(read_image(tmp_path / name, BITS_12), expect16(dark, 4095)), name
        assert np.array_equal(read_samples(tmp_path / name), dark)


def test_compressed_16_bit_colours(tmp_path: Path) -> None:
    tags = {258: (16,) * 3, 259: 8, 262: 2, 277: 3}
    data = zlib.compress(COLORS16.astype("<u2").tobytes())
    (tmp_path / "a.tif").write_bytes(tiff((5, 4), data, tags))
    assert np.array_equal(read_image(tmp_path / "a.tif", BITS_16), expect16(COLORS16, 65535))


def test_deep_pictures_need_a_white(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(GREY16, 0))
    with pytest.raises(ImageError, match=r"a\.png: samples must have 8 bits.*more"):
        read_image(tmp_path / "a.png")


def test_8_bits_are_refused_where_all_others_have_more(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode_png(COLORS))
    with pytest.raises(ImageError, match=r"a\.png: samples must have more than 8 bits.*have 8"):
        read_image(tmp_path / "a.png", BITS_12)


@pytest.mark.parametrize(
    ("kind", "tags", "reason"),
    [
        ("<f4", {258: 32, 262: 1, 277: 1, 339: 3}, "not supported: floating-point samples"),
        ("<i4", {258: 32, 262: 1, 277: 1, 339: 2}, "not supported: signed samples"),
        ("<u4", {258: 32, 262: 1, 277: 1, 339: 1}, "not supported: 32 bits a sample"),
        ("<i2", {258: 16, 262: 1, 277: 1, 339: 2}, "not supported: signed samples"),
        ("<i1", {258: 8, 262: 1, 277: 1, 339: 2}, "not supported: signed samples"),
        ("<u2", {258: 16, 262: 0, 277: 1, 339: 1}, "not supported: 0 as white at 16 bits"),
    ],
)
def test_odd_samples_are_refused(
    tmp_path: Path, kind: str, tags: dict[int, int | tuple[int, ...]], reason: str
) -> None:
    (tmp_path / "a.tif").write_bytes(tiff((5, 4), GREY16.astype(kind).tobytes(), tags))
    with pytest.raises(ImageError, match=reason):
        read_image(tmp_path / "a.tif", BITS_12)


def test_16_bit_grey_with_alpha_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png16(COLORS16[..., :2], 4))
    with pytest.raises(ImageError, match="not supported: grey with alpha at 16 bits"):
        read_image(tmp_path / "a.png", BITS_12)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "webp"])
def test_orientations(tmp_path: Path, orientation: int, ending: str) -> None:
    upright = np.zeros((32, 64, 3), np.uint8)
    upright[:16, :32] = 250  # top left
    upright[:16, 32:] = 120  # top right
    # What the camera stored, such that turning it as EXIF says gives `upright`.
    flipped, turned = upright[:, ::-1], upright.swapaxes(0, 1)
    stored = [
        *(upright, flipped, upright[::-1, ::-1], upright[::-1]),
        *(turned, np.rot90(upright, 1), turned[::-1, ::-1], np.rot90(upright, -1)),
    ][orientation - 1]
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
    assert np.array_equal(read_image(tmp_path / "a.png", BITS_12)[..., 0], expected)
    assert np.array_equal(
        read_image(tmp_path / "b.png", BITS_16), np.rot90(expect16(COLORS16, 65535), -1)
    )
    assert read_shape(tmp_path / "a.png") == read_shape(tmp_path / "b.png") == (4, 5)


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
    alone = [read_samples(path) for path in paths]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda path: read_samples(path), paths))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))
    assert len({a.tobytes() for a in alone}) == 24
