"""Write the student as an ONNX file: half-precision weights, float32 arithmetic.

The file depends on the weights alone: no time stamps, no paths.
"""

import os
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from training.network import Block, ClippedReLU, Student

OPSET = 17


class Graph:
    """Builder of an ONNX graph: nodes and weights in order."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []

    def weight(self, name: str, values: np.ndarray) -> str:
        """Add a half-precision weight and its cast; return the float32 name."""
        half = values.astype(np.float16)
        self.weights.append(numpy_helper.from_array(half, f"{name}_half"))
        self.nodes.append(helper.make_node("Cast", [f"{name}_half"], [name], to=TensorProto.FLOAT))
        return name

    def conv(self, layer: nn.Conv2d, before: str, name: str) -> str:
        """Add a convolution; return its output's name."""
        weight = self.weight(f"{name}_weight", layer.weight.detach().numpy())
        bias = self.weight(f"{name}_bias", layer.bias.detach().numpy())
        side, pad = layer.kernel_size[0], layer.padding[0]
        self.nodes.append(
            helper.make_node(
                "Conv",
                [before, weight, bias],
                [name],
                name=name,
                kernel_shape=[side, side],
                strides=list(layer.stride),
                pads=[pad] * 4,
            )
        )
        return name

    def limit(self, limit: ClippedReLU, before: str) -> str:
        """Add a ReLU, with its upper end if it has one; return its output's name."""
        after, top = f"{before}_relu", limit.top.numpy()
        if np.isinf(top):
            self.nodes.append(helper.make_node("Relu", [before], [after]))
            return after
        ends = [f"{after}_low", f"{after}_high"]
        for name, value in zip(ends, (np.float32(0), top), strict=True):
            self.weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        self.nodes.append(helper.make_node("Clip", [before, *ends], [after]))
        return after

    def block(self, block: Block, before: str, name: str) -> str:
        """Add a residual block; return its output's name."""
        first = self.limit(block.inner, self.conv(block.first, before, f"{name}_first"))
        second = self.conv(block.second, first, f"{name}_second")
        side = before
        if isinstance(block.shortcut, nn.Conv2d):
            side = self.conv(block.shortcut, before, f"{name}_shortcut")
        self.nodes.append(helper.make_node("Add", [second, side], [name], name=name))
        return self.limit(block.after, name)


def build(student: Student) -> onnx.ModelProto:
    """Return the student's graph: `image` in, `level2` and `level3` out."""
    graph = Graph()
    x = graph.conv(student.mixed, graph.conv(student.filters, "image", "filters"), "mixed")
    x = graph.limit(student.stem_limit, x)
    pool = helper.make_node(
        "MaxPool", [x], ["pool"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]
    )
    graph.nodes.append(pool)
    x = "pool"
    for name, head in (("near", None), ("two", student.head2), ("three", student.head3)):
        for index, block in enumerate(getattr(student, name)):
            x = graph.block(block, x, f"{name}{index}")
        if head is not None:
            graph.conv(head, x, {"two": "level2", "three": "level3"}[name])
    outputs = [("level2", student.head2, 8), ("level3", student.head3, 16)]
    graph_proto = helper.make_graph(
        graph.nodes,
        "golden_sample_backbone",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, "H", "W"])],
        [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, ["n", head.out_channels, f"H/{step}", f"W/{step}"]
            )
            for name, head, step in outputs
        ],
        graph.weights,
    )
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph_proto, opset_imports=opset, producer_name="golden-sample")
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def write(student: Student, path: Path) -> None:
    """Write the ONNX file atomically."""
    temporary = path.with_suffix(".part")
    temporary.write_bytes(build(student).SerializeToString(deterministic=True))
    os.replace(temporary, path)
