"""An export for pictures of one size has no shape left to compute, and says the same."""

import json
import re

import numpy as np
import onnx
import onnxruntime
import pytest
from commands import golden
from conftest import fit, part, tiny_onnx
from onnx import helper
from picture_files import save_picture
from references import exact

from goldensample import PatchCore, Preparation, open_backbone, save
from goldensample.export.export import export, open_export
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import contract_of, open_all
from goldensample.graphs.static_size import fix_size
from goldensample.methods.registry import METHODS

FIT = Preparation((48, 64))


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(good_parts, backbone=tiny, preparation=FIT)


def check_static(graph: bytes) -> None:
    """Every value has one shape, and none is computed."""
    inner = onnx.shape_inference.infer_shapes(onnx.load_model_from_string(graph)).graph
    assert not {"Shape", "Range"} & {node.op_type for node in inner.node}
    for value in (*inner.input, *inner.output, *inner.value_info):
        assert all(dim.dim_value for dim in value.type.tensor_type.shape.dim), value.name


def check_same(graph: bytes, fixed: bytes, size_hw: tuple[int, int]) -> None:
    """Both give the same outputs."""
    pixels = part(7, defect=True, shape=size_hw)[None]
    first, second = (
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        for model in (graph, fixed)
    )
    names = [output.name for output in first.get_outputs()]
    assert names == [output.name for output in second.get_outputs()]
    for name, one, two in zip(
        names, *(session.run(names, {"image": pixels}) for session in (first, second)), strict=True
    ):
        np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6, err_msg=name)


CASES = [
    (PatchCore(), FIT, (173, 211)),
    (PatchCore(image_score="top"), Preparation((48, 64), "stretch"), (1, 90)),
    (METHODS["padim"](), Preparation((56, 56), "shorter", (48, 48)), (90, 7)),
    (METHODS["mahalanobis"](), FIT, (48, 64)),
]


@pytest.mark.parametrize(("method", "preparation", "size_hw"), CASES)
def test_no_shape_is_left_and_all_is_the_same(method, preparation, size_hw, tiny, good_parts):
    inspector = fit(
        good_parts[:20], backbone=tiny, preparation=preparation, method=method, false_alarms=None
    )
    graph = to_onnx(inspector)
    fixed = fix_size(graph, size_hw)
    check_static(fixed)
    check_same(graph, fixed, size_hw)


def test_shapes_inside_the_network_are_folded_too(tmp_path, good_parts):
    model = onnx.load_model_from_string(tiny_onnx())
    kind = onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Shape", ["ca"], ["shape"], start=2),
        helper.make_node("Cast", ["shape"], ["sides"], to=kind),
        helper.make_node("ReduceMax", ["sides"], ["side"], keepdims=0),
        helper.make_node("Div", ["ca", "side"], ["per_side"]),
    ]
    first, relu, *rest = model.graph.node
    relu.input[0] = "per_side"
    ordered = [first, *nodes, relu, *rest]
    del model.graph.node[:]
    model.graph.node.extend(ordered)
    (tmp_path / "shapes.onnx").write_bytes(model.SerializeToString())
    backbone = open_backbone(f"onnx:{tmp_path / 'shapes.onnx'}")
    graph = to_onnx(fit(good_parts[:20], backbone=backbone, preparation=FIT, false_alarms=None))
    fixed = fix_size(graph, (60, 50))
    check_static(fixed)
    check_same(graph, fixed, (60, 50))


@pytest.mark.parametrize(("to", "ending"), [("onnx", ".onnx"), ("openvino", ".xml")])
def test_an_export_of_one_size_is_checked_and_says_so(to, ending, fitted, tmp_path):
    written = export(fitted, tmp_path / f"a{ending}", to, size_hw=(60, 50))
    assert all(one.score <= 1e-5 and one.heat_map <= 1e-5 for one in exact(written.agreements))
    assert {len(one.differences) for one in written.agreements} == {6 + 7}
    model = open_export(tmp_path / f"a{ending}")
    contract = contract_of(model)
    assert contract["picture_size_hw"] == [60, 50]
    assert "uint8 (1, 60, 50, 3), RGB" in contract["input"]["image"]
    pixels = part(900, defect=True, shape=(60, 50))
    for run in exact(open_all(model).values()):
        found = run(pixels[None])
        assert found["score"][0] == pytest.approx(fitted.inspect(pixels).score, rel=1e-5)
        assert found["heat_map"].shape == (1, 60, 50)


def test_a_size_must_be_one(fitted, tmp_path):
    with pytest.raises(ValueError, match=r"size_hw must be height and width of at least 1; got"):
        export(fitted, tmp_path / "a.onnx", "onnx", size_hw=(0, 50))


def test_on_the_command_line(fitted, tmp_path):
    save(fitted, tmp_path / "part.golden")
    for k, shape in enumerate([(60, 50), (50, 60)]):
        save_picture(tmp_path / f"{k}.png", part(k, shape=shape))
    done = golden(
        *("export", "part.golden", "--to", "onnx", "--picture-size", "60x50", "--json"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["picture_size_hw"] == [60, 50]
    done = golden("verify", "part.onnx", "part.golden", "0.png", "1.png", cwd=tmp_path)
    assert done.returncode == 2
    assert re.search(r"must have 60x50 pixels .*1\.png has 50x60; give", done.stderr)
    assert "       1  " in done.stdout
