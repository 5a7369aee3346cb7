"""One graph with everything in it gives what the inspector gives, in two runtimes."""

import json
from dataclasses import replace

import numpy as np
import onnx
import pytest
from conftest import conv_onnx, fit, part
from references import exact

from goldensample import PatchCore, Preparation, WeightsError, open_backbone
from goldensample.features.extraction import as_picture, extract
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import Exported, open_all

SHAPES = [(48, 48), (1000, 37), (61, 400), (1, 1), (200, 150)]
FIT = Preparation((48, 64))
CASES = {
    "padded": (FIT, {}),
    "cropped": (Preparation((64, 64), crop_hw=(48, 40)), {}),
    "stretched": (Preparation((48, 64), "stretch"), {}),
    "stretched and cropped": (Preparation((64, 64), "stretch", (40, 48)), {}),
    "shorter": (Preparation((64, 64), "shorter", (48, 48)), {}),
    "stride 2": (FIT, {"stride": 2}),
    "pooled to 64": (FIT, {"depth": 64}),
    "pooled to 200": (FIT, {"depth": 200, "neighbourhood": 5}),
    "no window": (FIT, {"neighbourhood": 1}),
    "not weighed": (FIT, {"neighbors": 1}),
    "weighed by all": (FIT, {"neighbors": 10_000}),
    "no blur": (FIT, {"sigma_px": 0.0}),
    "one row": (FIT, {"coreset": 1e-9}),
    "all rows": (FIT, {"coreset": 1.0}),
    "top": (FIT, {"image_score": "top"}),
    "top, stride 2": (FIT, {"image_score": "top", "stride": 2}),
    "statistics": (FIT, {"image_score": "statistics"}),
}


def network(depths=(6, 10), batch="n", opset=17) -> bytes:
    """A network of two levels with strides 4 and 8, as old or as fixed as wanted."""
    rng = np.random.default_rng(1)
    first, second = depths
    weights = [rng.normal(0, 0.3, shape) for shape in ((first, 3, 4, 4), (second, first, 3, 3))]
    return conv_onnx(weights, batch=batch, opset=opset)


def opened(tmp_path, **how):
    (tmp_path / "network.onnx").write_bytes(network(**how))
    return open_backbone(f"onnx:{tmp_path / 'network.onnx'}")


