"""Large pictures in tiles: the same maps as of the whole, at native resolution."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from commands import golden
from conftest import fit, part

from goldensample import PatchCore, Preparation, load, save
from goldensample.errors import ArtifactError, ImageError, WeightsError
from goldensample.features.extraction import batch_size, level_shapes
from goldensample.features.tiling import Span, native_preparation, run_tiled, spans
from goldensample.graphs.open_backbone import open_backbone
from goldensample.methods.mean_map import MeanMap
from goldensample.records import Picture, Threshold

WIDE = (56, 1396)
"""Height and width of pictures that take two tiles."""


def texture(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """A canvas (1, 3, height, width) with structure of several sizes."""
    rng = np.random.default_rng(seed)
    coarse = np.kron(rng.uniform(40, 200, (shape[0] // 8, shape[1] // 8)), np.ones((8, 8)))
    return (coarse + rng.uniform(-30, 30, (1, 3, *shape))).astype(np.float32)


def test_spans_by_hand():
    assert spans(20, 2, 10, 2) == [Span(0, 10, 0, 8), Span(6, 16, 8, 12), Span(10, 20, 12, 20)]
    assert spans(1280, 16) == [Span(0, 1280, 0, 1280)]
    assert [(s.start, s.end) for s in spans(1296, 16)] == [(0, 800), (496, 1296)]


@pytest.mark.parametrize(("stride", "margin_px"), [(1, 0), (8, 5), (16, 128), (32, 100)])
def test_spans_keep_every_pixel_once_with_its_margin(stride, margin_px):
    margin = -(-margin_px // stride) * stride
    for tile_px in (2 * margin + stride, 2 * margin + 5 * stride + stride // 2):
        for side in (*range(stride, 99 * stride, 7 * stride), 250 * stride):
            found = spans(side, stride, tile_px, margin_px)
            assert found[0].start == found[0].first == 0
            assert found[-1].end == found[-1].last == side
            assert len({span.end - span.start for span in found}) == 1
            assert all(span.end - span.start <= max(tile_px, stride) for span in found)
            for span, following in pairwise(found):
                assert span.first < span.last == following.first < following.last
                assert span.end - span.last >= margin
                assert following.first - following.start >= margin
                assert following.start % stride == span.last % stride == 0


def test_what_cannot_be_cut_is_refused():
    with pytest.raises(
        ValueError, match="multiples of the network's stride, 16; got 3000; take 3008"
    ):
        spans(3000, 16)
    with pytest.raises(ValueError, match="longer than two margins"):
        spans(1008, 16, 256, 128)


def test_no_seams_with_the_builtin_network():
    backbone, canvas = open_backbone("builtin"), texture(0, (352, 528))
    whole = backbone.extract(canvas)
    for found, wanted in zip(run_tiled(backbone.extract, canvas, 16, 304, 112), whole, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-4 * np.abs(wanted).max())
    # its coarsest level sees 97 pixels to each side: with much less there are seams
    narrow = run_tiled(backbone.extract, canvas, 16, 304, 48)
    assert np.abs(narrow[1] - whole[1]).max() > 0.01 * np.abs(whole[1]).max()


def test_several_canvases_in_tiles_of_both_axes(tiny):
    canvases = np.concatenate([texture(seed, (96, 160)) for seed in range(3)])
    whole = tiny.extract(canvases)
    for found, wanted in zip(run_tiled(tiny.extract, canvases, 8, 64, 16), whole, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-4)


def test_one_tile_is_the_whole(tiny):
    seen = []

    def run(canvases):
        seen.append(canvases)
        return tiny.extract(canvases)

    canvas = texture(0, (96, 160))
    run_tiled(run, canvas, 8)
    assert len(seen) == 1
    assert seen[0] is canvas


def test_maps_of_broken_cells_are_refused(tiny):
    canvas = texture(0, (96, 160))

    def without_border(canvases):
        return tuple(level[:, :, 1:, 1:] for level in tiny.extract(canvases))

    with pytest.raises(WeightsError, match=r"whole cells.*without --tile"):
        run_tiled(without_border, canvas, 8, 64, 16)


def test_native_resizes_nothing():
    preparation = native_preparation([(50, 70), (60, 40)], 16)
    assert preparation == Preparation((64, 80), "native")
    pixels = part(0, shape=(50, 70))
    canvas, placement = preparation.apply(pixels)
    assert (placement.scale_hw, placement.offset_hw) == ((1.0, 1.0), (7.0, 5.0))
    assert placement.box_px() == (0, 0, 50, 70)
    np.testing.assert_array_equal(canvas[:, 7:57, 5:75].transpose(1, 2, 0), pixels)
    np.testing.assert_array_equal(canvas[:, 0, 5:75], pixels[0].T)
    assert placement.valid((64, 80)).sum() == 50 * 70
    with pytest.raises(ImageError, match=r"at most 64x80 pixels.*has 65x10"):
        preparation.placement((65, 10))
    with pytest.raises(ValueError, match="without crop_hw"):
        Preparation((64, 64), "native", (32, 32))


def test_large_canvases_are_prepared_one_at_a_time(tiny):
    assert batch_size(Preparation((256, 256))) == 8
    assert batch_size(Preparation((2048, 2048))) == 2
    assert batch_size(Preparation((3008, 4000), "native")) == 1
    assert level_shapes(Preparation((48, 64)), tiny) == [(6, 12, 16), (10, 6, 8)]
    assert level_shapes(Preparation((48, 1400), "native"), tiny) == [(6, 12, 350), (10, 6, 175)]


@pytest.fixture(scope="module")
def pictures():
    return [part(seed, shape=WIDE) for seed in range(3)]


@pytest.fixture(scope="module")
def wide(tiny, pictures):
    method = PatchCore(coreset=0.02, neighbors=3)
    return fit(pictures, backbone=tiny, method=method, preparation=native_preparation([WIDE], 8))


def test_maps_and_scores_are_those_of_the_whole(wide):
    picture = part(100, defect=True, shape=WIDE)
    tiled = wide.inspect(picture)
    row, column = np.unravel_index(tiled.heat_map.argmax(), WIDE)
    assert 16 <= row <= 34
    assert 26 <= column <= 44
    at_once = replace(wide, preparation=Preparation(wide.preparation.size_hw, "fit"))
    whole = at_once.inspect(picture)
    assert tiled.score == pytest.approx(whole.score, rel=1e-5)
    np.testing.assert_allclose(tiled.heat_map, whole.heat_map, atol=1e-4 * whole.score)


def test_a_defect_on_a_seam_scores_as_elsewhere(wide):
    cut = spans(1400, 8)[0].last
    scores = []
    for left in (cut - 5, cut - 5 - 96):  # 96: stripes and cells are about the same there
        picture = part(100, shape=WIDE)
        picture[20:30, left : left + 10] = 10
        found = wide.inspect(picture)
        assert abs(int(found.heat_map.argmax()) % WIDE[1] - (left + 5)) <= 8
        scores.append(found.score)
    assert scores[0] == pytest.approx(scores[1], rel=0.2)


def test_a_file_keeps_it_and_refuses_larger_pictures(wide, tmp_path):
    limits = {"fp32": Threshold(0.01, 0.001)}  # so low that every picture has regions
    save(replace(wide, thresholds=limits), tmp_path / "wide.golden")
    read = load(tmp_path / "wide.golden")
    assert read.preparation == wide.preparation
    picture = part(100, defect=True, shape=WIDE)
    found = read.inspect(picture)
    assert found.score == wide.inspect(picture).score
    assert found.regions[0].reason.picture in "012"
    smaller = read.inspect(part(0, shape=(40, 1100)))
    assert smaller.heat_map.shape == (40, 1100)
    with pytest.raises(ImageError, match=r"large\.png: a picture must have at most 56x1400"):
        read.inspect(Picture("large.png", part(0, shape=(60, 1300))))


def test_methods_with_places_and_what_cannot_be_exported(tiny, pictures, wide, tmp_path):
    from goldensample.export.export import export

    fitted = fit(
        pictures,
        backbone=tiny,
        method=MeanMap(),
        preparation=native_preparation([WIDE], 8),
        false_alarms=None,
    )
    save(fitted, tmp_path / "mean.golden")
    assert load(tmp_path / "mean.golden").inspect(pictures[0]).score >= 0
    with pytest.raises((ValueError, ArtifactError), match="see a picture as a whole"):
        export(wide, tmp_path / "wide.onnx", "onnx")


def test_on_the_command_line(tiny_file, pictures, tmp_path):
    from goldensample.images.codec import encode_png

    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, picture in enumerate([*pictures, part(0, shape=(60, 1500))]):
        (folder / f"{number}.png").write_bytes(encode_png(picture))
    good = [str(folder / f"{number}.png") for number in range(3)]
    file = str(tmp_path / "wide.golden")
    fitting = ["fit", *good, "-o", file, "--backbone", f"onnx:{tiny_file}", "--coreset", "100"]
    refused = golden(*fitting, "--tile", "--size", "48x48")
    assert (refused.returncode, "--tile must go without" in refused.stderr) == (2, True)
    fitted = golden(*fitting, "--tile")
    assert fitted.returncode == 0, fitted.stderr
    assert "at 56x1400" in fitted.stdout
    found = golden("inspect", file, folder)
    assert found.returncode == 2, found.stderr
    lines = found.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["good", "good", "good", "error"]
    assert "3.png: a picture must have at most 56x1400 pixels" in lines[3]
