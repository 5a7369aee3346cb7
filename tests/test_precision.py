"""A precision is used only where it can be had and proves itself on good pictures held out."""

import re
from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from picture_files import save_picture

from changed_network import changed_network
from goldensample import PatchCore, Preparation, WeightsError, load, open_backbone, save
from goldensample.backbones.openvino import OpenVINOBackbone, processor_has
from goldensample.fitting import precision as precisions
from goldensample.fitting.calibrate import fold_detectors
from goldensample.fitting.precision import (
    check_precision,
    choose_precision,
    compare_precision,
    convert_precision,
)
from goldensample.fitting.precision_check import (
    PrecisionCheck,
    compare_defects,
    drop_bound,
    limit_shift,
    paste_defects,
)
from goldensample.graphs import quantization
from goldensample.methods.nearest import Nearest
from goldensample.preparation.roi import RegionOfInterest
from goldensample.records import Picture, silent

SMALL, CANVAS = Preparation((48, 48)), Preparation((128, 128))  # small, for speed


@pytest.fixture(scope="module")
def fitted(good_parts):
    plain = PatchCore(
        by_position="off", composition="off"
    )  # on these parts it would leave int8 too little room
    return fit(good_parts, backbone=open_backbone("builtin"), preparation=CANVAS, method=plain)


@pytest.fixture(scope="module")
def other(tiny, good_parts):
    """A network without an int8 form."""
    return fit(good_parts, backbone=tiny)


def test_the_built_in_network_computes_nearly_the_same_in_int8():
    network = open_backbone("builtin").network
    pictures = np.stack([part(seed, shape=(64, 96)) for seed in range(3)])
    given = pictures.transpose(0, 3, 1, 2).astype(np.float32)
    exact = OpenVINOBackbone(network).extract(given)
    rounded = OpenVINOBackbone(network, precision="int8").extract(given)
    for one, two in zip(exact, rounded, strict=True):
        assert 0 < np.mean((one - two) ** 2) < 0.1 * np.var(one)


def test_int8_is_kept_with_limits_of_its_own(fitted, good_parts, tmp_path):
    proven, _ = compare_precision(fitted, good_parts, "int8")
    assert set(proven.thresholds) == {"fp32", "int8"}
    assert proven.threshold == proven.thresholds["int8"] != fitted.threshold
    save(proven, tmp_path / "a.golden")
    again = load(tmp_path / "a.golden")
    assert again.backbone.precision == "int8"
    assert again.thresholds == proven.thresholds
    assert again.inspect(part(99)).score == proven.inspect(part(99)).score
    assert (
        convert_precision(again, "fp32").inspect(part(99)).score == fitted.inspect(part(99)).score
    )
    assert convert_precision(again, "fp32").threshold == fitted.threshold


def test_auto_takes_what_proves_itself_and_says_so(fitted, good_parts):
    chosen, words = choose_precision(fitted, good_parts, "auto")
    _, proof = compare_precision(fitted, good_parts, "int8")
    assert proof.passes
    assert chosen.backbone.precision == "int8"
    assert words == f"int8: {proof}"
    assert re.search(
        r"limit moves by 0\.\d+ of its own uncertainty, and of 3\d defects pasted", words
    )


