"""A builder for ONNX graphs: each call adds a node and returns the name of its output."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class ScoreNodes:
    """The outputs of a method, by their names in the graph.

    Args:
        score: (n,) of the pictures.
        distances: (n, h·w) of the patches; None where the method has no map.
        rows: (n, h·w) int64 nearest bank row; None where there is no bank.
        stride: h and w count each `stride`-th cell of the finest level.
    """

    score: str
    distances: str | None = None
    rows: str | None = None
    stride: int = 1


class Nodes:
    """Nodes and constants in the order they were added; every name starts with the prefix.

    Args:
        one_size: every shape must follow from the picture's, as its size will be fixed.
        prefix: of all names.
    """

    def __init__(self, one_size: bool = False, prefix: str = "golden") -> None:
        self.one_size = one_size
        self._prefix = prefix
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant; large ones are stored in half precision where that is exact."""
        from onnx import TensorProto, numpy_helper

        array = np.asarray(values, dtype)
        name = f"{self._prefix}/constant{len(self.constants)}"
        if array.dtype == np.float32 and array.size >= 256:
            with np.errstate(over="ignore"):
                half = array.astype(np.float16)
            if np.array_equal(half.astype(np.float32), array):
                self.constants.append(numpy_helper.from_array(half, name))
                return self("Cast", name, to=TensorProto.FLOAT)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def integers(self, *values: int) -> str:
        """Add a vector of integers, for instance a shape or axes."""
        return self.constant(values, np.int64)

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node; its attributes are those of the operator."""
        from onnx import helper

        name = f"{self._prefix}/{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def outputs(self, count: int, kind: str, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with several outputs; return their names."""
        name = self(kind, *inputs, **attributes)
        self.nodes[-1].output.extend(f"{name}/{k}" for k in range(1, count))
        return list(self.nodes[-1].output)

    def rename(self, inner: str, name: str) -> None:
        """Give a value another name, without a node that copies it."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for k, old in enumerate(names):
                    if old == inner:
                        names[k] = name

    def to_float(self, values: str) -> str:
        """Cast values to float32."""
        from onnx import TensorProto

        return self("Cast", values, to=TensorProto.FLOAT)

    def at_most(self, values: str, limits: str) -> str:
        """Return whether values are at most limits, in operators that old runtimes have."""
        return self("Not", self("Greater", values, limits))

    def arange(self, length: str) -> str:
        """Return 0, 1, … length-1 as int64. Args: length, an int64 vector of one number."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        return self("Range", zero, self("Squeeze", length, self.integers(0)), one)

    def rounded_ratio(self, numerator: str, denominator: str) -> str:
        """Return the ratio of int64 numbers, zero or more, rounded, halves to even."""
        two = self.integers(2)
        divisor = self("Mul", denominator, two)
        dividend = self("Add", self("Mul", numerator, two), denominator)
        ratio = self("Div", dividend, divisor)  # halves up
        is_half = self("Equal", self("Mul", ratio, divisor), dividend)
        odd = self("Sub", ratio, self("Mul", self("Div", ratio, two), two))
        down = self("And", is_half, self("Equal", odd, self.integers(1)))
        return self("Where", down, self("Sub", ratio, self.integers(1)), ratio)

    def height_width(self, image: str) -> tuple[str, str]:
        """Return height and width of (n, H, W, 3), each an int64 vector of one number."""
        shape = self("Shape", image)
        height, width = (self("Gather", shape, self.integers(axis)) for axis in (1, 2))
        return height, width


def without_identities(nodes: list[Any], kept: set[str]) -> list[Any]:
    """Return nodes without those that copy a value, which some runtimes cannot read; changes them.

    Args:
        nodes: of a graph, in order; left as they are where one holds a graph of its own.
        kept: names that must stay, for instance those of outputs.
    """
    if any(attribute.HasField("g") for node in nodes for attribute in node.attribute):
        return nodes
    builder = Nodes()
    builder.nodes = nodes
    produced = {name for node in nodes for name in node.output}
    for node in [node for node in nodes if node.op_type == "Identity"]:
        (inner,), (copy,) = node.input, node.output
        if copy in kept and (inner in kept or inner not in produced):
            continue
        builder.nodes = [other for other in builder.nodes if other is not node]
        builder.rename(*((inner, copy) if copy in kept else (copy, inner)))
    return builder.nodes
