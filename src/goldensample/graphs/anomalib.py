"""The input and outputs of anomalib's exports, for programs that were written for those.

A value x and its limit L become x / (x + L): 0.5 at the limit, 2/3 at twice the limit, below 1.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from goldensample.graphs.graph import INPUT, PROPERTY
from goldensample.graphs.nodes import Nodes
from goldensample.graphs.pruning import keep, reaching
from goldensample.records import Array
from goldensample.regions.heatmap import PEAK_SHARE

Compute = Callable[[Array], dict[str, Array]]
CONTRACTS = ("golden", "anomalib", "model-api")
ANOMALIB_INPUT = "input"
OUTPUTS = ("pred_score", "pred_label", "anomaly_map", "pred_mask")
MODEL_INFO = {
    "model_type": "AnomalyDetection",
    "task": "segmentation",
    "labels": "Normal Anomalous",
    "image_threshold": "0.5",
    "pixel_threshold": "0.5",
    "normalization_scale": "1.0",
    "scale_values": "255.0 255.0 255.0",
}
"""What Model API is to know, by its names and as text. It divides by the scale where the size of
pictures is fixed, and by 255 in any case where it is not."""


def to_anomalib(graph: bytes, model_info: bool) -> bytes:
    """Return an exported ONNX model as one with the input and outputs of anomalib's exports.

    Input: `input`, (n, 3, H, W) float32 RGB from 0 to 1. Outputs: `pred_score` (n,) and
    `anomaly_map` (n, 1, H, W), float32 from 0 to 1; `pred_label` (n,) and `pred_mask`
    (n, 1, H, W), bool, true for a defect.

    Args:
        graph: from `to_onnx` or `fix_size`.
        model_info: whether to add what Model API is to know, `MODEL_INFO`.

    Raises:
        ValueError: the model has no heat map, or no limits to say 0.5 at.
    """
    import onnx
    from onnx import helper

    model = onnx.load_model_from_string(graph)
    (entry,) = (entry for entry in model.metadata_props if entry.key == PROPERTY)
    contract = json.loads(entry.value)
    limits = _limits(contract)
    add = Nodes(prefix="anomalib")
    add.rename(_picture(add), INPUT)
    first = len(add.nodes)
    _add_outputs(add, *limits)
    nodes = [*add.nodes[:first], *model.graph.node, *add.nodes[first:]]
    model.graph.initializer.extend(add.constants)
    _declare(model.graph)
    keep(model.graph, reaching(nodes, set(OUTPUTS)))
    described = json.dumps(_described(contract), sort_keys=True)
    info = {f"model_info {name}": text for name, text in MODEL_INFO.items()} if model_info else {}
    helper.set_model_props(model, {PROPERTY: described, **info})
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _limits(contract: dict[str, Any]) -> tuple[float, float]:
    """Return the limits of the score and of the heat map."""
    limit = contract["threshold"] or {}
    score, pixel = limit.get("score"), limit.get("pixel")
    if "heat_map" not in contract["outputs"]:
        raise ValueError(
            f"an export with anomalib's outputs must have a heat map; {contract['method']} has "
            "none; export without --contract, or fit another method"
        )
    if not score or not pixel or min(score, pixel) <= 0:
        raise ValueError(
            "an export with anomalib's outputs must have limits above 0, where it says 0.5; this "
            f"file has {score} for the score and {pixel} for pixels; fit it with limits "
            "(--false-alarms), or export without --contract"
        )
    return score, pixel


def _picture(add: Nodes) -> str:
    """Return the picture as the native graph takes it: (n, H, W, 3) uint8."""
    from onnx import TensorProto

    levels = add("Round", add("Mul", ANOMALIB_INPUT, add.constant([255.0])))
    within = add("Clip", levels, add.constant(0.0), add.constant(255.0))
    return add("Transpose", add("Cast", within, to=TensorProto.UINT8), perm=[0, 2, 3, 1])


def _add_outputs(add: Nodes, score_limit: float, pixel_limit: float) -> None:
    """Add the outputs, see `regions.heatmap.regions_of_verdict` for the mask."""

    def share(values: str, limit: float) -> str:
        positive = add("Max", values, add.constant([0.0]))
        return add("Div", positive, add("Add", positive, add.constant([limit])))

    heat_map = add("Unsqueeze", "heat_map", add.integers(1))
    pixel = add.constant([pixel_limit])
    peak = add("ReduceMax", heat_map, axes=[2, 3], keepdims=1)
    part = add("Mul", peak, add.constant([PEAK_SHARE]))
    limit = add("Where", add("Greater", peak, pixel), pixel, part)
    defect = add("Unsqueeze", "verdict", add.integers(1, 2, 3))
    mask = add("And", add("Greater", heat_map, limit), defect)
    score, values = share("score", score_limit), share(heat_map, pixel_limit)
    label = add("Identity", "verdict")
    for name, inner in zip(OUTPUTS, (score, label, values, mask), strict=True):
        add.rename(inner, name)


def _declare(graph: Any) -> None:
    """Give a graph the new input and outputs, of the sizes of the old ones."""
    from onnx import TensorProto, helper

    (image,) = (value for value in graph.input if value.name == INPUT)
    batch, height, width, _ = (
        dim.dim_value or dim.dim_param for dim in image.type.tensor_type.shape.dim
    )
    one, planes = [batch], [batch, 1, height, width]
    shapes = dict(zip(OUTPUTS, (one, one, planes, planes), strict=True))
    kinds = (TensorProto.FLOAT, TensorProto.BOOL, TensorProto.FLOAT, TensorProto.BOOL)
    outputs = [
        helper.make_tensor_value_info(name, kind, shape)
        for kind, (name, shape) in zip(kinds, shapes.items(), strict=True)
    ]
    sides = [batch, 3, height, width]
    taken = helper.make_tensor_value_info(ANOMALIB_INPUT, TensorProto.FLOAT, sides)
    for field, values in ((graph.input, [taken]), (graph.output, outputs), (graph.value_info, [])):
        del field[:]
        field.extend(values)


def _described(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the contract of the model with its new input and outputs."""
    taken = contract["input"][INPUT].split("; ", 1)
    meanings = {
        "pred_score": "x / (x + threshold.score) of the distance x: 0.5 at the limit",
        "pred_label": contract["verdict"],
        "anomaly_map": "y / (y + threshold.pixel) of the distance y of each pixel",
        "pred_mask": "pixels of a defect beyond their limit; where none is, those at the peak",
    }
    rest = {name: value for name, value in contract.items() if name not in contract["outputs"]}
    says = "; ".join(["float32 (n, 3, H, W), RGB from 0 to 1, upright", *taken[1:]])
    return rest | meanings | {"input": {ANOMALIB_INPUT: says}, "outputs": list(OUTPUTS)}


def natively(compute: Compute, limits: dict[str, float]) -> Compute:
    """Return a model with anomalib's input and outputs as one that takes and gives our own.

    Args:
        compute: the model, see `runtimes.Run`.
        limits: of its contract.
    """

    def distance(share: Array, limit: float) -> Array:
        return np.float32(limit) * share / (1 - share)

    def native(pictures: Array) -> dict[str, Array]:
        found = compute(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)
        return {
            "score": distance(found["pred_score"], limits["score"]),
            "heat_map": distance(found["anomaly_map"][:, 0], limits["pixel"]),
            "verdict": found["pred_label"],
        }

    return native
