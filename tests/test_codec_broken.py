"""Files that are no picture, or no whole one: each is named with the reason."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from picture_files import png, tiff
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images import opening
from goldensample.images.codec import (
    encode_jpeg,
    encode_png,
    read_facts,
    read_image,
    read_shape,
)

COLORS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)


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
        (b"hello, this is text", "it is not a PNG, JPEG, BMP, TIFF, WebP"),
        (b"GIF89a" + bytes(100), "not supported: GIF"),
        (b"RIFF\x04\0\0\0WAVE", "the file is damaged"),
        (b"BM" + bytes(60), "the file is damaged"),
    ],
)
def test_what_is_no_picture(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "a.png").write_bytes(data)
    for read in (read_image, read_shape, read_facts):
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
    monkeypatch.setattr(opening, "MAX_PIXELS", 959)
    with pytest.raises(ImageError, match="from 1 to 959 pixels; it has 40x24"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["tif", "png", "webp"])
def test_several_frames_are_refused(tmp_path: Path, ending: str) -> None:
    first, second = Image.fromarray(COLORS), Image.fromarray(255 - COLORS)
    first.save(tmp_path / f"a.{ending}", save_all=True, append_images=[second])
    with pytest.raises(ImageError, match="must hold one picture; it holds 2"):
        read_image(tmp_path / f"a.{ending}")


def test_the_room_stays_quiet(tmp_path: Path) -> None:
    """No warning of Pillow reaches standard error, and the filters are as before."""
    Image.fromarray(COLORS).save(tmp_path / "a.tif", compression="tiff_lzw")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:-50])
    code = (
        "import sys, warnings\n"
        "from goldensample.errors import ImageError\n"
        "from goldensample.images.codec import read_image\n"
        "before = list(warnings.filters)\n"
        "try: read_image(sys.argv[1])\n"
        "except ImageError as error: print(error)\n"
        "print(warnings.filters == before)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "a.tif")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert f"the file ends after {len(data) - 50:,} bytes" in done.stdout
    assert done.stdout.endswith("True\n")
