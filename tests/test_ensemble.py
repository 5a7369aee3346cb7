"""Several networks in one inspector: each with its bank, their scores brought to one measure."""

from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import check_round_trip, fit, part, tiny_onnx
from picture_files import save_picture
from references import exact

from goldensample import PatchCore, Preparation
from goldensample.backbones.network import Network
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.export.export import export
from goldensample.graphs.join import join
from goldensample.graphs.open_backbone import open_backbones
from goldensample.methods.ensemble import Ensemble
from goldensample.records import Features, silent
from test_method_contract import features

LEVELS = ("level2", "level3")


@pytest.fixture(scope="module")
def pair() -> tuple[Network, Network]:
    """Two networks; the second normalises the picture in its own way."""
    first = Network("one", tiny_onnx(0), LEVELS, stride=8)
    second = Network("two", tiny_onnx(1), LEVELS, (0.1, 0.2, 0.3), (0.5, 0.6, 0.7), stride=8)
    return first, second


def test_joined_networks_give_the_levels_of_each(pair):
    joined, members = join(list(pair))
    assert joined.levels == ("0/level2", "1/level2", "0/level3", "1/level3")
    assert members == (0, 1, 0, 1)
    assert joined.name == "one + two"
    given = np.random.default_rng(0).uniform(0, 255, (2, 3, 48, 64)).astype(np.float32)
    together = OpenVINOBackbone(joined).extract(given)
    alone = [OpenVINOBackbone(network).extract(given) for network in pair]
    for level, number in ((0, 0), (1, 1)):
        for place, member in ((2 * level, 0), (2 * level + 1, 1)):
            np.testing.assert_allclose(together[place], alone[member][number], atol=2e-5)


def test_levels_of_different_numbers_are_all_there(pair):
    short = replace(pair[1], levels=("level2",))
    joined, members = join([pair[0], short])
    assert joined.levels == ("0/level2", "1/level2", "0/level3")
    assert members == (0, 1, 0)


def members_of(given: Features) -> list[Features]:
    return [Features((given.maps[k],), given.valid, given.first) for k in (0, 1)]


def two_levels(n: int, seed: int, planted: tuple[int, int] | None = None) -> Features:
    """Two networks of one level each, on one grid."""
    one, two = (features(n, seed + k, planted) for k in (0, 100))
    return Features((one.maps[0], two.maps[0][:, :3]), one.valid)


def test_scores_are_means_over_what_is_usual_on_pictures_kept_out():
    method, settings = Ensemble(members=(0, 1)), PatchCore(composition="off")
    good, query = two_levels(20, 0), two_levels(4, 7, planted=(5, 2))
    found = method.fit([good], silent).score(query)
    image, grid = np.zeros(4), np.zeros((4, 8, 8))
    out = np.arange(20) % 5 == 1
    for member, asked in zip(members_of(good), members_of(query), strict=True):
        kept, rest = (Features((member.maps[0][w],), member.valid[w]) for w in (out, ~out))
        usual = settings.fit([rest], silent).score(kept)
        own = settings.fit([member], silent).score(asked)
        image += own.image / usual.image.mean() / 2
        grid += own.grid / usual.grid.max(axis=(1, 2)).mean() / 2
    np.testing.assert_allclose(found.image, image, rtol=1e-5)
    np.testing.assert_allclose(found.grid, grid, rtol=1e-5)


def test_nearest_rows_are_of_the_member_that_finds_a_patch_oddest():
    detector = Ensemble(members=(0, 1)).fit([two_levels(20, 0)], silent)
    query = two_levels(1, 3)
    query.maps[1][0, :, 2, 6] += 9
    row = detector.score(query).nearest[0, 2, 6]
    assert row >= len(detector.detectors[0].bank)
    assert len(detector.origins) == sum(len(d.bank) for d in detector.detectors)


def test_batches_and_restoring_change_nothing():
    whole = two_levels(20, 0)
    parts = [
        Features(tuple(m[k : k + 7] for m in whole.maps), whole.valid[k : k + 7], k)
        for k in range(0, 20, 7)
    ]
    method, query = Ensemble(members=(0, 1)), two_levels(3, 9, planted=(1, 1))
    one, two = (method.fit(given, silent) for given in ([whole], parts))
    again = method.restore(one.arrays())
    for other in (two, again):
        assert np.array_equal(one.score(query).image, other.score(query).image)
        assert np.array_equal(one.score(query).grid, other.score(query).grid)


def test_what_cannot_be_an_ensemble_is_refused():
    with pytest.raises(ValueError, match="members must be numbered"):
        Ensemble(members=(1, 2))
    with pytest.raises(ValueError, match="one for each of 2 levels"):
        Ensemble(members=(0, 1, 1)).fit([features(5, 0)], silent)
    with pytest.raises(ValueError, match="at least two pictures"):
        Ensemble(members=(0, 1)).fit([two_levels(1, 0)], silent)
    method = Ensemble(members=(0, 1))
    arrays = method.fit([two_levels(6, 0)], silent).arrays()
    for change in ({"usual": -arrays["usual"]}, {"2/bank": arrays["0/bank"]}):
        with pytest.raises(ValueError, match="must be"):
            method.restore(arrays | change)


def test_one_file_holds_all_networks_and_is_exported(pair, good_parts, tmp_path):
    joined, members = join(list(pair))
    fitted = fit(
        good_parts,
        backbone=OpenVINOBackbone(joined),
        method=Ensemble(members=members, patchcore=PatchCore(coreset=0.2)),
        preparation=Preparation((48, 64)),
    )
    again = check_round_trip(fitted, tmp_path / "a.golden", part(1, defect=True))
    written = export(again, tmp_path / "a.onnx", "onnx")
    assert max(found.score for found in exact(written.agreements)) < 1e-3


def test_several_backbones_on_the_command_line(tiny_file, good_parts, tmp_path):
    other = tmp_path / "other.onnx"
    other.write_bytes(tiny_onnx(1))
    for k, pixels in enumerate(good_parts):
        save_picture(tmp_path / f"good/{k}.png", pixels)
    words = ["fit", str(tmp_path / "good"), "-o", str(tmp_path / "a.golden"), "--size", "48"]
    both = ["--backbone", f"onnx:{tiny_file}", "--backbone", f"onnx:{other}"]
    done = golden(*words, *both)
    assert done.returncode == 0, done.stderr
    assert "ensemble" in done.stdout
    refused = golden(*words, *both, "--method", "padim")
    assert refused.returncode == 2
    assert "several --backbone must go with --method patchcore" in refused.stderr
    with pytest.raises(ValueError, match="one for each timm network"):
        open_backbones(["builtin"], weights=["a"])
    with pytest.raises(ValueError, match="device must be cpu"):
        open_backbones(["builtin", "builtin"], device="cuda")
