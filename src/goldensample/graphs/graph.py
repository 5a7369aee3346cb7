"""Convert a fitted inspector to one ONNX model: a decoded picture in, score and heat map out."""

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.errors import WeightsError
from goldensample.graphs import ensemble, patchcore, placement, pooled, positions, spade
from goldensample.graphs.limits import check_size
from goldensample.graphs.nodes import Nodes, ScoreNodes, without_identities
from goldensample.images.grey_range import describe_input
from goldensample.inspection.inspector import Inspector
from goldensample.methods.ensemble import EnsembleDetector
from goldensample.methods.mahalanobis import MahalanobisDetector
from goldensample.methods.mean_map import MeanMapDetector
from goldensample.methods.nearest import NearestDetector
from goldensample.methods.ocsvm import OCSVMDetector
from goldensample.methods.padim import PaDiMDetector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.methods.protocols import BankDetector
from goldensample.methods.spade import SPADEDetector

OPSET = 17
IR_VERSION = 8  # of the file; ONNX Runtime reads it from 1.12 on, as it reads opset 17
TOLERANCES = {"fp32": 1e-3, "int8": 1e-2}
"""Largest relative difference of a score or a map from the inspector's, by precision."""
MARGIN = 1e-5
"""Smallest relative excess of a score over the threshold where the verdict is defect: the threshold
is the score of a good picture, which rounding must not turn into a defect."""
INPUT = "image"
PROPERTY = "goldensample"
"""The model's metadata property that holds its contract."""
Converter = Callable[
    [Nodes, list[str], list[patchcore.Grid], Callable[[int], str], Any], ScoreNodes
]
CONVERTERS: dict[type, Converter] = {
    PatchCoreDetector: patchcore.score,
    SPADEDetector: spade.score,
    PaDiMDetector: positions.score_padim,
    MeanMapDetector: positions.score_mean_map,
    MahalanobisDetector: pooled.score_mahalanobis,
    OCSVMDetector: pooled.score_ocsvm,
    NearestDetector: pooled.score_nearest,
    EnsembleDetector: ensemble.score,
}
"""Functions that add the nodes of a score, distances and nearest rows, by type of detector."""


def to_onnx(inspector: Inspector, one_size: bool = False) -> bytes:
    """Return an inspector as an ONNX model of stock operators.

    Input: `image`, (n, H, W, 3) uint8 RGB, as decoded, of any height and width; where
    the network takes one picture at a time, n is 1.

    Outputs: `score` (n,) float32; `heat_map` (n, H, W) float32 in the score's unit; for each patch
    `distance` (n, h, w) float32 to the bank and `nearest` (n, h, w) int32, its nearest bank row,
    both -1 where there is no picture; `reason` (n, h, w, 3) float32, that row's picture number, and
    its row and column in pixels there; and, where there is a threshold, `verdict` (n,) bool, True
    for a defect. The property `goldensample` describes this in JSON, with the pictures' names.

    Without a map there is no heat_map and distance, without a bank no nearest and reason.

    Args:
        one_size: no shape may hang on anything but the picture's size, which will be fixed.

    Raises:
        ValueError: the method cannot be exported, or the detector is too large for an ONNX model.
        WeightsError: the network cannot be part of it.
    """
    detector = inspector.detector
    check_size(inspector)
    if type(detector) not in CONVERTERS:
        raise ValueError(
            f"a fit to export must have one bank; this one is {inspector.method_name}, with one "
            "for each fold of few pictures; fit with --calibration split and more of them, or with "
            "--false-alarms 0"
        )
    add = Nodes(one_size)
    network = EmbeddedNetwork(add, inspector)
    sides = placement.picture_sides(add, INPUT, inspector.preparation)
    size_hw = network.grids[0][1:]

    def valid_cells(stride: int) -> str:
        """Return (h, w) bool, the cells that show the picture."""
        down, across = (
            placement.valid_cells(add, side, cells, stride)
            for side, cells in zip(sides, size_hw, strict=True)
        )
        return add("And", add("Unsqueeze", down, add.integers(1)), across)

    convert = CONVERTERS[type(detector)]
    nodes = convert(add, network.levels(sides), network.grids, valid_cells, detector)
    outputs = {"score": nodes.score}
    if nodes.distances is not None:
        valid = valid_cells(nodes.stride)
        centres = [tuple((np.arange(0, cells, nodes.stride) + 0.5) / cells) for cells in size_hw]
        grid = add.integers(-1, *(len(axis) for axis in centres))
        distances = add("Reshape", nodes.distances, grid)
        outputs["heat_map"] = heat_map(add, sides, centres, (distances, valid), detector.sigma_px)
        outputs["distance"] = add("Where", valid, distances, add.constant([-1.0]))
        if nodes.rows is not None:
            rows = add("Reshape", nodes.rows, grid)
            outputs |= reasons(add, inspector, rows, valid)
    if inspector.threshold is not None:
        limit = add.constant([inspector.threshold.score * (1 + MARGIN)])
        outputs["verdict"] = add("Greater", nodes.score, limit)
    return network.finish(outputs, contract(inspector, list(outputs)))


def heat_map(
    add: Nodes,
    sides: tuple[placement.Side, placement.Side],
    centres: list[tuple[float, ...]],
    cells: tuple[str, str],
    sigma_px: float,
) -> str:
    """Return (n, H, W) from cells: distances (n, h, w) and their validity (h, w)."""
    distances, valid = cells
    down, across = (
        placement.map_matrix(add, side, axis, sigma_px)
        for side, axis in zip(sides, centres, strict=True)
    )
    across = add("Transpose", across, perm=[1, 0])

    def upsample(values: str) -> str:
        return add("MatMul", add("MatMul", down, values), across)

    mask = add.to_float(valid)
    weight = add("Max", upsample(mask), add.constant([1e-6]))
    return add("Div", upsample(add("Mul", distances, mask)), weight)


