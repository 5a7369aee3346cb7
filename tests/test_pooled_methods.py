"""The methods without a map: what they compute and refuse, and that every door takes them."""

import json
import re

import commands
import numpy as np
import pytest
from conftest import fit, part
from PIL import Image
from references import exact

from goldensample import PatchCore, Preparation
from goldensample.artifact.store import load, save
from goldensample.backbones.openvino import processor_has
from goldensample.cli.loading import override_threshold
from goldensample.errors import GoldenError
from goldensample.export.export import export
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import Exported, open_all
from goldensample.methods import estimators
from goldensample.methods.mahalanobis import Mahalanobis
from goldensample.methods.nearest import Nearest
from goldensample.methods.ocsvm import OCSVM
from goldensample.methods.pooled import cell_weights, cover_matrix, pool_picture
from goldensample.methods.registry import METHODS
from goldensample.records import Features, silent

POOLED = {"mahalanobis": Mahalanobis, "ocsvm": OCSVM, "nearest": Nearest}


def features(n: int, seed: int, masked: bool = False) -> Features:
    """Three levels of good pictures; a grid that the coarse levels do not divide."""
    rng = np.random.default_rng(seed)
    shapes = [(5, 9, 7), (7, 4, 3), (3, 2, 2)]
    maps = tuple(rng.normal(2, 0.5, (n, *shape)).astype(np.float32) for shape in shapes)
    valid = np.ones((n, 9, 7), bool)
    if masked:
        valid[:, :2] = valid[:, :, 5:] = False
    return Features(maps, valid)


def pooled_loop(one: Features, index: int) -> np.ndarray:
    """Average by sampling each cell of each level at many points of the picture."""
    means, (h, w) = [], one.valid.shape[1:]
    for level in one.maps:
        total, count = 0.0, 0
        for y in (np.arange(h * 40) + 0.5) / (h * 40):
            for x in (np.arange(w * 12) + 0.5) / (w * 12):
                if one.valid[index, int(y * h), int(x * w)]:
                    cell = int(y * level.shape[2]), int(x * level.shape[3])
                    total = total + level[index, :, cell[0], cell[1]].astype(np.float64)
                    count += 1
        means.append(total / count)
    return np.concatenate(means)


def vectors_of(one: Features) -> np.ndarray:
    rows = [np.concatenate(pool_picture(one, index)) for index in range(len(one))]
    return np.stack(rows).astype(np.float64)


def test_the_shares_of_a_cell():
    assert cover_matrix(4, 2).tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0.5, 0.5]]
    np.testing.assert_allclose(cover_matrix(3, 2), [[2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3]])
    assert cover_matrix(5, 5).tolist() == np.eye(5).tolist()
    valid = np.array([[True, False], [True, True]])
    assert cell_weights(valid, (1, 1)).tolist() == [[1]]
    np.testing.assert_allclose(cell_weights(valid, (2, 2)), [[1 / 3, 0], [1 / 3, 1 / 3]])
    np.testing.assert_allclose(cell_weights(valid, (1, 2)), [[2 / 3, 1 / 3]])


@pytest.mark.parametrize("masked", [False, True])
def test_pooling_is_the_mean_over_the_picture(masked):
    given = features(1, 0, masked)
    # 40 and 12 points a cell are whole multiples of all cells here
    np.testing.assert_allclose(vectors_of(given)[0], pooled_loop(given, 0), rtol=1e-6)


def test_padding_changes_nothing():
    given = features(6, 0, masked=True)
    spoiled = given.maps[0].copy()
    spoiled[:, :, :2] = 1000
    other = Features((spoiled, *given.maps[1:]), given.valid)
    assert np.array_equal(vectors_of(given), vectors_of(other))


def test_nearest_is_the_least_distance():
    bank, query = features(12, 0), features(4, 1)
    known, asked = vectors_of(bank), vectors_of(query)
    expected = [min(np.linalg.norm(row - one) for row in known) for one in asked]
    np.testing.assert_allclose(
        Nearest().fit([bank], silent).score(query).image, expected, rtol=1e-5
    )
    assert Nearest().fit([bank], silent).score(bank).image.max() == 0


def test_mahalanobis_is_the_sum_over_levels():
    from sklearn.covariance import LedoitWolf

    bank, query = features(20, 0), features(4, 1)
    fitted = Mahalanobis().fit([bank], silent)
    expected = np.zeros(4)
    for level in range(3):
        known = np.stack([pool_picture(bank, index)[level] for index in range(20)])
        asked = np.stack([pool_picture(query, index)[level] for index in range(4)])
        gaussian = LedoitWolf().fit(known.astype(np.float64))
        expected += np.sqrt(gaussian.mahalanobis(asked.astype(np.float64)))
    np.testing.assert_allclose(fitted.score(query).image, expected, rtol=1e-4)


