"""The rivals with a map against slow and obvious versions, and their exported graphs."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import check_round_trip, fit, part
from references import exact

from goldensample import Preparation, evaluate, open_backbone, read_images
from goldensample.export.export import export
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.limits import check_size
from goldensample.graphs.runtimes import Exported, open_all
from goldensample.methods import padim, spade
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.padim import PaDiM
from goldensample.methods.positions import join_picture, nearest_filled
from goldensample.methods.spade import SPADE
from goldensample.records import Features, silent

FIT = Preparation((48, 64))
RIVALS = {
    "mean map": MeanMap(),
    "padim": PaDiM(),
    "padim, some channels": PaDiM(channels=5, regularisation=0.1),
    "spade": SPADE(pictures=4),
    "spade, all pictures": SPADE(),
}


def features(n: int, seed: int, first: int = 0) -> Features:
    """Three levels; the padding differs from picture to picture, one place has it always."""
    rng = np.random.default_rng(seed)
    shapes = [(4, 6, 8), (5, 3, 4), (7, 2, 2)]
    maps = tuple(rng.normal(1, 0.5, (n, *shape)).astype(np.float32) for shape in shapes)
    valid = np.ones((n, 6, 8), bool)
    valid[:, 0, :] = rng.random((n, 1)) < 0.5
    valid[:, 0, 0] = False
    return Features(maps, valid, first)


def fitted_on(method, n: int = 12):
    """A fit on several batches, and all patches of it, (n, h·w, d), with what is valid."""
    given = [features(n - n // 2, 0), features(n // 2, 1, n - n // 2)]
    patches = [join_picture(batch, k) for batch in given for k in range(len(batch))]
    valid = np.concatenate([batch.valid for batch in given]).reshape(n, -1)
    return method.fit(given, silent), np.stack(patches).astype(np.float64), valid


def query(seed: int = 9) -> tuple[Features, np.ndarray]:
    """A picture without padding, and its patches."""
    one = features(1, seed)
    one = Features(one.maps, np.ones_like(one.valid))
    return one, join_picture(one, 0).astype(np.float64)


def test_empty_positions_take_the_nearest_filled_one():
    empty, nearest = nearest_filled(np.array([[0, 0, 1], [0, 1, 1], [0, 0, 0]], bool))
    assert empty.tolist() == [0, 1, 3, 6, 7, 8]
    assert nearest.tolist() == [4, 2, 4, 4, 4, 5]
    assert nearest_filled(np.ones((2, 3), bool))[0].size == 0


def test_mean_map_is_the_distance_to_the_mean():
    detector, patches, valid = fitted_on(MeanMap())
    one, rows = query()
    expected = []
    for place in range(48):
        seen = 1 if place == 0 else place  # place 0 has no picture; place 1 is beside it
        mean = patches[valid[:, seen], seen].mean(axis=0)
        expected.append(np.linalg.norm(rows[place] - mean))
    scores = detector.score(one)
    np.testing.assert_allclose(scores.grid.reshape(-1), expected, rtol=1e-5)
    assert scores.image[0] == scores.grid.max()


@pytest.mark.parametrize("channels", [6, 100])
@pytest.mark.parametrize("n", [5, 12, 30])
def test_padim_is_the_mahalanobis_distance(n, channels, monkeypatch):
    monkeypatch.setattr(padim, "BLOCK_BYTES", 5000)  # so that places come in several blocks
    detector, patches, valid = fitted_on(PaDiM(channels=channels), n)
    one, rows = query()
    kept = detector.channels
    assert len(kept) == min(channels, 16)
    assert detector.factor.shape == (48, min(n - 1, len(kept)), len(kept))
    expected = []
    for place in range(48):
        seen = 1 if place == 0 else place
        own = patches[valid[:, seen], seen][:, kept]
        away = rows[place, kept] - own.mean(axis=0)
        covariance = np.zeros((len(kept), len(kept)))
        for row in own:
            covariance += np.outer(row - own.mean(axis=0), row - own.mean(axis=0))
        covariance = covariance / max(len(own) - 1, 1) + 0.01 * np.eye(len(kept))
        expected.append(np.sqrt(away @ np.linalg.inv(covariance) @ away))
    scores = detector.score(one)
    np.testing.assert_allclose(scores.grid.reshape(-1), expected, rtol=1e-4)
    assert scores.image[0] == scores.grid.max()


def test_padim_stays_exact_where_directions_differ_most():
    """A variance a million times the regularisation would drown the rest in float32."""
    rng = np.random.default_rng(0)
    level = rng.normal(0, 1e-3, (8, 20, 1, 1))
    level[:, 0] = rng.normal(0, 100, (8, 1, 1))
    valid = np.ones((8, 1, 1), bool)
    detector = PaDiM().fit([Features((level.astype(np.float32),), valid)], silent)
    away = np.zeros((1, 20, 1, 1), np.float32)
    away[0, :2, 0, 0] = 300, 0.02
    rows = level[:, :, 0, 0].astype(np.float32).astype(np.float64)
    apart = away[0, :, 0, 0] - rows.mean(axis=0)
    expected = np.sqrt(apart @ np.linalg.inv(np.cov(rows.T) + 0.01 * np.eye(20)) @ apart)
    assert detector.score(Features((away,), valid[:1])).image[0] == pytest.approx(
        expected, rel=1e-4
    )


def test_padim_refuses_what_cannot_be():
    detector, _, _ = fitted_on(PaDiM())
    arrays = detector.arrays()
    for name, wrong, word in (
        ("channels", arrays["channels"][::-1], "channels"),
        ("variance", -arrays["variance"], "variance"),
        ("mean", arrays["mean"][:5], "factor"),
    ):
        with pytest.raises(ValueError, match=f"{word} must"):
            PaDiM().restore(arrays | {name: np.ascontiguousarray(wrong)})


@pytest.mark.parametrize("count", [1, 3, 50])
@pytest.mark.parametrize("block", [1, 2**26])
def test_spade_compares_with_the_pictures_most_alike(count, block, monkeypatch):
    monkeypatch.setattr(spade, "BLOCK_BYTES", block)
    detector, patches, valid = fitted_on(SPADE(pictures=count))
    one, rows = query()
    given = [features(6, 0), features(6, 1)]
    levels = np.concatenate([batch.maps[-1] for batch in given])
    # a cell of the last level counts as far as the picture covers it: 3x4 places each
    weights = valid.reshape(12, 2, 3, 2, 4).mean(axis=(2, 4))
    pooled = [
        (w * level).sum(axis=(1, 2)) / w.sum() for w, level in zip(weights, levels, strict=True)
    ]
    apart = np.linalg.norm(np.asarray(pooled) - one.maps[-1][0].mean(axis=(1, 2)), axis=1)
    alike = sorted(range(12), key=lambda k: apart[k])[:count]
    scores = detector.score(one)
    assert scores.image[0] == pytest.approx(np.mean(apart[alike]), rel=1e-5)
    half = patches.astype(np.float16).astype(np.float64)
    for place in range(48):
        distances = {
            k * 48 + cell: np.linalg.norm(half[k, cell] - rows[place])
            for k in alike
            for cell in np.flatnonzero(valid[k])
        }
        nearest = min(distances, key=distances.get)
        assert scores.nearest[0].flat[place] == nearest
        assert scores.grid[0].flat[place] == pytest.approx(distances[nearest], rel=1e-5)
        row = place // 8 + 0.5, place % 8 + 0.5
        np.testing.assert_allclose(
            detector.origins[place + 48 * 7], [7, row[0] / 6, row[1] / 8], rtol=1e-6
        )


@pytest.mark.parametrize("name", ["mean map", "padim"])
def test_other_patches_than_those_of_the_fit_are_refused(name):
    detector, _, _ = fitted_on(RIVALS[name])
    one, _ = query()
    smaller = Features(tuple(level[:, :, :1, :1] for level in one.maps), one.valid[:, :1, :1])
    with pytest.raises(ValueError, match=r"patches must be as at the fit, \(48, 16\); got \(1, 16"):
        detector.score(smaller)


@pytest.fixture(scope="module", params=RIVALS)
def fitted(request, tiny, good_parts):
    return fit(good_parts, backbone=tiny, method=RIVALS[request.param], preparation=FIT)


def test_exports_agree_in_both_runtimes(fitted, tmp_path):
    for to, ending in (("onnx", "onnx"), ("openvino", "xml")):
        written = export(fitted, tmp_path / f"a.{ending}", to)
        agreements = exact(written.agreements)
        assert all(one.score <= 1e-3 and one.heat_map <= 1e-3 for one in agreements)
        assert len(agreements) == {"onnx": 2, "openvino": 1}[to]


def test_a_batch_of_any_shape_is_its_pictures(fitted):
    graph = to_onnx(fitted)
    runs = exact(open_all(Exported("a.onnx", graph)).values())
    assert len(runs) == 2
    for shape in ((50, 70), (48, 48), (31, 97)):
        batch = [part(300 + k, defect=k == 1, shape=shape) for k in range(3)]
        for run in runs:
            together = run(np.stack(batch))
            for k, pixels in enumerate(batch):
                expected = fitted.inspect(pixels)
                assert together["score"][k] == pytest.approx(expected.score, rel=1e-4)
                np.testing.assert_allclose(together["heat_map"][k], expected.heat_map, atol=1e-3)
                assert bool(together["verdict"][k]) == (expected.verdict == "defect")
                if "nearest" in together:
                    assert (together["nearest"][k] < len(fitted.detector.origins)).all()
                    assert together["nearest"][k].max() >= 0


def test_a_file_keeps_everything(fitted, tmp_path):
    pixels = part(700, defect=True)
    check_round_trip(fitted, tmp_path / "a.golden", pixels)
    ours = fitted.inspect(pixels)
    assert ours.verdict == "defect"
    assert ours.regions
    named = [region.reason is not None for region in ours.regions]
    assert all(named) if isinstance(fitted.method, SPADE) else not any(named)


def test_what_is_too_large_for_an_onnx_model_is_refused(tiny, good_parts):
    small = fit(good_parts[:4], backbone=tiny, method=SPADE(), preparation=FIT)
    gallery = np.broadcast_to(
        small.detector.gallery[:1], (2**20, *small.detector.gallery.shape[1:])
    )
    large = replace(small, detector=replace(small.detector, gallery=gallery))  # takes no memory
    with pytest.raises(ValueError, match=r"what spade fitted must take at most 2,1.*; fit it on"):
        check_size(large)


@pytest.mark.real
def test_padim_with_resnet18_on_bottle(shared):
    pytest.importorskip("timm", reason="the extra [torch] is not installed")
    weights = shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    root = shared / "data/mvtec_ad/bottle"
    inspector = fit(
        read_images(root / "train/good"),
        backbone=open_backbone("timm:resnet18", ("1", "2", "3"), weights),
        method=PaDiM(),
        preparation=Preparation((256, 256), "shorter", (224, 224)),
        false_alarms=None,
    )
    found = evaluate(inspector, root)
    assert found.image_auroc >= 0.98
    assert found.pixel_auroc >= 0.97
