"""An export is held to what a runtime really computes in, with its defaults too."""

import onnxruntime
import pytest
from bf16_reference import rounded_to_bf16
from conftest import fit, part

from goldensample import ArtifactError, Preparation
from goldensample.backbones.openvino import import_openvino, processor_has
from goldensample.export import parity
from goldensample.export.export import check
from goldensample.graphs.graph import to_onnx
from goldensample.graphs.runtimes import COMPUTING, F32, Exported, Run, computed_in, open_all
from goldensample.records import Picture

FIT = Preparation((48, 64))


@pytest.fixture(scope="module")
def fitted(tiny, good_parts):
    return fit(good_parts, backbone=tiny, preparation=FIT)


@pytest.fixture(scope="module")
def graph(fitted) -> bytes:
    return to_onnx(fitted)


def executed(graph: bytes, config: dict[str, str]):
    """Return what OpenVINO makes of a model for this processor."""
    core = import_openvino().Core()
    return core.compile_model(core.read_model(graph), "CPU", config).get_runtime_model()


def in_bf16(graph: bytes) -> Run:
    """Return a model as a processor with bfloat16 computes it."""
    session = onnxruntime.InferenceSession(
        rounded_to_bf16(graph), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return Run(
        lambda pictures: dict(zip(names, session.run(names, {"image": pictures}), strict=True)),
        "bf16",
    )


def agreement(fitted, run: Run) -> parity.Agreement:
    pictures = [
        Picture(f"{k}.png", part(k, defect=k % 2 == 1, shape=(90, 300))) for k in range(3, 9)
    ]
    references = zip(pictures, fitted.inspect_many(pictures), strict=True)
    (found,) = parity.compare(fitted, {"OpenVINO": run}, references)
    return found


def test_runtimes_run_with_their_defaults_and_openvino_in_f32_too(graph):
    runs = open_all(Exported("a.onnx", graph))
    assert runs["OpenVINO"].half == processor_has("bf16")
    exact = runs.get("OpenVINO, f32", runs["OpenVINO"])
    assert exact.computed_in == runs["ONNX Runtime"].computed_in == "f32"
    core = import_openvino().Core()
    asked = core.compile_model(core.read_model(graph), "CPU", F32)
    pixels = part(3, shape=(90, 300))[None]
    assert exact(pixels)["score"] == asked(pixels)["score"]


def test_a_hint_that_the_processor_ignores_is_not_believed(graph):
    """What was executed counts, not what was asked for."""
    found = computed_in(executed(graph, {"INFERENCE_PRECISION_HINT": "bf16"})).split(", ")
    assert ("bf16" in found) == processor_has("bf16")  # some processors leave a few layers in f32
    assert set(found) <= {"bf16", "f32"}


@pytest.mark.parametrize("precision", ["bf16", "f16"])
def test_the_precision_is_read_from_what_computes(graph, precision):
    """Layers that only move values may keep 16 bits; one matrix product that does not counts."""
    model = executed(graph, F32)
    before = computed_in(model)
    kinds = {op: op.get_rt_info()["layerType"].astype(str) for op in model.get_ordered_ops()}
    moving = [op for op, kind in kinds.items() if kind not in COMPUTING]
    products = [op for op, kind in kinds.items() if kind in COMPUTING]
    for op in moving:
        op.get_rt_info()["runtimePrecision"] = precision
    assert computed_in(model) == before
    products[0].get_rt_info()["runtimePrecision"] = precision
    assert precision in computed_in(model).split(", ")


def test_a_run_in_bf16_has_its_own_tolerance(fitted, graph):
    found = agreement(fitted, in_bf16(graph))
    assert (found.computed_in, found.half) == ("bf16", True)
    assert found.worst.tolerance == parity.HALF_TOLERANCE
    assert 1e-3 < max(found.score, found.heat_map) < parity.HALF_TOLERANCE
    assert not found.changed_verdicts(at_limit=False)
    check("a.onnx", [found])
    as_f32 = agreement(fitted, Run(in_bf16(graph).compute, "f32"))
    with pytest.raises(ArtifactError, match=r"within 0.001 of .* keep to golden inspect"):
        check("a.onnx", [as_f32])


def test_defaults_that_go_wrong_say_what_to_ask_for(tiny, good_parts, fitted):
    other = to_onnx(fit(good_parts[:8], backbone=tiny, preparation=FIT))
    found = agreement(fitted, in_bf16(other))
    with pytest.raises(ArtifactError) as refused:
        check("a.onnx", [found])
    said = str(refused.value)
    assert "within 0.03 of their size; in OpenVINO, " in said
    assert "computed in bf16: ask for float32" in said
    assert '{"INFERENCE_PRECISION_HINT": "f32"}' in said


def test_what_is_wrong_in_float32_is_told_first(tiny, good_parts, fitted):
    """No hint helps there."""
    other = in_bf16(to_onnx(fit(good_parts[:8], backbone=tiny, preparation=FIT)))
    runs = [agreement(fitted, Run(other.compute, name)) for name in ("bf16", "f32")]
    with pytest.raises(ArtifactError, match="keep to golden inspect and report it"):
        check("a.onnx", runs)
