"""Runtimes that compute in bfloat16 by default give the same verdicts and nearly the same maps."""

import numpy as np
import onnx
import onnxruntime
import pytest
from bf16_reference import rounded_to_bf16
from conftest import fit, part
from PIL import Image

from goldensample import PatchCore, Preparation, read_images
from goldensample.graphs.graph import to_onnx

SIZES = (256, 512, 900)
SETS = {  # one of how many test pictures
    "mvtec_ad/bottle": 14,
    "mvtec_ad_small/hazelnut": 5,
    "mvtec_ad_small/transistor": 5,
    "magnetic_tile": 180,
}


def run(graph: bytes, pixels: np.ndarray) -> dict[str, np.ndarray]:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {"image": pixels[None]}), strict=True))


def resized(pixels: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))


def differences(graph: bytes, rounded: bytes, pixels: np.ndarray) -> tuple[float, bool]:
    """Return how far the maps differ, relative to the largest value, and whether verdicts do."""
    exact, coarse = (run(model, pixels) for model in (graph, rounded))
    apart = np.abs(exact["heat_map"] - coarse["heat_map"]).max() / exact["heat_map"].max()
    return float(apart), bool(exact["verdict"][0] != coarse["verdict"][0])


def test_the_reference_rounds_what_it_should(tiny, good_parts):
    graph = to_onnx(fit(good_parts, backbone=tiny, preparation=Preparation((48, 64))))
    rounded = rounded_to_bf16(graph)
    kinds = [node.op_type for node in onnx.load_model_from_string(rounded).graph.node]
    halves = [
        node
        for node in onnx.load_model_from_string(rounded).graph.node
        if node.op_type == "Cast" and node.attribute[0].i == onnx.TensorProto.BFLOAT16
    ]
    assert len(halves) > 20  # and they are executed: the answers are others
    assert "Range" in kinds
    first, second = run(graph, part(1)), run(rounded, part(1))
    assert np.abs(first["heat_map"] - second["heat_map"]).max() > 0


@pytest.mark.parametrize("level", [3, 127, 128, 250, 253])
def test_plain_areas_stay_plain(level, tiny, good_parts):
    """Weights rounded to bfloat16 sum to 1: what the network sees has no stripes."""
    graph = to_onnx(fit(good_parts, backbone=tiny, preparation=Preparation((48, 64))))
    model = onnx.load_model_from_string(rounded_to_bf16(graph))
    model.graph.output.append(
        onnx.helper.make_tensor_value_info("network/image", onnx.TensorProto.FLOAT, None)
    )
    for shape in ((900, 517, 3), (30, 40, 3), (7, 700, 3)):
        seen = run(model.SerializeToString(), np.full(shape, level, np.uint8))["network/image"]
        assert np.ptp(seen, axis=(2, 3)).max() == 0


@pytest.mark.parametrize("side", [*SIZES, 3001])
def test_bf16_moves_no_position(side, tiny, good_parts):
    fitted = fit(good_parts, backbone=tiny, preparation=Preparation((48, 64)))
    graph = to_onnx(fitted)
    pixels = resized(part(5, defect=True), side)
    apart, verdict_differs = differences(graph, rounded_to_bf16(graph), pixels)
    assert apart < 0.03
    assert not verdict_differs


def test_what_is_before_a_position_is_whole_numbers(tiny, good_parts):
    """No float32 value but weights depends on a Range."""
    model = onnx.load_model_from_string(
        to_onnx(fit(good_parts, backbone=tiny, preparation=Preparation((48, 64))))
    )
    ranges = {name for node in model.graph.node if node.op_type == "Range" for name in node.output}
    assert len(ranges) == 6
    for node in model.graph.node:
        if node.op_type == "Cast":
            assert not ranges & set(node.input)


NETWORK_ALONE = {("mvtec_ad_small/hazelnut", 256): 0.04}
"""Where the convolutions of the network, in bfloat16, move a map by 3 % without anything else."""


@pytest.mark.real
@pytest.mark.parametrize("data", SETS)
def test_no_verdict_changes_on_real_pictures(shared, data):
    root = shared / "data" / data
    good = read_images(root / "train/good")
    fitted = fit([good[k] for k in range(40)], backbone="builtin", method=PatchCore(coreset=1000))
    graph = to_onnx(fitted)
    rounded = rounded_to_bf16(graph)
    for picture in list(read_images(root / "test"))[:: SETS[data]]:
        for side in SIZES:
            apart, verdict_differs = differences(graph, rounded, resized(picture.pixels, side))
            assert not verdict_differs, (picture.name, side)
            assert apart < NETWORK_ALONE.get((data, side), 0.03), (picture.name, side)
