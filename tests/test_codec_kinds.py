"""Kinds of picture files: each is read right, or refused as not supported, never as damaged."""

import base64
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from picture_files import planar_tiff, tiff
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images.codec import read_for_view, read_image, read_samples, read_shape
from goldensample.images.grey_range import GreyRange

RANDOM = np.random.default_rng(0)
DEEP = RANDOM.integers(0, 4096, (24, 40, 4)).astype(np.uint16)
BYTES = RANDOM.integers(0, 256, (24, 40, 4), dtype=np.uint8)
Y, X = np.mgrid[:48, :64]
SMOOTH = np.stack([X * 4, 255 - X * 3 - Y, Y * 5], axis=2).astype(np.uint8)
JPEG_2000_12_BITS = (  # 8x8 grey, samples 65 · number, made by OpenJPEG, lossless
    "/0//UQApAAAAAAAIAAAACAAAAAAAAAAAAAAACAAAAAgAAAAAAAAAAAABCwEB/1IADAAAAAEAAAQEAAH/XAAEQGD/"
    "ZAAlAAFDcmVhdGVkIGJ5IE9wZW5KUEVHIHZlcnNpb24gMi41LjT/kAAKAAAAAABmAAH/k9/hVBIsQqeXlbFDDtYo"
    "P97oKcVIuDRWEuF5DpiRhU9D0Zh+EpvOO8N5vXFJxoU3gmJWFbc5znXqSkAMwCgAB0Rl1SPMU4YLXGfa6ymrhOuA"
    "cNhsNhsNhsP/2Q=="
)


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(ImageError) as caught:
        read_image(path, GreyRange(0, 4095))
    return str(caught.value).removeprefix(f"cannot read {path}: ")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("tile_hw", [None, (16, 16)])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("samples", [DEEP, BYTES], ids=["16", "8"])
def test_tiff_with_a_plane_for_each_colour(
    tmp_path: Path,
    samples: np.ndarray,
    count: int,
    packed: bool,
    tile_hw: tuple[int, int] | None,
    order: str,
) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(planar_tiff(samples[..., :count], order, tile_hw, packed))
    grey = samples[..., 0]
    if samples is BYTES:
        grey = np.stack([grey] * 3, axis=2)
    assert np.array_equal(read_samples(path), samples[..., :3] if count > 2 else grey)
    assert read_shape(path) == (24, 40)


def test_tiff_of_grey_and_alpha_in_planes_with_0_as_white(tmp_path: Path) -> None:
    black, white = (struct.pack("<HHLL", 262, 4, 1, value) for value in (1, 0))
    data = planar_tiff(BYTES[..., :2])
    assert data.count(black) == 1
    (tmp_path / "a.tif").write_bytes(data.replace(black, white))
    assert np.array_equal(read_samples(tmp_path / "a.tif")[..., 0], 255 - BYTES[..., 0])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_a_damaged_tiff_is_told_in_our_words_alone(
    tmp_path: Path, compression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(BYTES[..., :3]).save(tmp_path / "a.tif", compression=compression)
    data = bytearray((tmp_path / "a.tif").read_bytes())
    with Image.open(tmp_path / "a.tif") as image:
        [at] = image.tag_v2[273]
    data[at + 100 : at + 140] = b"\xff" * 40
    assert "the file" in refusal(tmp_path / "a.tif", data)
    assert capfd.readouterr().err == ""


def test_big_tiff(tmp_path: Path) -> None:
    height, width, _ = BYTES.shape
    tags = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 273: 16, 277: 1, 278: height}
    tags[279] = height * width
    for order, mark in (("<", b"II"), (">", b"MM")):
        data = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, 16 + height * width)
        data += BYTES[..., 0].tobytes() + struct.pack(f"{order}Q", len(tags))
        for tag, value in tags.items():
            data += struct.pack(f"{order}HHQH6x", tag, 3, 1, value)
        (tmp_path / "a.tif").write_bytes(data + bytes(8))
        if order == "<":
            assert np.array_equal(read_samples(tmp_path / "a.tif")[..., 0], BYTES[..., 0])
    assert refusal(tmp_path / "a.tif", data).startswith("not supported: a BigTIFF whose")


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ({258: 16, 259: 34887, 262: 1, 277: 1}, "LERC compression"),
        ({258: 16, 259: 34712, 262: 1, 277: 1}, "JPEG 2000 compression"),
        ({258: 8, 259: 50001, 262: 1, 277: 1}, "WebP compression"),
        ({258: 8, 259: 50002, 262: 1, 277: 1}, "JPEG XL compression"),
        ({258: 10, 262: 1, 277: 1}, "10 bits a sample"),
        ({258: 14, 262: 1, 277: 1}, "14 bits a sample"),
        ({258: 12, 262: 0, 277: 1}, "0 as white at 12 bits"),
        ({258: 16, 262: 32803, 277: 1}, "raw colour-filter"),
        ({258: 16, 262: 1, 277: 1, 339: 3}, "floating-point samples"),
        ({258: (16, 16), 262: 1, 277: 2, 338: 2}, "grey with alpha at 16 bits"),
        ({258: (8, 8, 8), 262: 8, 277: 3}, "CIELAB colours"),
        ({258: (16, 16, 16), 262: 8, 277: 3}, "CIELAB colours"),
        ({258: (16,) * 4, 262: 5, 277: 4}, "CMYK colours at 16 bits"),
        ({258: 16, 262: 3, 277: 1}, "a palette at 16 bits"),
        ({258: (16,) * 4, 262: 2, 277: 4, 338: 1}, "colours multiplied with alpha at 16 bits"),
        ({258: (5, 6, 5), 262: 2, 277: 3}, "samples of different depths"),
        ({258: (8, 8, 8), 262: 6, 277: 3}, "subsampled YCbCr"),
    ],
)
def test_tiff_that_is_valid_and_not_read(
    tmp_path: Path, tags: dict[int, int | tuple[int, ...]], reason: str
) -> None:
    said = refusal(tmp_path / "a.tif", tiff((5, 4), DEEP.tobytes(), tags))
    assert said.startswith(f"not supported: {reason}")
    assert "; save it" in said