def test_one_pass_over_the_pictures_sets_the_limits_of_two_precisions(fitted, good_parts, tmp_path):
    one_by_one, _ = choose_precision(fitted, good_parts, "auto")
    at_once = fit(
        good_parts,
        backbone=fitted.backbone,
        method=fitted.method,
        preparation=CANVAS,
        precision="auto",
    )
    for name, inspector in (("a", one_by_one), ("b", at_once)):
        save(inspector, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_limits_in_a_precision_that_is_dropped_are_not_kept(fitted, good_parts):
    backbone = OpenVINOBackbone(changed_network(fitted.backbone.network, "scale"))
    chosen = fit(good_parts, backbone=backbone, preparation=CANVAS, precision="int8")
    assert chosen.backbone.precision == "fp32"
    for by_precision in (chosen.thresholds, chosen.calibrations, chosen.habits.held_out):
        assert set(by_precision) == {"fp32"}


@pytest.mark.parametrize("damage", ["bits", "scale", "zero"])
def test_a_broken_form_is_dropped(fitted, good_parts, damage):
    network = changed_network(fitted.backbone.network, damage)
    broken = replace(fitted, backbone=OpenVINOBackbone(network))
    chosen, words = choose_precision(broken, good_parts, "int8")
    assert chosen is broken
    assert words.startswith("fp32; int8 was tried and dropped: ")
    # the defects alone refuse it, too
    other, check = compare_precision(broken, good_parts, "int8")
    detectors = fold_detectors(other, len(good_parts))
    by_defects = compare_defects((broken, other), good_parts, detectors, 0.0, silent)
    assert by_defects.limit_holds
    assert not by_defects.passes
    assert not check.passes


def test_a_harmless_form_is_taken(fitted, good_parts):
    network = changed_network(fitted.backbone.network, "bf16")
    harmless = replace(fitted, backbone=OpenVINOBackbone(network))
    chosen, _ = choose_precision(harmless, good_parts, "int8")
    assert chosen.backbone.precision == "int8"


def test_each_fold_judges_its_own_and_scores_serve_where_no_map_is(tiny, good_parts):
    for method, pictures in ((PatchCore(), good_parts[:20]), (Nearest(), good_parts)):
        one = fit(pictures, backbone=tiny, method=method, preparation=SMALL, calibration="auto")
        detectors = fold_detectors(one, len(pictures))
        same = compare_defects((one, one), pictures, detectors, 0.0, silent)
        assert same.passes
        assert same.drop == 0
        assert same.found[0] == same.found[1]
        assert 25 <= same.defects <= 32


def test_defects_lie_where_one_looks_and_do_not_overlap(good_parts):
    roi = RegionOfInterest((4, 4), (5, 3, 1, 3, 4))
    picture = Picture("a", good_parts[0])
    placement = Preparation((64, 96), view=roi).apply(picture.pixels)[1]
    pasted, masks = paste_defects(picture, placement, 3, 4)
    assert np.array_equal(
        sum(mask.astype(int) for mask in masks) > 0, np.any(pasted.pixels != picture.pixels, axis=2)
    )
    assert sum(mask.astype(int) for mask in masks).max() == 1
    assert not any((mask & ~placement.roi_mask()).any() for mask in masks)
    again, _ = paste_defects(picture, placement, 3, 4)
    assert np.array_equal(again.pixels, pasted.pixels)


def test_what_is_asked_of_the_limit_and_of_the_defects():
    scores = np.arange(40.0)
    assert limit_shift(scores, scores, np.max) == 0
    assert limit_shift(scores, scores + 100, np.max) > 10
    assert limit_shift(np.ones(5), np.ones(5), np.max) == 0
    assert limit_shift(np.ones(5), np.zeros(5), np.max) == -np.inf
    assert limit_shift(scores, scores + 3, np.mean) == pytest.approx(
        3 / (scores.std() / 40**0.5), rel=0.1
    )
    good, defects = scores, scores + 50  # all above all good ones
    assert drop_bound((good, good), (defects, defects)) == 0
    assert drop_bound((good, good), (defects, good)) > 0.5
    assert drop_bound((good, good), (good, defects)) < -0.3
    assert PrecisionCheck(1.0, 0.04).passes
    assert not PrecisionCheck(1.0).passes
    assert not PrecisionCheck(-1.1, 0.0).passes
    assert not PrecisionCheck(0.0, 0.05).passes
    assert "may be lower by 0.05" in str(PrecisionCheck(0.0, 0.05, (20, 18), 32))


def test_without_pictures_held_out_auto_stays_with_fp32(fitted, good_parts):
    bare = replace(fitted, thresholds={})
    assert choose_precision(bare, good_parts, "auto")[0].backbone.precision == "fp32"
    chosen, words = choose_precision(bare, good_parts, "int8")
    assert chosen.backbone.precision == "int8"
    assert "not proven" in words


def test_nncf_quantises_other_networks(other, good_parts):
    quantised, words = choose_precision(other, good_parts, "int8")
    network = quantised.backbone.network
    assert network.int8_graph or "int8 was dropped" in words
    made = quantization.quantise(
        other.backbone.network, precisions.calibration_canvases(other, good_parts)
    )
    given = part(3).transpose(2, 0, 1)[None].astype(np.float32)
    exact = OpenVINOBackbone(made).extract(given)
    rounded = OpenVINOBackbone(made, precision="int8").extract(given)
    assert all(
        np.mean((a - b) ** 2) < 0.05 * np.var(a) for a, b in zip(exact, rounded, strict=True)
    )
    assert made == quantization.quantise(
        other.backbone.network, precisions.calibration_canvases(other, good_parts)
    )


def test_what_cannot_be_had_is_said(other, fitted, monkeypatch):
    with pytest.raises(ValueError, match="precision must be one of auto"):
        check_precision(fitted.backbone, "fp16")
    with pytest.raises(ValueError, match="int8 must go with a quantised network"):
        convert_precision(other, "int8")
    if not processor_has("bf16"):
        with pytest.raises(ValueError, match="bf16 must have a processor with it"):
            convert_precision(fitted, "bf16")
    monkeypatch.setattr(precisions, "can_quantise", lambda: False)
    check_precision(fitted.backbone, "int8")
    with pytest.raises(WeightsError, match=r"goldensample\[int8\]"):
        check_precision(other.backbone, "int8")


def test_a_network_in_torch_stays_in_float(fitted):
    class InTorch:
        network, precision = fitted.backbone.network, "fp32"

    with pytest.raises(ValueError, match="fp32 where torch runs"):
        check_precision(InTorch(), "int8")
    with pytest.raises(ValueError, match="fp32 where torch runs"):
        convert_precision(replace(fitted, backbone=InTorch()), "int8")


def test_one_picture_at_a_time_scores_as_in_a_batch(fitted, good_parts):
    many = list(fitted.inspect_many(good_parts[:11], batch=4))
    one_by_one = list(fitted.inspect_many(good_parts[:11], batch=1))
    assert [one.score for one in many] == [one.score for one in one_by_one]
    fresh = replace(fitted, backbone=OpenVINOBackbone(fitted.backbone.network))
    assert [fresh.inspect(image).score for image in good_parts[:3]] == [
        one.score for one in many[:3]
    ]


def test_a_precision_without_limits_is_told(fitted, tmp_path):
    save(fitted, tmp_path / "a.golden")
    save_picture(tmp_path / "new/0.png", part(3))
    done = golden("inspect", "a.golden", "new", "--precision", "int8", cwd=tmp_path)
    assert done.returncode == 0
    assert "no limits were set in int8" in done.stderr
    by_hand = golden(
        "inspect", "a.golden", "new", "--precision", "int8", "--threshold", "9", cwd=tmp_path
    )
    assert "no limits" not in by_hand.stderr
    assert "good" in by_hand.stdout
