"""What is looked at, and what is never scored."""

from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import check_round_trip, fit, part, read_writable_parts
from PIL import Image

from goldensample import ArtifactError, ImageError, Preparation, load, save
from goldensample.artifact.container import write_parts
from goldensample.graphs.graph import to_onnx
from goldensample.masks.roi_files import read_mask, read_roi
from goldensample.preparation.roi import RegionOfInterest, draw_polygons, roi_from_mask

LEFT = roi_from_mask(np.repeat([[True, False]], 2, axis=0))


@pytest.fixture(scope="module")
def half(tiny, good_parts):
    """Fitted on the left halves alone: the defect of `part` lies in the right ones."""
    return fit(good_parts, backbone=tiny, preparation=Preparation((48, 48), view=LEFT))


def test_a_view_by_hand():
    mask = np.array([[False, True, True], [True, False, False]])
    view = roi_from_mask(mask)
    assert view == RegionOfInterest((2, 3), (1, 3, 2))
    assert np.array_equal(view.contains(np.array([0.0, 0.99]), np.array([0.1, 0.5, 1.0])), mask)
    assert view.share == 0.5
    assert roi_from_mask(~mask) == RegionOfInterest((2, 3), (0, 1, 3, 2))


@pytest.mark.parametrize(
    ("shape_hw", "runs", "words"),
    [
        ((2, 2), (1, 2), "must fill 4 cells"),
        ((2, 2), (-1, 5), "must fill"),
        ((2, 2), (4,), "something to look at"),
        ((0, 2), (), "must be in 1 to"),
        ((2, 4096), (0, 8192), "must be in 1 to"),
    ],
)
def test_views_that_cannot_be(shape_hw, runs, words):
    with pytest.raises(ValueError, match=words):
        RegionOfInterest(shape_hw, runs)


def test_large_masks_are_thinned_out_and_keep_their_shares():
    mask = np.zeros((3000, 2000), bool)
    mask[:1500] = True
    view = roi_from_mask(mask)
    assert view.shape_hw == (1024, 683)
    assert view.runs == (0, 512 * 683, 512 * 683)


def test_polygons_by_hand():
    left = [[0, 0], [0, 0.5], [1, 0.5], [1, 0]]
    assert np.array_equal(draw_polygons([left], (4, 4)), np.arange(4) < np.full((4, 1), 2))
    triangle = draw_polygons([[[0, 0], [1, 0], [1, 1]]], (64, 64))
    assert np.array_equal(triangle, np.arange(64)[:, None] > np.arange(64)) or (
        np.array_equal(triangle, np.arange(64)[:, None] >= np.arange(64))
    )
    assert np.array_equal(draw_polygons([left, left], (4, 4)), draw_polygons([left], (4, 4)))
    for wrong in ([[0, 0], [1, 1]], [[0, 0], [1, 1], [0, 2]], "abc", [[0, 0, 0]] * 3, [0, 1, 2]):
        with pytest.raises(ValueError, match="must be"):
            draw_polygons([wrong])


def test_what_is_ignored_is_neither_learned_nor_scored(half, tiny, good_parts):
    assert (half.detector.origins[:, 2] < 0.5).all()
    clean, spoilt = part(100), part(100, defect=True)  # the defect is at columns 30 to 40
    ours, theirs = half.inspect(clean), half.inspect(spoilt)
    assert (theirs.heat_map[:, 24:] == 0).all()
    assert ours.heat_map[:, :24].min() > 0
    assert theirs.score == pytest.approx(ours.score, rel=0.2)
    whole = fit(good_parts, backbone=tiny, preparation=Preparation((48, 48)))
    assert whole.inspect(spoilt).score > 2 * theirs.score


def test_a_defect_outside_what_is_ignored_is_found(tiny, good_parts):
    right = replace(LEFT, runs=(1, 1, 1, 1))
    inspector = fit(good_parts, backbone=tiny, preparation=Preparation((48, 48), view=right))
    found = inspector.inspect(part(100, defect=True))
    assert found.verdict == "defect"
    assert all(region.box_px[1] >= 24 for region in found.regions)