def test_jpeg_of_12_bits_and_jpeg_ls(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg")
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    data[data.index(b"\xff\xc0") + 4] = 12
    assert refusal(tmp_path / "a.jpg", data).startswith("not supported: a JPEG of 12 bits")
    frame = struct.pack(">HBHHBBBB", 11, 8, 5, 4, 1, 1, 17, 0)
    said = refusal(tmp_path / "a.jls", b"\xff\xd8\xff\xf7" + frame + bytes(20) + b"\xff\xd9")
    assert said.startswith("not supported: JPEG-LS")


def test_bmp_of_16_bits_a_pixel_is_a_picture_of_8_bits(tmp_path: Path) -> None:
    pixels = RANDOM.integers(0, 65536, (6, 8)).astype("<u2")
    info = struct.pack("<IiiHHIIiiII", 40, 8, 6, 1, 16, 3, pixels.nbytes, 0, 0, 0, 0)
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    head = struct.pack("<2sIHHI", b"BM", 66 + pixels.nbytes, 0, 0, 66)
    (tmp_path / "a.bmp").write_bytes(head + info + masks + pixels[::-1].tobytes())
    parts = [(pixels >> 11) / 31, ((pixels >> 5) & 63) / 63, (pixels & 31) / 31]
    expected = np.stack(parts, axis=2) * 255
    assert np.abs(read_image(tmp_path / "a.bmp") - expected).max() <= 1


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"P2\n# a camera\n3 1\n100\n0 50\n100\n", [0, 128, 255]),
        (b"P2 3 1 65535 0 50 65535", [0, 50, 65535]),
        (b"P5 3 1 255\n\x00\x0a\xff", [0, 10, 255]),
        (b"P5 3 1 1\n\x00\x01\x00", [0, 255, 0]),
        (b"P5\n3 1\n#x\n4095\n\x00\x00\x01\x02\x0f\xff", [0, 258, 4095]),
        (b"P1 3 1\n101", [0, 255, 0]),
        (b"P4 3 1\n\xa0", [0, 255, 0]),
    ],
)
def test_netpbm_grey(tmp_path: Path, data: bytes, expected: list[int]) -> None:
    (tmp_path / "a.pgm").write_bytes(data)
    samples = read_samples(tmp_path / "a.pgm")
    deep = samples.dtype == np.uint16
    assert (samples[0] if deep else samples[0, :, 0]).tolist() == expected
    assert deep == (max(expected) > 255 or b"4095" in data)
    assert read_shape(tmp_path / "a.pgm") == (1, 3)


def test_netpbm_colours(tmp_path: Path) -> None:
    body = DEEP[..., :3].astype(">u2").tobytes()
    (tmp_path / "a.ppm").write_bytes(b"P6 40 24 4095\n" + body)
    assert np.array_equal(read_samples(tmp_path / "a.ppm"), DEEP[..., :3])
    (tmp_path / "b.ppm").write_bytes(b"P6 40 24 255\n" + BYTES[..., :3].tobytes())
    assert np.array_equal(read_image(tmp_path / "b.ppm"), BYTES[..., :3])
    (tmp_path / "c.pnm").write_bytes(b"P3 1 1 5\n0 1 5")
    assert read_image(tmp_path / "c.pnm").tolist() == [[[0, 51, 255]]]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"P5 3 2 255\n\x00\x0a", "the file ends after 13 of 17 bytes"),
        (b"P2 3 1 255\n1 2", "the file ends after 2 of 3 samples"),
        (b"P2 3 1 100\n1 2 101", "the file is damaged (101 is above the header's maximum 100)"),
        (b"P2 3 1 100\n1 2 x", "the file is damaged (its samples must be whole numbers)"),
        (b"P5 3 1 0\nabc", "its largest value must be in 1 to 65535; it is 0"),
        (b"P5 3\n", "the file is damaged (its header"),
        (b"P5 1 1 255\naP5 1 1 255\nb", "a file must hold one picture"),
        (b"P5 60000 60000 255\n", "it must have from 1 to 178,000,000 pixels"),
        (b"P7\nWIDTH 1\n", "not supported: PAM"),
        (b"Pf\n1 1\n-1.0\n", "not supported: PFM"),
    ],
)
def test_netpbm_that_is_broken(tmp_path: Path, data: bytes, reason: str) -> None:
    assert refusal(tmp_path / "a.pgm", data).startswith(reason)