def reasons(add: Nodes, inspector: Inspector, rows: str, valid: str) -> dict[str, str]:
    """Return `nearest` and `reason`; rows (n, h, w), valid (h, w)."""
    from onnx import TensorProto

    numbers = {picture.name: k for k, picture in enumerate(inspector.pictures)}
    detector = inspector.detector
    count = len(detector.origins) if isinstance(detector, BankDetector) else 0
    sources = [inspector.source(row) for row in range(count)]
    table = [(numbers[source.picture], source.row_px, source.column_px) for source in sources]
    nearest = add("Where", valid, rows, add.constant([-1], np.int64))
    return {
        "nearest": add("Cast", nearest, to=TensorProto.INT32),
        "reason": add("Gather", add.constant(table), rows, axis=0),
    }


def contract(inspector: Inspector, outputs: list[str]) -> dict[str, Any]:
    """Return the description of inputs and outputs for users of the model, as JSON values."""
    limit = inspector.threshold
    meanings = {
        "score": "distance in feature space; larger is odder",
        "verdict": f"true for a defect: the score is larger than the threshold by {MARGIN} of it; "
        "where threshold.review is a number, a lower score above it asks to look again",
        "heat_map": "distance for each pixel of the picture",
        "distance": "of each patch to what is good; -1 where there is no picture",
        "nearest": "bank row for each patch; -1 where there is no picture",
        "reason": "number of the picture of that row, and its row and column there, in pixels",
    }
    return {
        "goldensample": __version__,
        "method": inspector.method_name,
        "input": {INPUT: describe_input(inspector.preparation.grey_range)},
        "outputs": outputs,
        **{name: meanings[name] for name in outputs},
        "threshold": asdict(limit) if limit else None,
        "preparation": asdict(inspector.preparation),
        "network": inspector.backbone.network.name,
        "precision": inspector.backbone.precision,
        "tolerance": TOLERANCES[inspector.backbone.precision],
        "openvino": "the tolerance holds with INFERENCE_PRECISION_HINT f32, not with bf16 or f16",
        "pictures": [picture.name for picture in inspector.pictures],
    }


class EmbeddedNetwork:
    """The inspector's network inside a larger graph: its names get a prefix of their own."""

    def __init__(self, add: Nodes, inspector: Inspector) -> None:
        import onnx

        self._add, self._network = add, inspector.backbone.network
        self._preparation = inspector.preparation
        model = onnx.load_model_from_string(self._network.graph)
        opset = next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))
        if opset < OPSET:
            model = onnx.version_converter.convert_version(model, OPSET)
        self._opset = max(opset, OPSET)
        self._graph = onnx.compose.add_prefix(model, "network/").graph
        stored = {tensor.name for tensor in self._graph.initializer}
        self._input = next(value for value in self._graph.input if value.name not in stored)
        batch = self._input.type.tensor_type.shape.dim[0].dim_value
        if batch not in (0, 1):
            raise WeightsError(
                f"{self._network.name} must take one picture, or any number; it takes {batch}"
            )
        self._batch: str | int = batch or "n"
        height, width = self._preparation.canvas_hw
        maps = inspector.backbone.extract(np.zeros((1, 3, height, width), np.float32))
        self.grids = [(int(m.shape[1]), int(m.shape[2]), int(m.shape[3])) for m in maps]

    def levels(self, sides: tuple[placement.Side, placement.Side]) -> list[str]:
        """Add preprocessing and the network, and return the names of its levels."""
        add = self._add
        canvas = placement.to_canvas(add, INPUT, sides)
        mean, std = (
            np.asarray(values, np.float32).reshape(1, 3, 1, 1) * 255
            for values in (self._network.mean, self._network.std)
        )
        normalised = add(
            "Div", add("Sub", canvas, add.constant(mean - placement.MIDDLE)), add.constant(std)
        )
        add.rename(normalised, self._input.name)
        levels = [f"network/{level}" for level in self._network.levels]
        add.nodes.extend(without_identities(list(self._graph.node), set(levels)))
        add.constants.extend(self._graph.initializer)
        return levels

    def finish(self, outputs: dict[str, str], metadata: dict[str, Any]) -> bytes:
        """Return the serialised model; `outputs` maps public names to inner ones."""
        import onnx
        from onnx import TensorProto, helper

        shapes: dict[str, tuple[int, list[str | int]]] = {
            "score": (TensorProto.FLOAT, []),
            "heat_map": (TensorProto.FLOAT, ["H", "W"]),
            "distance": (TensorProto.FLOAT, ["h", "w"]),
            "nearest": (TensorProto.INT32, ["h", "w"]),
            "reason": (TensorProto.FLOAT, ["h", "w", 3]),
            "verdict": (TensorProto.BOOL, []),
        }
        infos = []
        for name, inner in outputs.items():
            self._add.rename(inner, name)
            kind, shape = shapes[name]
            infos.append(helper.make_tensor_value_info(name, kind, [self._batch, *shape]))
        image = helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [self._batch, "H", "W", 3])
        used = {name for node in self._add.nodes for name in node.input}
        constants = [constant for constant in self._add.constants if constant.name in used]
        graph = helper.make_graph(self._add.nodes, "inspector", [image], infos, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self._opset)])
        model.ir_version = IR_VERSION
        helper.set_model_props(model, {PROPERTY: json.dumps(metadata, sort_keys=True)})
        onnx.checker.check_model(model, full_check=True)
        return model.SerializeToString(deterministic=True)
