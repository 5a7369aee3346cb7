"""Exports for programs that were written for anomalib's: Model API runs one as it is."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from commands import golden
from conftest import fit, part
from references import exact

from goldensample import Preparation, save
from goldensample.backbones.openvino import import_openvino
from goldensample.export.export import export, open_export
from goldensample.graphs.anomalib import MODEL_INFO, OUTPUTS
from goldensample.graphs.runtimes import contract_of, open_all
from goldensample.methods.mahalanobis import Mahalanobis

FIT = Preparation((48, 64))
SHAPE = (48, 48)
PROGRAM = """
import json
import sys
import numpy as np
from model_api.adapters import OpenvinoAdapter, create_core
from model_api.models import AnomalyDetection
# where a processor would compute in bfloat16 by default, scores are within 3 %
hint = {"INFERENCE_PRECISION_HINT": "f32"}
adapter = OpenvinoAdapter(create_core(), sys.argv[1], device="CPU", plugin_config=hint)
model = AnomalyDetection.create_model(adapter)
results = [model(picture) for picture in np.load(sys.argv[2]).values()]
facts = [(one.pred_label, one.pred_score) for one in results]
np.savez(sys.argv[3], *(np.stack([one.anomaly_map, one.pred_mask]) for one in results))
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(good_parts, backbone=tiny, preparation=FIT)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Thirty pictures of one size, ten of them with a defect."""
    return [part(900 + k, defect=k % 3 == 0, shape=SHAPE) for k in range(30)]


def share(values, limit):
    return values / (values + limit)


@pytest.mark.parametrize(("to", "ending"), [("onnx", ".onnx"), ("openvino", ".xml")])
@pytest.mark.parametrize("size_hw", [None, SHAPE])
def test_the_four_outputs_say_what_the_inspector_says(
    to, ending, size_hw, fitted, pictures, tmp_path
):
    path = tmp_path / f"a{ending}"
    written = export(fitted, path, to, size_hw=size_hw, contract="anomalib")
    assert all(one.worst.within for one in exact(written.agreements))
    compiled = (
        import_openvino().Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    )
    for pixels in pictures[:6]:
        taken = pixels.transpose(2, 0, 1)[None].astype(np.float32) / 255
        found = compiled(taken)
        assert {name for port in compiled.outputs for name in port.names} == set(OUTPUTS)
        expected = fitted.inspect(pixels)
        limit = fitted.threshold
        assert found["pred_score"] == pytest.approx([share(expected.score, limit.score)], rel=1e-4)
        values = found["anomaly_map"][0, 0]
        np.testing.assert_allclose(values, share(expected.heat_map, limit.pixel), rtol=1e-3)
        assert found["pred_label"].dtype == found["pred_mask"].dtype == bool
        assert found["pred_label"].item() == (expected.verdict == "defect")
        limits = {region.limit for region in expected.regions}
        mask = expected.heat_map > min(limits) if limits else np.zeros(SHAPE, bool)
        assert np.count_nonzero(found["pred_mask"][0, 0] != mask) <= 2


def test_verify_reads_it_and_the_file_says_what_it_is(fitted, tmp_path, pictures):
    export(fitted, tmp_path / "a.onnx", "onnx", contract="model-api")
    model = onnx.load(tmp_path / "a.onnx")
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert {name: properties[f"model_info {name}"] for name in MODEL_INFO} == MODEL_INFO
    said = contract_of(open_export(tmp_path / "a.onnx"))
    assert said["outputs"] == list(OUTPUTS)
    assert said["input"] == {"input": "float32 (n, 3, H, W), RGB from 0 to 1, upright"}
    assert "distance" not in said
    for run in exact(open_all(open_export(tmp_path / "a.onnx")).values()):
        found = run(pictures[0][None])
        assert found["score"] == pytest.approx([fitted.inspect(pictures[0]).score], rel=1e-4)


@pytest.mark.parametrize("size_hw", [None, SHAPE])
@pytest.mark.parametrize(("to", "ending"), [("openvino", ".xml"), ("onnx", ".onnx")])
def test_model_api_gives_the_same_verdicts(to, ending, size_hw, fitted, pictures, tmp_path):
    pytest.importorskip("model_api", reason="openvino-model-api is not installed")
    export(fitted, tmp_path / f"a{ending}", to, size_hw=size_hw, contract="model-api")
    np.savez(tmp_path / "pictures.npz", *pictures)
    words = [tmp_path / f"a{ending}", tmp_path / "pictures.npz", tmp_path / "maps.npz"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    verdicts, limit = [], fitted.threshold
    with np.load(words[2]) as maps:
        for (label, score), planes, pixels in zip(found, maps.values(), pictures, strict=True):
            expected = fitted.inspect(pixels)
            verdicts.append(label)
            assert label == str(expected.verdict == "defect")
            assert score == pytest.approx(share(expected.score, limit.score), rel=0.01)
            in_bytes = 255 * share(expected.heat_map, limit.pixel)
            assert np.abs(planes[0] - in_bytes).max() <= 3
            assert planes[1].any() == bool(expected.regions)
    assert set(verdicts) == {"True", "False"}


def test_what_cannot_be_said_in_four_outputs_is_refused(tiny, good_parts, fitted, tmp_path):
    without = fit(good_parts[:4], backbone=tiny, preparation=FIT, false_alarms=None)
    with pytest.raises(ValueError, match="must have limits above 0"):
        export(without, tmp_path / "a.onnx", "onnx", contract="anomalib")
    whole = fit(good_parts, backbone=tiny, preparation=FIT, method=Mahalanobis())
    with pytest.raises(ValueError, match="must have a heat map; mahalanobis has none"):
        export(whole, tmp_path / "a.onnx", "onnx", contract="anomalib")
    with pytest.raises(ValueError, match="contract must be one of golden, anomalib, model-api"):
        export(fitted, tmp_path / "a.onnx", "onnx", contract="geti")
    assert not list(tmp_path.iterdir())


def test_on_the_command_line(fitted, tmp_path):
    save(fitted, tmp_path / "part.golden")
    words = ("part.golden", "--to", "openvino", "--contract", "model-api", "--json")
    done = golden("export", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["contract"] == "model-api"
    model = import_openvino().Core().read_model(tmp_path / "part.xml")
    assert model.get_rt_info(["model_info", "model_type"]).astype(str) == "AnomalyDetection"
