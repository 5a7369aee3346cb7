"""Preparation and heat map as graph operators, for pictures of any height and width.

The same matrices as in `preparation` and `heatmap`, as operators that compute them for each picture
size: resizing as two matrix products, since runtimes differ in their antialiasing. Integers are
int64, as there; positions are float32.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.preparation.preparation import Preparation
from goldensample.regions.heatmap import upsampling_matrix


@dataclass(frozen=True)
class Side:
    """One axis of a picture on the canvas, as names of float32 vectors of one number.

    Args:
        size: pixels of the picture.
        resized: pixels of the picture on the canvas.
        offset: pixels from the canvas's edge to the picture's.
        canvas: pixels of the canvas, a Python integer.
    """

    size: str
    resized: str
    offset: str
    canvas: int


def picture_sides(add: Nodes, image: str, preparation: Preparation) -> tuple[Side, Side]:
    """Return where a picture lies, rows then columns; see `Preparation.placement`."""
    size_hw = add.height_width(image)
    axes = []
    for size, resized, canvas in zip(
        size_hw, resized_hw(add, size_hw, preparation), preparation.canvas_hw, strict=True
    ):
        excess = add.to_float(add("Sub", resized, add.integers(canvas)))
        half = add("Round", add("Mul", excess, add.constant([0.5])))
        axes.append(Side(add.to_float(size), add.to_float(resized), add("Neg", half), canvas))
    return axes[0], axes[1]


def resized_hw(add: Nodes, size_hw: tuple[str, str], preparation: Preparation) -> tuple[str, str]:
    """Return the picture's height and width on the canvas, as int64 vectors of one number."""
    height, width = size_hw
    rows, columns = (add.integers(side) for side in preparation.size_hw)
    if preparation.mode == "stretch":
        return rows, columns
    if preparation.mode == "shorter":
        upright = add("LessOrEqual", height, width)
        longest, shortest = add("Max", height, width), add("Min", height, width)
        longer = add("Div", add("Mul", rows, longest), shortest)
        return add("Where", upright, rows, longer), add("Where", upright, longer, rows)

    def scaled(length: str, side: str, other: str) -> str:
        """Return length·side / other, rounded, halves up; at least 1."""
        double = add("Mul", add("Mul", length, side), add.integers(2))
        rounded = add("Div", add("Add", double, other), add("Mul", other, add.integers(2)))
        return add("Max", rounded, add.integers(1))

    fits_rows = add("LessOrEqual", add("Mul", rows, width), add("Mul", columns, height))
    down = add("Where", fits_rows, rows, scaled(height, columns, width))
    across = add("Where", fits_rows, scaled(width, rows, height), columns)
    double_area = add("Mul", add("Mul", down, across), add.integers(2))
    stretched = add("Less", double_area, add("Mul", rows, columns))
    return add("Where", stretched, rows, down), add("Where", stretched, columns, across)


def resizing_matrix(add: Nodes, side: Side) -> str:
    """Return the (canvas, size) matrix of `preparation.preparation.resizing_matrix`."""
    half = add.constant([0.5])
    shrink = add("Div", side.size, side.resized)  # picture pixels per canvas pixel
    least = add("Mul", half, add("Min", add.constant([1.0]), shrink))
    pixels = add.constant(np.arange(side.canvas) + 0.5)
    centres = add("Mul", add("Sub", pixels, side.offset), shrink)
    centres = add("Max", centres, least)
    centres = add("Min", centres, add("Sub", side.size, least))
    column = add("Unsqueeze", centres, add.integers(1))  # (canvas, 1)
    taps = add("Add", add.arange(to_int64(add, side.size)), half)
    distances = add("Abs", add("Sub", taps, column))  # (canvas, size)
    support = add("Max", add.constant([1.0]), shrink)
    weights = add("Relu", add("Sub", add.constant([1.0]), add("Div", distances, support)))
    return add("Div", weights, add("ReduceSum", weights, add.integers(1), keepdims=1))


def to_canvas(add: Nodes, image: str, sides: tuple[Side, Side]) -> str:
    """Return (n, 3, height, width) float32 in [0, 255] of (n, H, W, 3) uint8."""
    planes = add("Transpose", add.to_float(image), perm=[0, 3, 1, 2])
    resized = add("MatMul", resizing_matrix(add, sides[0]), planes)  # (n, 3, height, W)
    columns = add("Transpose", resizing_matrix(add, sides[1]), perm=[1, 0])
    return add("MatMul", resized, columns)


def valid_cells(add: Nodes, side: Side, cells: int, stride: int) -> str:
    """Return, for each stride-th cell of an axis, whether its centre lies on the picture.

    Where no centre does, as the picture is very thin, it is the cell at the picture's middle.
    """
    from onnx import TensorProto

    cell = side.canvas / cells
    centres = add.constant((np.arange(cells) + 0.5) * cell)
    end = add("Add", side.offset, side.resized)
    within = add("And", add("Greater", centres, side.offset), add("Less", centres, end))
    count = add("ReduceSum", add.to_float(within), add.integers(0), keepdims=1)
    middle = add("Div", add("Add", side.offset, end), add.constant([2 * cell]))
    index = add("Floor", add("Max", middle, add.constant([0.0])))
    index = add("Min", index, add.constant([cells - 1.0]))
    only = add("Equal", add.constant(np.arange(cells)), index)
    none = add("Less", count, add.constant([0.5]))
    valid = add("Or", within, add("And", none, only))
    if stride == 1:
        return valid
    strided = add("Gather", add.to_float(valid), add.integers(*range(0, cells, stride)))
    return add("Cast", strided, to=TensorProto.BOOL)


def to_int64(add: Nodes, number: str) -> str:
    """Cast a float32 integer to int64."""
    from onnx import TensorProto

    return add("Cast", number, to=TensorProto.INT64)


def map_matrix(add: Nodes, side: Side, centres: tuple[float, ...], sigma_px: float) -> str:
    """Return the (size, cells) matrix of `heatmap`; rows of pixels off the canvas are zero."""
    upsampling = add.constant(upsampling_matrix(centres, side.canvas, sigma_px))  # (canvas, cells)
    half, one = add.constant([0.5]), add.constant([1.0])
    pixels = add.arange(to_int64(add, side.size))
    scale = add("Div", side.resized, side.size)
    canvas_px = add("Add", add("Mul", add("Add", pixels, half), scale), side.offset)
    canvas_px = add("Max", add("Sub", canvas_px, half), add.constant([0.0]))
    canvas_px = add("Min", canvas_px, add.constant([side.canvas - 1.0]))
    offsets = add(
        "Sub", add("Unsqueeze", canvas_px, add.integers(1)), add.constant(np.arange(side.canvas))
    )
    interpolation = add("Relu", add("Sub", one, add("Abs", offsets)))  # (size, canvas)

    def edge(canvas_px: str) -> str:
        """Return the picture pixel of a position on the canvas, rounded."""
        shifted = add("Mul", add("Sub", canvas_px, side.offset), side.size)
        return add("Round", add("Div", shifted, side.resized))

    first, last = edge(add.constant([0.0])), edge(add.constant([float(side.canvas)]))
    on_canvas = add("And", add("GreaterOrEqual", pixels, first), add("Less", pixels, last))
    visible = add("Mul", interpolation, add("Unsqueeze", add.to_float(on_canvas), add.integers(1)))
    return add("MatMul", visible, upsampling)
