"""A precision is used only where it can be had and proves itself on good pictures held out."""

from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import part
from picture_files import save_picture

from goldensample import WeightsError, fit, load, open_backbone, save
from goldensample.backbones.openvino import OpenVINOBackbone, processor_has
from goldensample.fitting import precision as precisions
from goldensample.fitting.precision import (
    PrecisionCheck,
    check_precision,
    choose_precision,
    convert_precision,
)
from goldensample.graphs import quantization


@pytest.fixture(scope="module")
def fitted(good_parts):
    return fit(good_parts, backbone=open_backbone("builtin"))


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
    proven, _ = precisions.compare_precision(fitted, good_parts, "int8")
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


def test_auto_takes_what_proves_itself_and_says_so(fitted, good_parts, monkeypatch):
    chosen, words = choose_precision(fitted, good_parts, "int8")
    _, proof = precisions.compare_precision(fitted, good_parts, "int8")
    assert (chosen.backbone.precision == "int8") == proof.passes
    assert str(proof) in words
    monkeypatch.setattr(precisions, "AGREEMENT", 1.1)  # more than can be reached
    chosen, words = choose_precision(fitted, good_parts, "auto")
    assert chosen.backbone.precision == "fp32"
    assert "int8 was dropped" in words
    monkeypatch.setattr(precisions, "AGREEMENT", -1.0)
    monkeypatch.setattr(precisions, "SHIFT", 10.0)
    chosen, words = choose_precision(fitted, good_parts, "auto")
    assert chosen.backbone.precision == "int8"


def test_the_proof_looks_at_ranks_and_at_the_threshold():
    assert PrecisionCheck(0.96, 0.04).passes
    assert not PrecisionCheck(0.94, 0.0).passes
    assert not PrecisionCheck(1.0, 0.06).passes
    assert not PrecisionCheck(1.0, -0.06).passes


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
