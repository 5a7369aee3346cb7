"""What goes in is counted and said: files left out, equal pictures, masks, pictures of nothing."""

import json

import numpy as np
import pytest
from commands import golden
from conftest import part
from picture_files import save_picture
from PIL import Image

import goldensample
from goldensample.images.folder import open_images, read_images
from goldensample.images.grey_range import GreyRange
from goldensample.images.intake import find_masks, picture_facts


@pytest.fixture
def fit(tiny_file, tmp_path):
    """Fit a folder below `tmp_path`; return the process and what it said in JSON."""

    def run(folder, *words):
        output = tmp_path / f"{folder}.golden"
        network = ("--backbone", f"onnx:{tiny_file}", "--size", "48", "--json")
        done = golden("fit", tmp_path / folder, "-o", output, *network, *words)
        assert done.returncode == 0, done.stderr
        return done, json.loads(done.stdout)

    return run


def save_parts(folder, seeds, ending="png"):
    for number, seed in enumerate(seeds):
        save_picture(folder / f"{number:03d}.{ending}", part(seed))


@pytest.mark.parametrize("copies", [1, 5, 40])
def test_the_same_picture_again_counts_once(fit, tmp_path, copies):
    save_parts(tmp_path / "good", [k // copies for k in range(40)])
    if copies > 1:  # in another format, too
        save_picture(tmp_path / "good/zzz.bmp", part(0))
    done, said = fit("good")
    distinct = 40 // copies
    equal = 40 - distinct + (copies > 1)
    assert said["intake"]["equal"]["count"] == equal
    kept_out = said["held_out"] if said["calibration"] == "split" else 0
    assert said["pictures"] + kept_out == distinct
    assert (said["threshold"] is None) == (distinct == 1)
    info = json.loads(golden("info", tmp_path / "good.golden", "--json").stdout)
    assert info["intake"] == said["intake"]
    if distinct == 1:
        assert f"{distinct} different ones, and {equal} equal to these" in done.stderr
        assert "equal to these" in info["intake"]["no_promise"]
    else:
        assert info["intake"]["no_promise"] is None


def test_equal_pictures_are_never_on_both_sides_of_a_hold_out(fit, tmp_path):
    save_parts(tmp_path / "good", [k // 2 for k in range(90)])
    _, said = fit("good")
    assert (said["calibration"], said["held_out"], said["pictures"]) == ("split", 19, 26)


def test_files_left_out_by_their_ending_are_counted_and_named(fit, tmp_path):
    save_parts(tmp_path / "good", range(3))
    for name in ("a.arw", "b.raw", "c.gif", "d.raw", "deep/e.txt", ".hidden"):
        (tmp_path / "good" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "good" / name).write_bytes(b"x")
    done, said = fit("good")
    assert said["intake"]["left_out"] == {"count": 5, "names": ["a.arw", "b.raw", "c.gif"]}
    assert "5 files (a.arw, b.raw, c.gif and 2 more) left out by the ending" in done.stderr
    listed = golden("info", tmp_path / "good.golden").stdout
    assert "5 files (a.arw, b.raw, c.gif and 2 more) left out by the ending" in listed
    by_pattern = open_images(str(tmp_path / "good" / "*.png"))
    assert not by_pattern.intake.left_out
    assert open_images(str(tmp_path / "good" / "*")).intake.left_out.count == 5


def test_masks_beside_pictures_are_not_learned(fit, tmp_path):
    save_parts(tmp_path / "good", range(40), "jpg")
    for number in range(40):
        mask = np.zeros((48, 64), np.uint8)
        mask[:number, :9] = 255
        Image.fromarray(mask).save(tmp_path / "good" / f"{number:03d}.png")
    save_picture(tmp_path / "good/000_mask.png", part(77))
    save_picture(tmp_path / "good/001_GT.bmp", part(78))
    save_picture(tmp_path / "good/alone_mask.png", part(79))
    done, said = fit("good")
    assert said["intake"]["masks"]["count"] == 42
    assert said["pictures"] + said["held_out"] == 41
    assert "left out, as they look like masks of the pictures beside them" in done.stderr


def test_two_pictures_of_one_stem_are_learned_and_told(fit, tmp_path):
    save_parts(tmp_path / "good", range(3))
    save_picture(tmp_path / "good/000.bmp", part(9))
    done, said = fit("good")
    assert said["intake"]["same_stem"]["count"] == 1
    assert said["pictures"] == 4
    assert "beside a picture of the same name with another ending" in done.stderr


def test_a_picture_of_a_single_value_leaves_no_promise(fit, tmp_path):
    save_parts(tmp_path / "good", range(40))
    save_picture(tmp_path / "good/dark.png", np.zeros((48, 64, 3), np.uint8))
    done, said = fit("good")
    assert said["threshold"] is None
    assert "1 file (dark.png) of a single value all over" in said["intake"]["no_promise"]
    assert "1 file (dark.png) of a single value all over" in done.stderr
    words = golden("info", tmp_path / "good.golden").stdout
    assert "no limits can be set: 1 file (dark.png)" in words
    inspector = goldensample.load(tmp_path / "good.golden")
    assert inspector.threshold is None
    assert len(inspector.pictures) == 41


def test_few_grey_levels_are_told(fit, tmp_path):
    for number in range(3):
        save_picture(tmp_path / f"good/{number}.png", part(number) // 16 * 16)
    save_parts(tmp_path / "good", range(20, 24))
    done, said = fit("good")
    assert said["intake"]["few_levels"] == {"count": 3, "names": ["0.png", "1.png", "2.png"]}
    assert "with fewer than 32 of 256 grey levels" in done.stderr


def test_a_program_gives_arrays(tiny_file):
    images = [part(k // 4) for k in range(80)]
    network = goldensample.open_backbone(f"onnx:{tiny_file}")
    size = goldensample.Preparation((48, 48))
    inspector = goldensample.fit(images, backbone=network, preparation=size)
    assert len(inspector.pictures) == 20
    assert inspector.intake.equal.count == 60
    assert inspector.threshold.kind == "cross"
    flat = goldensample.fit(
        [*images, np.zeros((48, 64, 3), np.uint8)], backbone=network, preparation=size
    )
    assert flat.threshold is None
    assert "(80)" in flat.intake.no_promise


def test_an_audit_scores_each_picture_once(tiny_file, tmp_path):
    save_parts(tmp_path / "good", [0, 0, 1, 2, 2])
    (tmp_path / "good/notes.txt").write_text("x")
    save_picture(tmp_path / "good/005.png", np.full((48, 64, 3), 7, np.uint8))
    network = ("--backbone", f"onnx:{tiny_file}", "--size", "48")
    done = golden("audit", tmp_path / "good", *network, "--json")
    *ranking, last = map(json.loads, done.stdout.splitlines())
    assert len(ranking) == 4
    assert {kind: found["count"] for kind, found in last.items() if found["count"]} == {
        "left_out": 1,
        "equal": 2,
        "single_value": 1,
    }
    assert "1 file (005.png) of a single value all over" in done.stderr
    assert "2 files (001.png, 004.png) left out, as their pixels are equal" in done.stderr
    assert "1 file (notes.txt) left out by the ending" in done.stderr


def test_facts_of_pictures():
    deep = np.array([[0, 4095], [7, 8]], np.uint16)
    facts = picture_facts(deep)
    assert (facts.span, facts.values) == (4095, 4)
    assert facts.digest != picture_facts(deep.T.copy()).digest
    narrow = picture_facts(np.arange(29200, 29300, dtype=np.uint16).reshape(10, 10))
    assert narrow.levels(GreyRange(0, 65535)) == 2
    colors = np.arange(3 * 64).reshape(8, 8, 3).astype(np.uint8)
    assert picture_facts(colors).values == 32
    assert picture_facts(colors * 0).span == 0


def test_masks_are_told_by_their_names():
    names = ["a.png", "a_mask.png", "b_mask.png", "x/c.jpg", "x/c_GT.png", "c_gt.png", "d.png"]
    assert find_masks(names) == ([1, 4], [])
    assert find_masks(["a.jpg", "a.png"], lambda k: k == 1) == ([1], [])
    assert find_masks(["a.jpg", "a.png"], lambda k: True) == ([], [1])


def test_all_pictures_can_still_be_had(tmp_path):
    save_parts(tmp_path, [0, 0, 1])
    pictures = read_images(tmp_path)
    assert len(pictures) == 3
    assert pictures.distinct().names == ("000.png", "002.png")
    assert open_images(tmp_path).distinct().names == ("000.png", "002.png")


def test_an_inspection_counts_what_may_show_no_part(line, tmp_path):
    save_parts(tmp_path, [100, 101, 100])
    save_picture(tmp_path / "other.bmp", part(101))
    for number in range(4):
        (tmp_path / f"d{number}.raw").write_bytes(b"x")
    save_picture(tmp_path / "000_mask.png", part(3))
    save_picture(tmp_path / "dark.png", np.zeros((48, 64, 3), np.uint8))
    save_picture(tmp_path / "coarse.png", part(4) // 16 * 16)
    mask = np.zeros((48, 64), np.uint8)
    mask[3:9, 4:20] = 255
    Image.fromarray(mask).save(tmp_path / "001.bmp")
    save_picture(tmp_path / "coarse.bmp", part(5))
    found = {
        "left_out": {"count": 4, "names": ["d0.raw", "d1.raw", "d2.raw"]},
        "equal": {"count": 2, "names": ["002.png", "other.bmp"]},
        "masks": {"count": 2, "names": ["000_mask.png", "001.bmp"]},
        "same_stem": {"count": 1, "names": ["coarse.png"]},
        "single_value": {"count": 1, "names": ["dark.png"]},
        "few_levels": {"count": 1, "names": ["coarse.png"]},
    }
    done = golden("inspect", line / "part.golden", tmp_path, "--json")
    *results, last = [json.loads(text) for text in done.stdout.splitlines()]
    assert len(results) == 9
    assert last == found
    for sentence in (
        "4 files (d0.raw, d1.raw, d2.raw and 1 more) left out by the ending",
        "2 files (002.png, other.bmp) the same, pixel by pixel, as a picture before",
        "2 files (000_mask.png, 001.bmp) inspected, though they look like masks",
        "1 file (coarse.png) beside a picture of the same name with another ending",
        "1 file (dark.png) of a single value all over",
        "1 file (coarse.png) with fewer than 32 of 256 grey levels",
    ):
        assert sentence in done.stderr
    plain = golden("inspect", line / "part.golden", tmp_path)
    assert "4 files (d0.raw" in plain.stderr
    assert "left_out" not in plain.stdout
    for resume in ((), ("--resume",)):  # of a finished table, the second time
        output = ("--output", line / "counted.parquet", "--json")
        table = golden("inspect", line / "part.golden", tmp_path, *output, *resume)
        said = json.loads(table.stdout)
        assert {kind: said[kind] for kind in found} == found
    alone = golden("inspect", line / "part.golden", tmp_path / "000.png", "--json")
    assert len(alone.stdout.splitlines()) == 1
    assert alone.stderr == ""