@pytest.mark.parametrize("nu", [0.05, 0.3])
def test_ocsvm_orders_as_the_decision_function(nu):
    from sklearn.svm import OneClassSVM

    bank, query = features(40, 0), features(30, 1)
    known, asked = vectors_of(bank), vectors_of(query)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    theirs = OneClassSVM(nu=nu, gamma="scale").fit((known - mean) / spread)
    scores = OCSVM(nu=nu).fit([bank], silent).score(query).image
    # the score is minus the logarithm of the decision function before its offset
    raw = theirs.score_samples((asked - mean) / spread) / theirs.dual_coef_.sum()
    np.testing.assert_allclose(np.exp(-scores), raw, rtol=1e-3)
    assert scores.min() >= 0


def test_ocsvm_tells_far_from_farther():
    fitted = OCSVM().fit([features(20, 0)], silent)
    base = features(1, 1)
    scores = [
        fitted.score(Features(tuple(m * s for m in base.maps), base.valid)).image[0]
        for s in (1, 10, 20, 40)
    ]
    assert np.isfinite(scores).all()
    assert scores == sorted(set(scores))


def test_a_value_that_never_varies_has_no_scale():
    given = features(10, 0)
    flat = given.maps[0].copy()
    flat[:, 2] = 0.1
    given = Features((flat, *given.maps[1:]), given.valid)
    scores = OCSVM().fit([given], silent).score(given).image
    assert np.isfinite(scores).all()
    assert scores.max() < 10


@pytest.mark.parametrize("nu", [0, -0.1, 1.5, float("nan"), "a", True, None])
def test_bad_values_name_the_knob(nu):
    with pytest.raises(ValueError, match=r"nu must be in \(0, 1\]; got"):
        OCSVM(nu=nu)


@pytest.mark.parametrize("count", [1, 2])
def test_a_covariance_needs_pictures(count):
    with pytest.raises(ValueError, match=f"at least three different good pictures.*got {count}"):
        Mahalanobis().fit([features(count, 0)], silent)


def test_a_covariance_needs_pictures_that_differ():
    one = features(1, 0)
    same = Features(tuple(np.repeat(m, 9, axis=0) for m in one.maps), np.repeat(one.valid, 9, 0))
    with pytest.raises(ValueError, match="too much alike"):
        Mahalanobis().fit([same], silent)
    for kind in (OCSVM, Nearest):
        for given in (one, same):
            fitted = kind().fit([given], silent)
            assert fitted.score(one).image[0] == 0
            assert np.isfinite(fitted.score(features(3, 1)).image).all()


@pytest.mark.parametrize("kind", POOLED.values())
def test_no_picture_is_refused(kind):
    with pytest.raises(ValueError, match="at least one picture; got none"):
        kind().fit([], silent)


@pytest.mark.parametrize("kind", POOLED.values())
def test_there_is_no_map_and_the_arrays_rebuild_the_detector(kind):
    fitted = kind().fit([features(20, 0)], silent)
    arrays = fitted.arrays()
    scores = fitted.score(features(3, 1, masked=True))
    assert scores.grid.shape == scores.nearest.shape == scores.valid.shape == (3, 0, 0)
    assert (scores.centres, fitted.sigma_px) == (((), ()), 0)
    again = kind().restore(arrays).score(features(3, 1, masked=True))
    assert np.array_equal(scores.image, again.image)
    assert {array.dtype.name for array in arrays.values()} == {"float32"}


@pytest.mark.parametrize("kind", POOLED.values())
def test_restore_refuses_arrays_that_do_not_fit(kind):
    arrays = kind().fit([features(20, 0)], silent).arrays()
    with pytest.raises(ValueError, match="must be"):
        kind().restore({})
    with pytest.raises(ValueError, match=r"arrays must be .*extra"):
        kind().restore(arrays | {"extra": np.zeros(1, np.float32)})
    for name, array in arrays.items():
        others = {key: value for key, value in arrays.items() if key != name}
        with pytest.raises(ValueError, match="must be"):
            kind().restore(others)
        for wrong in (array.astype(np.float64), array[None], array[:0]):
            with pytest.raises(ValueError, match="must be float32"):
                kind().restore(arrays | {name: wrong})


@pytest.mark.parametrize("name", ["scale", "shares"])
def test_restore_refuses_a_scale_or_share_of_none(name):
    arrays = OCSVM().fit([features(20, 0)], silent).arrays()
    with pytest.raises(ValueError, match=f"{name} must be above 0"):
        OCSVM().restore(arrays | {name: arrays[name] * 0})


