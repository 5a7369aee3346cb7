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
    """Nodes and constants in the order they were added; every name starts with "golden/"."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, values: Any, dtype: Any = np.float32) -> str:
        """Add a constant; large ones are stored in half precision where that is exact."""
        from onnx import TensorProto, numpy_helper

        array = np.asarray(values, dtype)
        name = f"golden/constant{len(self.constants)}"
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

        name = f"golden/{kind}{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def second_output(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with two outputs; return the name of the second one."""
        name = self(kind, *inputs, **attributes)
        self.nodes[-1].output.append(f"{name}b")
        return f"{name}b"

    def alias(self, inner: str, name: str) -> None:
        """Add a second name to a value."""
        from onnx import helper

        self.nodes.append(helper.make_node("Identity", [inner], [name], name=name))

    def to_float(self, values: str) -> str:
        """Cast values to float32."""
        from onnx import TensorProto

        return self("Cast", values, to=TensorProto.FLOAT)

    def arange(self, length: str) -> str:
        """Return 0, 1, … length-1 as float32. Args: length, an int64 vector of one number."""
        zero, one = self.constant(0, np.int64), self.constant(1, np.int64)
        scalar = self("Reshape", length, self.constant([], np.int64))
        return self.to_float(self("Range", zero, scalar, one))

    def height_width(self, image: str) -> tuple[str, str]:
        """Return height and width of (n, H, W, 3), each an int64 vector of one number."""
        shape = self("Shape", image)
        height, width = (self("Gather", shape, self.integers(axis)) for axis in (1, 2))
        return height, width
