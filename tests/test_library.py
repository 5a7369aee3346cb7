"""The Python API does what the commands do, with their defaults."""

import inspect as signatures

import numpy as np
import pytest
from commands import golden, golden_in_process
from conftest import part

import goldensample
from goldensample import Inspector, Preparation
from goldensample.cli.app import load_command

SMALL = Preparation((48, 48))


@pytest.fixture(scope="module")
def fitted(tiny, good_parts) -> Inspector:
    return goldensample.fit(good_parts, backbone=tiny, preparation=SMALL)


def test_defaults_are_those_of_the_command():
    ours = signatures.signature(goldensample.fit).parameters
    theirs = {one.name: one.default for one in load_command("fit").params}
    for name in ("precision", "calibration", "review"):
        assert ours[name].default == theirs[name]


def test_the_built_in_network_computes_in_the_precision_of_golden_fit(tmp_path, good_parts):
    from picture_files import save_picture

    for number, pixels in enumerate(good_parts):
        save_picture(tmp_path / "good" / f"{number:02d}.png", pixels)
    pictures = goldensample.read_images(tmp_path / "good")
    inspector = goldensample.fit(pictures, preparation=SMALL)
    goldensample.save(inspector, tmp_path / "ours.golden")
    done = golden("fit", "good", "-o", "theirs.golden", "--size", "48x48", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "ours.golden").read_bytes() == (tmp_path / "theirs.golden").read_bytes()
    loaded = goldensample.load(tmp_path / "theirs.golden")
    assert loaded.backbone.precision == inspector.backbone.precision
    assert loaded.backbone.precision in ("int8", "bf16")  # whichever proves itself here
    printed = golden_in_process("inspect", tmp_path / "theirs.golden", tmp_path / "good/00.png")
    assert f"{loaded.inspect(pictures[0]).score:.4f}" in printed


def test_an_inspector_says_what_it_is_in_three_lines(fitted, tiny):
    lines = repr(fitted).splitlines()
    name, precision = tiny.network.name, fitted.backbone.precision
    assert lines[0] == f"Inspector: patchcore on the network {name}, in {precision}, at 48x48"
    assert lines[1] == "learned from 21 good pictures; 19 more were kept aside to set the limits"
    assert lines[2].endswith("is a defect: of 100 good parts about 5 are called defects")
    one = goldensample.fit([part(1)], backbone=tiny, preparation=SMALL)
    assert repr(one).splitlines()[1:] == [
        "learned from 1 good picture",
        "no limits: it gives scores and heat maps, and no verdicts",
    ]


def test_learning_and_limits_are_kept_in_the_journal(fitted, tmp_path):
    odd = part(7, defect=True)
    assert fitted.inspect(odd).verdict == "defect"
    learned = goldensample.learn(fitted, [odd], "it is good")
    assert learned.inspect(odd).verdict == "good"
    limited = goldensample.set_thresholds(learned, 0.1, review=0.2, reason="a test")
    assert (limited.threshold.false_alarms, limited.threshold.review_rate) == (0.1, 0.2)
    goldensample.save(limited, tmp_path / "a.golden")
    said = golden_in_process("history", tmp_path / "a.golden")
    assert "(it is good)" in said
    assert "(a test)" in said
    assert fitted.threshold.false_alarms == 0.05


def test_limits_and_what_they_cost(fitted, line, tmp_path):
    limits = goldensample.thresholds(fitted)
    assert [limit.in_use for limit in limits].count(True) == 1
    assert limits[0].alarms is None
    counted = goldensample.thresholds(fitted, line)
    assert [limit.score for limit in counted] == [limit.score for limit in limits]
    used = next(limit for limit in counted if limit.in_use)
    assert 0 <= used.alarms <= 6
    assert 0 <= used.misses <= 6


def test_an_audit_puts_the_odd_one_first(tiny):
    pictures = [part(seed, defect=seed == 3) for seed in range(8)]
    ranking = goldensample.audit(pictures, backbone=tiny, preparation=SMALL)
    assert (ranking[0].picture, ranking[0].rank, len(ranking)) == ("3", 1, 8)
    with pytest.raises(ValueError, match="at least two pictures; got 1"):
        goldensample.audit([part(1)], backbone=tiny, preparation=SMALL)


def test_a_model_and_a_page_are_written(fitted, tmp_path):
    written = goldensample.export_model(fitted, tmp_path / "part.onnx")
    assert written.paths == (tmp_path / "part.onnx",)
    assert (tmp_path / "part.onnx").is_file()
    with pytest.raises(ValueError, match=r"path must end in \.onnx or \.xml; got"):
        goldensample.export_model(fitted, tmp_path / "part.pt")
    pictures = [part(50), part(51, defect=True)]
    options = {"lot": "<7>", "operator": "Kim"}
    goldensample.write_report(fitted, iter(pictures), tmp_path / "page.html", **options)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count('class="name"') == 2
    assert "<dt>lot</dt><dd><bdi>&lt;7&gt;</bdi></dd>" in page
    assert "<dt>operator</dt><dd><bdi>Kim</bdi></dd>" in page
    assert np.array_equal(pictures[0], part(50))
