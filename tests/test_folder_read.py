"""Pictures in folders: checked, read ahead and scaled alike."""

import threading
from pathlib import Path

import numpy as np
import pytest
from picture_files import COLORS, write_png
from PIL import Image

from goldensample.errors import ImageError
from goldensample.images import folder as folders
from goldensample.images.codec import encode_jpeg
from goldensample.images.folder import Folder, open_images, read_images
from goldensample.images.grey_range import GreyRange
from goldensample.records import Picture, Pictures


def write_deep(path: Path, peak: int) -> Path:
    samples = np.zeros((6, 8), np.uint16)
    samples[2, 3] = peak
    Image.fromarray(samples).save(path)
    return path


def test_read_images(tmp_path: Path) -> None:
    tall = COLORS.swapaxes(0, 1)
    write_png(tmp_path / "a.png")
    write_png(tmp_path / "b.png", tall)
    pictures: Pictures = read_images(tmp_path)
    assert list(pictures.names) == ["a.png", "b.png"]
    assert len(pictures) == 2
    assert list(pictures.shapes()) == [(6, 8), (8, 6)]
    assert list(open_images(tmp_path).shapes()) == [(6, 8), (8, 6)]
    assert np.array_equal(pictures[1].pixels, tall)
    assert pictures[-1].name == "b.png"
    with pytest.raises(IndexError):
        pictures[2]
    for _ in range(2):  # can be read more than once
        assert [picture.name for picture in read_images(tmp_path)] == ["a.png", "b.png"]


def test_all_unreadable_pictures_are_named_at_once(tmp_path: Path) -> None:
    write_png(tmp_path / "good.png")
    for k in range(12):
        (tmp_path / f"{k:02}.png").write_bytes(b"")
    with pytest.raises(ImageError) as caught:
        read_images(tmp_path)
    text = str(caught.value)
    assert text.startswith("every picture must be readable; 12 of 13 are not:")
    assert text.count("the file is empty") == 10
    assert "09.png" in text
    assert "10.png" not in text
    folder = read_images(tmp_path, skip_unreadable=True)
    assert folder.names == ("good.png",)
    assert len(folder.skipped) == 12
    assert all("the file is empty" in message for message in folder.skipped)
    (tmp_path / "good.png").unlink()
    with pytest.raises(ImageError, match="12 of 12 are not"):
        read_images(tmp_path, skip_unreadable=True)


def test_broken_pictures_do_not_stop_a_run(tmp_path: Path) -> None:
    for k in range(20):
        write_png(tmp_path / f"{k:02}.png", COLORS + k)
    data = (tmp_path / "07.png").read_bytes()
    (tmp_path / "07.png").write_bytes(data[:-30])
    (tmp_path / "12.png").write_bytes(b"no picture")
    folder = open_images(tmp_path)
    attempts = list(folder.attempts())
    assert len(attempts) == 20
    for k, attempt in enumerate(attempts):
        if k in (7, 12):
            assert isinstance(attempt, ImageError)
            assert f"{k:02}.png" in str(attempt)
        else:
            assert isinstance(attempt, Picture)
            assert attempt.name == folder.names[k]
            assert np.array_equal(attempt.pixels, COLORS + k)
    seen = []
    with pytest.raises(ImageError, match=r"07\.png"):
        seen.extend(picture.name for picture in folder)
    with pytest.raises(ImageError, match=r"12\.png"):
        folder[12]


def test_reading_ahead_is_bounded_and_ends_with_its_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for k in range(30):
        write_png(tmp_path / f"{k:02}.png")
    folder, read = open_images(tmp_path), []
    original = folders.read_image

    def count(path: Path, grey_range: GreyRange | None) -> np.ndarray:
        read.append(path)
        return original(path, grey_range)

    monkeypatch.setattr(folders, "read_image", count)
    before = threading.active_count()
    pictures = iter(folder)
    for _ in range(3):
        next(pictures)
    assert 3 <= len(read) <= 3 + folders.WORKERS + 1
    pictures.close()  # type: ignore[attr-defined]
    assert len(read) <= 3 + folders.WORKERS + 1
    assert threading.active_count() == before


def test_grey_range_of_deep_pictures(tmp_path: Path) -> None:
    paths = [write_deep(tmp_path / "a.png", 4000), write_deep(tmp_path / "b.tif", 3000)]
    chosen = read_images(paths).grey_range
    assert chosen is not None
    assert chosen.black == 0
    assert 4000 < chosen.white < 5100
    asked = GreyRange(10, 65535)
    assert read_images(tmp_path, asked).grey_range == asked


def test_deep_and_8_bit_pictures_do_not_mix(tmp_path: Path) -> None:
    write_deep(tmp_path / "a.png", 4000)
    write_png(tmp_path / "b.png")
    with pytest.raises(ImageError, match="must all have 8 bits, or all more; 1 of 2 have more"):
        read_images(tmp_path)


def test_grey_range_of_8_bits_is_none(tmp_path: Path) -> None:
    path = write_png(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(encode_jpeg(COLORS))
    assert read_images([path, tmp_path / "b.jpg"]).grey_range is None
    assert read_images(tmp_path).grey_range is None


def test_the_scale_is_the_folders_not_the_pictures(tmp_path: Path) -> None:
    write_deep(tmp_path / "a.png", 4000)
    write_deep(tmp_path / "b.png", 1000)
    levels = GreyRange(0, 1023)
    assert [int(p.pixels.max()) for p in open_images(tmp_path, levels)] == [255, 249]
    with pytest.raises(ImageError, match="samples must have 8 bits"):
        open_images(tmp_path)[0]


def test_a_folder_checks_its_values(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="names and paths must be equally many; got 1 and 0"):
        Folder(("a",), ())
    assert list(Folder((), ())) == []
