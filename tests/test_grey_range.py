"""Black and white of deep pictures: chosen from the data, with room, and the same for good."""

import json
from pathlib import Path

import numpy as np
import pytest
from commands import golden
from PIL import Image

from goldensample.artifact.earlier import with_grey_range
from goldensample.errors import ImageError
from goldensample.images.folder import read_images
from goldensample.images.grey_range import (
    GreyRange,
    check_levels,
    choose_grey_range,
    describe_input,
    sample_range,
    scale,
)


def narrow(seed: int, defect: bool = False) -> np.ndarray:
    """Return a picture of a thermal camera: noise of 3 units around 29200."""
    samples = 29200 + np.random.default_rng(seed).normal(0, 3, (64, 64))
    samples[20:26, 10:50] += 100 * defect
    return samples.astype(np.uint16)


def test_scale_by_hand() -> None:
    samples = np.array([50, 100, 150, 200, 300], np.uint16)
    assert scale(samples, GreyRange(100, 200)).tolist() == [0, 0, 128, 255, 255]


def test_a_range_is_in_order() -> None:
    for black, white in ((5, 5), (9, 3), (-1, 3), (0, 65536)):
        with pytest.raises(ValueError, match=f"black < white.*got black {black} and white {white}"):
            GreyRange(black, white)


def test_chosen_by_hand_and_within_16_bits() -> None:
    assert choose_grey_range([(1000, 1400)]) == GreyRange(900, 1500)
    assert choose_grey_range([(0, 65535)]) == GreyRange(0, 65535)
    assert choose_grey_range([(65520, 65535)]) == GreyRange(65516, 65535)


def test_hot_pixels_and_odd_pictures_do_not_count() -> None:
    usual = [sample_range(narrow(seed)) for seed in range(60)]
    hot = narrow(1)
    hot[5, 5], hot[9, 9] = 65535, 0
    assert sample_range(hot) == pytest.approx(sample_range(narrow(1)), abs=2)
    assert choose_grey_range([*usual, (0.0, 65535.0)]) == choose_grey_range(usual)


def test_too_few_grey_values_are_refused() -> None:
    with pytest.raises(ImageError, match=r"at least 8 of 256 grey values; these use 1:"):
        choose_grey_range([(29200, 29200)])
    with pytest.raises(ImageError, match=r"use 1: their samples are 29190 to 29209"):
        check_levels([(29190, 29209)], GreyRange(0, 65535))
    check_levels([(29190, 29209)], GreyRange(29000, 29400))


def test_the_export_says_how_samples_become_grey_values() -> None:
    assert describe_input(None) == "uint8 (n, H, W, 3), RGB from 0 to 255, as decoded, upright"
    assert "round(255 * (sample - 100) / 200)" in describe_input(GreyRange(100, 300))


def test_older_files_had_a_white_level_alone() -> None:
    old = {"size_hw": [8, 8], "white": 4095}
    assert with_grey_range(old) == {
        "size_hw": [8, 8],
        "grey_range": {"black": 0, "white": 4095},
    }
    assert with_grey_range({"white": None}) == {"grey_range": None}
    assert with_grey_range({"grey_range": None}) == {"grey_range": None}


def test_8_bit_pictures_have_no_grey_range(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"grey range .* is for pictures of more than 8 bits"):
        read_images(tmp_path, GreyRange(0, 4095))


def test_a_narrow_band_is_inspected(tiny_file: Path, tmp_path: Path) -> None:
    for kind, count in (("good", 24), ("new", 3), ("bad", 3)):
        (tmp_path / kind).mkdir()
        for k in range(count):
            seed = k if kind == "good" else 100 + k
            picture = Image.fromarray(narrow(seed, kind == "bad"))
            picture.save(tmp_path / kind / f"{k}.tif")
    file = tmp_path / "m.golden"
    options = ("--backbone", f"onnx:{tiny_file}", "--false-alarms", "0.2")
    fitted = golden("fit", tmp_path / "good", "-o", file, *options)
    assert fitted.returncode == 0, fitted.stderr
    assert "Warning" not in fitted.stderr
    assert "nan" not in fitted.stdout + fitted.stderr
    assert "more than 8 bits: the sample" in fitted.stderr
    preparation = json.loads(golden("info", file, "--json").stdout)["preparation"]
    assert 29150 < preparation["black"] < 29192
    assert 29208 < preparation["white"] < 29250
    done = golden("inspect", file, tmp_path / "new", tmp_path / "bad", "--json").stdout
    lines = [json.loads(line) for line in done.splitlines()]
    assert all(10 < line["grey_levels"] < 32 for line in lines)  # what noise of 3 units leaves
    scores = [line["score"] for line in lines]
    assert min(scores[3:]) > 1.5 * max(scores[:3])
    Image.fromarray(np.full((64, 64), 128, np.uint8)).save(tmp_path / "8.png")
    done8 = golden("inspect", file, tmp_path / "8.png")
    assert "samples must have more than 8 bits" in done8.stdout + done8.stderr


def test_a_grey_range_is_asked_for(tiny_file: Path, tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    for k in range(4):
        Image.fromarray(narrow(k)).save(tmp_path / "good" / f"{k}.png")
    file, backbone = tmp_path / "m.golden", ("--backbone", f"onnx:{tiny_file}")
    fit = ("fit", tmp_path / "good", "-o", file, *backbone, "--grey-range")
    assert golden(*fit, "29100,29300").returncode == 0
    preparation = json.loads(golden("info", file, "--json").stdout)["preparation"]
    assert (preparation["black"], preparation["white"]) == (29100, 29300)
    for text, said in (
        ("0,65535", "at least 8 of 256 grey values"),
        ("7", "must be BLACK,WHITE"),
        ("9,3", "black < white"),
    ):
        done = golden(*fit, text)
        assert done.returncode == 2, text
        assert said in " ".join(done.stderr.split()), done.stderr
    audited = golden("audit", tmp_path / "good", *backbone, "--grey-range", "29100,29300")
    assert audited.returncode == 0, audited.stderr