def test_a_view_is_laid_over_pictures_of_other_sizes(half):
    found = half.inspect(part(3, shape=(96, 96)))
    assert (found.heat_map[:, 48:] == 0).all()
    assert (found.heat_map[:, :48] > 0).all()
    with pytest.raises(ValueError, match="must leave a patch"):
        replace(
            half,
            preparation=replace(half.preparation, view=RegionOfInterest((1024, 1), (0, 1, 1023))),
        ).inspect(part(0))


def test_a_view_is_kept_in_the_file(half, tmp_path):
    check_round_trip(half, tmp_path / "a.golden", part(5))


@pytest.mark.parametrize("name", ["thumbnail/999", "thumbnail/x", "thumbnail/01"])
def test_thumbnails_of_no_picture_are_refused(half, tmp_path, name):
    save(half, tmp_path / "a.golden")
    header, arrays = read_writable_parts(tmp_path / "a.golden")
    write_parts(tmp_path / "a.golden", header, {**arrays, name: np.zeros(3, np.uint8)})
    with pytest.raises(ArtifactError, match="a thumbnail must be bytes, of one of the pictures"):
        load(tmp_path / "a.golden")


def test_an_export_of_a_part_is_refused(half):
    with pytest.raises(ValueError, match="must look at whole pictures"):
        to_onnx(half)


def test_masks_and_polygons_from_files(tmp_path):
    mask = np.zeros((30, 40), np.uint8)
    mask[:, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    (tmp_path / "area.json").write_text('{"polygons": [[[0, 0], [0, 1], [0.5, 1], [0.5, 0]]]}')
    shapes = [(60, 80), (300, 400)]
    middle = np.array([0.25, 0.75])
    view = read_roi(tmp_path / "mask.png", tmp_path / "area.json", shapes)
    assert view.contains(middle, middle).tolist() == [[False, True], [False, False]]
    view = read_roi(tmp_path / "mask.png", None, shapes)
    assert view.contains(middle, middle).tolist() == [[False, True], [False, True]]
    assert read_roi(None, None, shapes) is None
    with pytest.raises(ImageError, match=r"aspect of the pictures; .* has 30x40 pixels, a"):
        read_roi(tmp_path / "mask.png", None, [(60, 60)])
    with pytest.raises(ValueError, match="something to look at"):
        read_roi(tmp_path / "mask.png", tmp_path / "mask.png", shapes)


@pytest.mark.parametrize("text", ["{", "[]", '{"polygons": 3}', '{"polygons": [[[0, 0]]]}', "\0"])
def test_polygons_that_cannot_be_read(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ImageError, match=r"cannot read polygons from .*a\.json"):
        read_mask(tmp_path / "a.json")
    with pytest.raises(ImageError, match=r"cannot read .*none\.json"):
        read_mask(tmp_path / "none.json")


def test_fit_ignores_and_keeps_thumbnails_and_inspect_shows_them(
    line,
    tiny_file,
    tmp_path,
):
    (tmp_path / "ignore.json").write_text('{"polygons": [[[0, 0], [0, 0.3], [1, 0.3], [1, 0]]]}')
    file = tmp_path / "a.golden"
    words = ("fit", line / "train/good", "-o", file, "--backbone", f"onnx:{tiny_file}")
    done = golden(*words, "--ignore", tmp_path / "ignore.json", "--thumbnails")
    assert done.returncode == 0, done.stderr
    fitted = load(file)
    assert fitted.preparation.view is not None
    used = set(fitted.detector.origins[:, 0].astype(int))
    kept = {k for k, one in enumerate(fitted.pictures) if one.thumbnail}
    assert kept == used
    assert all(fitted.pictures[k].thumbnail.startswith(b"\xff\xd8\xff") for k in kept)
    save(fitted, tmp_path / "b.golden")
    assert (tmp_path / "b.golden").read_bytes() == file.read_bytes()
    golden("inspect", file, line / "test/spot", "--report", tmp_path)
    page = (tmp_path / "report.html").read_text()
    named = {piece.split('"')[0] for piece in page.split('href="#good-')[1:]}
    assert 0 < len(named) == page.count('id="good-')
    assert '<div class="pair">' in page
    plain = golden("inspect", line / "part.golden", line / "test/spot", "--report", tmp_path)
    assert plain.returncode == 0
    assert '<div class="pair">' not in (tmp_path / "report.html").read_text()
    refused = golden(*words, "--thumbnails", "--method", "padim")
    assert refused.returncode == 2
    assert "the method has none" in refused.stderr