def test_arrays_of_other_depths_are_refused():
    arrays = OCSVM().fit([features(20, 0)], silent).arrays()
    with pytest.raises(ValueError, match=r"scale must be float32 .* fit the other arrays"):
        OCSVM().restore(arrays | {"scale": arrays["scale"][:-1]})


@pytest.mark.parametrize("kind", [Mahalanobis, OCSVM])
def test_without_scikit_learn_fit_says_how_to_get_it(kind, monkeypatch):
    monkeypatch.setattr(estimators, "find_spec", lambda name: None)
    with pytest.raises(GoldenError, match=r'pip install "goldensample\[rivals\]"'):
        kind().fit([features(5, 0)], silent)


@pytest.mark.parametrize("name", POOLED)
@pytest.mark.parametrize("preparation", [Preparation((48, 64)), Preparation((50, 44), "stretch")])
def test_what_is_exported_scores_the_same(name, preparation, tiny, good_parts, tmp_path):
    fitted = fit(good_parts, backbone=tiny, method=METHODS[name](), preparation=preparation)
    assert fitted.threshold.pixel is None
    save(fitted, tmp_path / "part.golden")
    again = load(tmp_path / "part.golden")
    odd = part(900, defect=True)
    assert again.inspect(odd) == fitted.inspect(odd)
    assert fitted.inspect(odd).verdict == "defect"
    for to, file in (("onnx", "part.onnx"), ("openvino", "part.xml")):
        done = export(fitted, tmp_path / file, to)  # refuses what differs by more than 0.001
        assert len(exact(done.agreements)) == (2 if to == "onnx" else 1)
        assert all(one.heat_map is None for one in done.agreements)


@pytest.mark.parametrize("name", POOLED)
def test_a_batch_of_the_graph_is_its_pictures(name, tiny, good_parts):
    preparation = Preparation((64, 64), "shorter", (48, 40))
    fitted = fit(good_parts, backbone=tiny, method=METHODS[name](), preparation=preparation)
    batch = np.stack([part(300 + k, defect=k == 1, shape=(50, 170)) for k in range(3)])
    expected = [fitted.inspect(pixels).score for pixels in batch]
    for run in exact(open_all(Exported("a.onnx", to_onnx(fitted))).values()):
        found = run(batch)
        assert not {"heat_map", "distance", "nearest"} & set(found)
        np.testing.assert_allclose(found["score"], expected, rtol=1e-4)


def golden(*words: object) -> str:
    done = commands.golden(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_door_takes_a_method_without_a_map(tiny_file, tmp_path):
    for k in range(44):
        place = tmp_path / ("train/good" if k < 40 else "test/good") / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(part(k)).save(place)
    (tmp_path / "test/spot").mkdir()
    Image.fromarray(part(90, defect=True)).save(tmp_path / "test/spot/0.png")
    file, model, test = tmp_path / "part.golden", tmp_path / "part.onnx", tmp_path / "test"
    how = ("--backbone", f"onnx:{tiny_file}", "--method", "ocsvm", "--nu", "20%")
    words = golden("fit", tmp_path / "train/good", "-o", file, *how)
    assert "ocsvm (support vectors " in words
    assert "bank" not in words
    lines = golden("inspect", file, test, "--json", "--report", tmp_path / "r").splitlines()
    (spot,) = [json.loads(line) for line in lines if "spot" in line]
    assert (spot["verdict"], spot["regions"], spot["pixel_threshold"]) == ("defect", [], None)
    page = (tmp_path / "r/report.html").read_text(encoding="utf-8")
    assert "it has no heat map" in page
    assert not any(words in page for words in ('class="legend"', "ottest place", "region is drawn"))
    assert page.count('<svg class="pane"') == 5  # each picture once
    assert golden("inspect", file, test / "spot").startswith("defect")
    assert re.search("pixel threshold +none", golden("info", file))
    figures = json.loads(golden("evaluate", file, tmp_path, "--json"))
    assert (figures["image_auroc"], figures["pixel_auroc"], figures["pro"]) == (1, None, None)
    assert "no map" in golden("export", file, "--to", "onnx", "--out", model)
    checked = commands.golden("verify", model, file, test)
    if processor_has("bf16") and checked.returncode:  # runtimes' defaults may be too coarse for it
        assert "ask for float32" in checked.stderr
    else:
        assert "no map" in checked.stdout


def test_a_limit_by_hand_is_for_the_score_alone(tiny, good_parts):
    for method, pixel in ((Nearest(), None), (PatchCore(), 0.5)):
        fitted = fit(good_parts[:4], backbone=tiny, method=method, false_alarms=None)
        assert override_threshold(fitted, 0.5).pixel == pixel