def probes() -> list[np.ndarray]:
    """Pictures of many shapes, each with something odd on it."""
    pictures = [part(100 + k, shape=shape) for k, shape in enumerate(SHAPES)]
    for pixels in pictures:
        pixels[: len(pixels) // 3 + 1, : pixels.shape[1] // 4 + 1] = 250
    return pictures


def agree(inspector, pictures) -> None:
    """Compare all outputs with the inspector's, in every runtime."""
    graph = to_onnx(inspector)
    numbers = {picture.name: k for k, picture in enumerate(inspector.pictures)}
    runs = exact(open_all(Exported("a.onnx", graph)).values())
    assert len(runs) == 2
    for pixels in pictures:
        expected = inspector.inspect(pixels)
        features, _ = extract([as_picture(pixels, 0)], inspector.preparation, inspector.backbone)
        scores = inspector.detector.score(features)
        valid = scores.valid[0]
        patches, _ = inspector.method.patches_of(features, 0)
        for run in runs:
            found = run(pixels[None])
            np.testing.assert_allclose(found["score"], [expected.score], rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(found["heat_map"][0], expected.heat_map, rtol=0, atol=1e-4)
            distance, nearest = found["distance"][0], found["nearest"][0]
            np.testing.assert_allclose(distance[valid], scores.grid[0][valid], rtol=0, atol=1e-4)
            assert ((nearest == -1) == ~valid).all()
            assert ((distance == -1) == ~valid).all()
            # another row may be named only where it is as near
            apart = np.linalg.norm(patches - inspector.detector.bank[nearest[valid]], axis=1)
            if composition := getattr(inspector.detector, "composition", None):
                apart = apart / composition.divisors[composition.kinds[nearest[valid]]]
            np.testing.assert_allclose(apart, scores.grid[0][valid], rtol=0, atol=1e-4)
            for row, reason in zip(nearest[valid], found["reason"][0][valid], strict=True):
                source = inspector.source(int(row))
                wanted = [numbers[source.picture], source.row_px, source.column_px]
                np.testing.assert_allclose(reason, wanted, rtol=1e-6, atol=1e-4)
            if inspector.threshold:
                assert found["verdict"].tolist() == [expected.verdict == "defect"]


@pytest.mark.parametrize("name", CASES)
def test_the_graph_is_the_inspector(name, tiny, good_parts):
    preparation, knobs = CASES[name]
    method = PatchCore(**knobs)
    fitted = fit(
        good_parts[:6], backbone=tiny, method=method, preparation=preparation, false_alarms=None
    )
    agree(fitted, probes())


def test_pooled_depth_of_many_channels(tmp_path, good_parts):
    # 48 channels and 1024 values share 16 parts only; 1024 is the authors' depth
    method = PatchCore(depth=1024, coreset=20)
    backbone = opened(tmp_path, depths=(48, 80))
    agree(fit(good_parts[:4], backbone=backbone, method=method, preparation=FIT), probes())


def test_verdicts_and_the_picture_that_set_the_threshold(tiny, good_parts):
    fitted = fit(good_parts, backbone=tiny, preparation=FIT)
    scores = [fitted.inspect(pixels).score for pixels in good_parts]
    setter = good_parts[scores.index(fitted.threshold.score)]  # its score is the limit itself
    agree(fitted, [part(100, defect=True), part(200), setter])


@pytest.mark.parametrize("block", [1, 7, 10**4])
def test_the_nearest_row_is_found_in_blocks_of_any_size(block, tiny, good_parts, monkeypatch):
    monkeypatch.setattr("goldensample.graphs.patchcore.BLOCK", block)
    fitted = fit(good_parts[:6], backbone=tiny, preparation=FIT)
    assert len(fitted.detector.bank) % 7
    agree(fitted, [part(100, defect=True), part(200)])


def test_a_batch_is_its_pictures(tiny, good_parts):
    fitted = fit(good_parts[:6], backbone=tiny, preparation=FIT)
    batch = np.stack([part(300 + k, defect=k == 1, shape=(50, 70)) for k in range(3)])
    for run in exact(open_all(Exported("a.onnx", to_onnx(fitted))).values()):
        together = run(batch)
        for index in range(len(batch)):
            for name, alone in run(batch[index : index + 1]).items():
                np.testing.assert_allclose(together[name][index], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("batch", "opset"), [(1, 17), (1, 11), ("n", 11), ("n", 18)])
def test_fixed_and_old_networks(batch, opset, tmp_path, good_parts):
    backbone = opened(tmp_path, batch=batch, opset=opset)
    agree(fit(good_parts[:4], backbone=backbone, preparation=FIT), probes()[:2])


def test_a_network_of_another_batch_is_refused(tmp_path, good_parts):
    fitted = fit(good_parts[:4], backbone=opened(tmp_path, batch=4), preparation=FIT)
    with pytest.raises(WeightsError, match="must take one picture, or any number; it takes 4"):
        to_onnx(fitted)


def test_a_bank_beyond_two_gigabytes_is_refused(tiny, good_parts):
    fitted = fit(good_parts[:4], backbone=tiny, preparation=FIT)
    bank = np.broadcast_to(fitted.detector.bank[:1], (2**27, 16))  # takes no memory
    large = replace(fitted, detector=replace(fitted.detector, bank=bank))
    with pytest.raises(ValueError, match=r"at most 48,\d+,\d+ rows of depth 16 .*--coreset 48"):
        to_onnx(large)


def test_the_contract_is_in_the_model(tiny, good_parts):
    model = onnx.load_model_from_string(to_onnx(fit(good_parts, backbone=tiny, preparation=FIT)))
    (entry,) = model.metadata_props
    about = json.loads(entry.value)
    assert entry.key == "goldensample"
    assert about["input"] == {"image": "uint8 (n, H, W, 3), RGB from 0 to 255, as decoded, upright"}
    assert about["outputs"] == [output.name for output in model.graph.output]
    assert all(name in about for name in about["outputs"])
    assert about["threshold"]["false_alarms"] == 0.05
    assert (about["precision"], len(about["pictures"])) == ("fp32", 21)
    assert [one.version for one in model.opset_import] == [17]
    assert not {node.domain for node in model.graph.node} - {""}
    used = {name for node in model.graph.node for name in node.input}
    assert {tensor.name for tensor in model.graph.initializer} <= used


def test_the_same_inspector_gives_the_same_bytes(tiny, good_parts):
    fitted = fit(good_parts[:4], backbone=tiny, preparation=FIT)
    assert to_onnx(fitted) == to_onnx(fitted)