@pytest.mark.parametrize("ending", ["jfif", "jpe", "jp2", "j2k", "avif"])
def test_what_phones_and_scanners_save(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    form = {"jfif": "JPEG", "jpe": "JPEG"}.get(ending)
    Image.fromarray(SMOOTH).save(path, format=form, **({"quality": 95} if form else {}))
    assert np.abs(read_image(path).astype(int) - SMOOTH).max() <= (0 if ending[0:2] == "j2" else 24)
    assert read_shape(path) == (48, 64)
    data = path.read_bytes()
    for cut in (len(data) // 3, len(data) // 2, len(data) - 20):
        said = refusal(path, data[:cut])
        assert said.startswith(("the file ends after", "the file is damaged")), (cut, said)


def test_an_avif_is_turned_once(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(SMOOTH).save(tmp_path / "a.avif", quality=95, exif=exif.tobytes())
    turned = np.rot90(SMOOTH, -1).astype(int)
    assert np.abs(read_image(tmp_path / "a.avif") - turned).mean() < 4
    assert read_shape(tmp_path / "a.avif") == (64, 48)


def test_deep_avif_would_lose_bits(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.avif")
    data = bytearray((tmp_path / "a.avif").read_bytes())
    data[data.index(b"av1C") + 6] |= 0x40
    assert refusal(tmp_path / "a.avif", data).startswith("not supported: an AVIF of 10 bits")


def test_jpeg_2000_keeps_its_samples(tmp_path: Path) -> None:
    (tmp_path / "a.j2k").write_bytes(base64.b64decode(JPEG_2000_12_BITS))
    assert read_samples(tmp_path / "a.j2k").ravel().tolist() == list(range(0, 64 * 65, 65))
    Image.fromarray(DEEP[..., 0]).save(tmp_path / "b.jp2", irreversible=False)
    assert np.array_equal(read_samples(tmp_path / "b.jp2"), DEEP[..., 0])
    Image.fromarray(SMOOTH).save(tmp_path / "c.j2k")
    data = bytearray((tmp_path / "c.j2k").read_bytes())
    for component in range(3):
        data[42 + 3 * component] = 11  # 12 bits
    said = refusal(tmp_path / "c.j2k", data)
    assert said.startswith("not supported: a JPEG 2000 of 12 bits with 3 samples a pixel")


def test_heic_and_jpeg_xl_by_an_extra(tmp_path: Path) -> None:
    heif, jxl = pytest.importorskip("pillow_heif"), pytest.importorskip("pillow_jxl")
    assert jxl
    heif.from_pillow(Image.fromarray(SMOOTH)).save(tmp_path / "a.heic", quality=95)
    assert np.abs(read_image(tmp_path / "a.heic").astype(int) - SMOOTH).mean() < 4
    body = DEEP[..., :3].astype("<u2").tobytes()
    heif.from_bytes("RGB;12", (40, 24), body).save(tmp_path / "b.heic")
    said = refusal(tmp_path / "b.heic", (tmp_path / "b.heic").read_bytes())
    assert said.startswith("not supported: a HEIC of 12 bits")
    Image.fromarray(SMOOTH).save(tmp_path / "c.jxl", lossless=True)
    assert np.array_equal(read_image(tmp_path / "c.jxl"), SMOOTH)
    deep = bytes.fromhex("ff0acb6040d12208040100580a4b384075a23a13fe41de33")
    assert refusal(tmp_path / "d.jxl", deep).startswith("not supported: a JPEG XL of 12 bits")


def test_without_the_extra_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    (tmp_path / "b.jxl").write_bytes(b"\xff\x0a" + bytes(40))
    code = (
        "import sys\n"
        "sys.modules['pillow_heif'] = sys.modules['pillow_jxl'] = None\n"
        "from goldensample.errors import ImageError\n"
        "from goldensample.images.codec import read_image\n"
        "for path in sys.argv[1:]:\n"
        "    try: read_image(path)\n"
        "    except ImageError as error: print(error)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.heic"), str(tmp_path / "b.jxl")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    heic, jxl = done.stdout.splitlines()
    assert 'HEIC must have the extra [formats]; pip install "goldensample[formats]"' in heic
    assert 'JPEG XL must have the extra [formats]; pip install "goldensample[formats]"' in jxl
    assert done.stderr == ""


def test_deep_pictures_are_shown_in_their_own_range(tmp_path: Path) -> None:
    samples = np.linspace(29000, 29100, 64 * 48).reshape(48, 64).astype(np.uint16)
    Image.fromarray(samples).save(tmp_path / "a.png")
    shown = read_for_view(tmp_path / "a.png")
    assert shown.shape == (48, 64, 3)
    assert (int(shown.min()), int(shown.max())) == (0, 255)
