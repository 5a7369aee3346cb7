"""Preparation and heat map as graph operators, for pictures of any height and width.

The same matrices as in `preparation` and `heatmap`, as operators that compute them for each picture
size: resizing as two matrix products, since runtimes differ in their antialiasing. Positions are
whole numbers, and become float32 only as weights: runtimes that compute in bfloat16 or float16 by
default round a position beyond 256 to another pixel, a weight by less than half a percent.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.preparation.preparation import Preparation
from goldensample.regions.heatmap import upsampling_matrix


@dataclass(frozen=True)
class Side:
    """One axis of a picture on the canvas, as names of int64 vectors of one number.

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
        # round((resized - canvas) / 2), halves to even, more by twice the canvas to be positive
        half = add.rounded_ratio(add("Add", resized, add.integers(3 * canvas)), add.integers(2))
        axes.append(Side(size, resized, add("Sub", add.integers(2 * canvas), half), canvas))
    return axes[0], axes[1]


def resized_hw(add: Nodes, size_hw: tuple[str, str], preparation: Preparation) -> tuple[str, str]:
    """Return the picture's height and width on the canvas, as int64 vectors of one number."""
    height, width = size_hw
    rows, columns = (add.integers(side) for side in preparation.size_hw)
    if preparation.mode == "stretch":
        return rows, columns
    if preparation.mode == "shorter":
        upright = add.at_most(height, width)
        longest, shortest = add("Max", height, width), add("Min", height, width)
        longer = add("Div", add("Mul", rows, longest), shortest)
        return add("Where", upright, rows, longer), add("Where", upright, longer, rows)

    def scaled(length: str, side: str, other: str) -> str:
        """Return length·side / other, rounded, halves up; at least 1."""
        double = add("Mul", add("Mul", length, side), add.integers(2))
        rounded = add("Div", add("Add", double, other), add("Mul", other, add.integers(2)))
        return add("Max", rounded, add.integers(1))

    fits_rows = add.at_most(add("Mul", rows, width), add("Mul", columns, height))
    down = add("Where", fits_rows, rows, scaled(height, columns, width))
    across = add("Where", fits_rows, scaled(width, rows, height), columns)
    double_area = add("Mul", add("Mul", down, across), add.integers(2))
    stretched = add("Less", double_area, add("Mul", rows, columns))
    return add("Where", stretched, rows, down), add("Where", stretched, columns, across)


def weights(add: Nodes, rows: str, columns: str, reach: str) -> str:
    """Return max(0, reach - |row - column|), (rows, columns) float32, of int64 positions."""
    distances = add.to_float(add("Sub", add("Unsqueeze", rows, add.integers(1)), columns))
    return add("Relu", add("Sub", add.to_float(reach), add("Abs", distances)))


def resizing_matrix(add: Nodes, side: Side) -> str:
    """Return the (canvas, size) matrix of `preparation.resizing.resizing_matrix`.

    Positions are in units of 1 / (2 * resized) of the picture's pixels, so that all are whole.
    """
    two = add.integers(2)
    odd = add("Sub", add.integers(*range(1, 2 * side.canvas, 2)), add("Mul", side.offset, two))
    least = add("Min", side.size, side.resized)
    most = add("Sub", add("Mul", add("Mul", side.size, side.resized), two), least)
    centres = add("Min", add("Max", add("Mul", odd, side.size), least), most)  # (canvas,)
    taps = add("Mul", odd_numbers(add, side.size), side.resized)  # (size,)
    reach = add("Mul", add("Max", side.size, side.resized), two)
    triangle = weights(add, centres, taps, reach)
    total = add("ReduceSum", triangle, add.integers(1), keepdims=1)
    matrix = add("Div", triangle, total)
    left_out = add("Unsqueeze", first_left_out(add, side, centres, reach), add.integers(1))
    is_left_out = add.to_float(add("Equal", left_out, taps))
    return add("Sub", matrix, add("Mul", is_left_out, excess(add, matrix, side)))


def excess(add: Nodes, matrix: str, side: Side) -> str:
    """Return what each row of a resizing matrix has beyond 1, (canvas, 1).

    In bfloat16 each weight is off by up to 1/512 of it, and plain bright areas would get stripes:
    the excess is taken from a pixel without weight. In float32 it is next to nothing. The 1 is part
    of the sum, which runtimes accumulate in float32: subtracted later it would find a rounded sum.
    """
    one = add.constant(np.full((side.canvas, 1), -1.0))
    return add("ReduceSum", add("Concat", matrix, one, axis=1), add.integers(1), keepdims=1)


def first_left_out(add: Nodes, side: Side, centres: str, reach: str) -> str:
    """Return the first pixel without weight beside each row's, (canvas,) as in `resizing_matrix`.

    It is the one after, or the one before where that is beyond the edge; the first one where every
    pixel has weight.
    """
    pixel = add("Mul", side.resized, add.integers(2))
    last = add("Sub", add("Add", centres, reach), add.integers(1))
    after = add("Div", add("Add", last, side.resized), pixel)
    before = add("Div", add("Sub", add("Sub", centres, reach), side.resized), pixel)
    before = add("Max", before, add.integers(0))
    chosen = add("Where", add("Less", after, side.size), after, before)
    return add("Add", add("Mul", chosen, pixel), side.resized)


def odd_numbers(add: Nodes, count: str) -> str:
    """Return 1, 3, …, the centres of pixels in half pixels, (count,) int64."""
    return add("Add", add("Mul", add.arange(count), add.integers(2)), add.integers(1))


MIDDLE = 128.0
"""Taken from grey values before resizing: bfloat16 then keeps twice as fine steps of them."""


def to_canvas(add: Nodes, image: str, sides: tuple[Side, Side]) -> str:
    """Return (n, 3, height, width) float32 in [0, 255] - MIDDLE of (n, H, W, 3) uint8."""
    planes = add.to_float(add("Transpose", image, perm=[0, 3, 1, 2]))
    centred = add("Sub", planes, add.constant([MIDDLE]))
    resized = add("MatMul", resizing_matrix(add, sides[0]), centred)  # (n, 3, height, W)
    columns = add("Transpose", resizing_matrix(add, sides[1]), perm=[1, 0])
    return add("MatMul", resized, columns)


def valid_cells(add: Nodes, side: Side, cells: int, stride: int) -> str:
    """Return, for each stride-th cell of an axis, whether its centre lies on the picture.

    Where no centre does, as the picture is very thin, it is the cell at the picture's middle.
    """
    from onnx import TensorProto

    # positions in units of 1 / (2 * cells) of the canvas's pixels, so that all are whole
    centres = add.integers(*(np.arange(1, 2 * cells, 2) * side.canvas))
    start, end = (
        add("Mul", edge, add.integers(2 * cells))
        for edge in (side.offset, add("Add", side.offset, side.resized))
    )
    within = add("And", add("Greater", centres, start), add("Less", centres, end))
    middle = add("Div", add("Add", start, end), add.integers(4 * side.canvas))
    index = add("Min", add("Max", middle, add.integers(0)), add.integers(cells - 1))
    only = add("Equal", add.integers(*range(cells)), index)
    integers = add("Cast", within, to=TensorProto.INT64)
    count = add("ReduceSum", integers, add.integers(0), keepdims=1)
    none = add("Equal", count, add.integers(0))
    valid = add("Or", within, add("And", none, only))
    if stride == 1:
        return valid
    strided = add("Gather", add.to_float(valid), add.integers(*range(0, cells, stride)))
    return add("Cast", strided, to=TensorProto.BOOL)


def map_matrix(add: Nodes, side: Side, centres: tuple[float, ...], sigma_px: float) -> str:
    """Return the (size, cells) matrix of `heatmap`; rows of pixels off the canvas are zero."""
    upsampling = add.constant(upsampling_matrix(centres, side.canvas, sigma_px))  # (canvas, cells)
    two = add.integers(2)
    double = add("Mul", side.size, two)  # positions are in units of 1 / double pixels of the canvas
    shift = add("Mul", add("Sub", add("Mul", side.offset, two), add.integers(1)), side.size)
    positions = add("Add", add("Mul", odd_numbers(add, side.size), side.resized), shift)
    last = add("Mul", double, add.integers(side.canvas - 1))
    positions = add("Min", add("Max", positions, add.integers(0)), last)  # (size,)
    columns = add("Mul", add.integers(*range(side.canvas)), double)
    interpolation = weights(add, positions, columns, double)  # (size, canvas)

    def edge(canvas_px: str) -> str:
        """Return the picture pixel of a position on the canvas, rounded; 0 before the picture."""
        shifted = add("Max", add("Sub", canvas_px, side.offset), add.integers(0))
        return add.rounded_ratio(add("Mul", shifted, side.size), side.resized)

    pixels = add.arange(side.size)
    first, end = edge(add.integers(0)), edge(add.integers(side.canvas))
    on_canvas = add("And", add("Not", add("Less", pixels, first)), add("Less", pixels, end))
    visible = add("Mul", interpolation, add("Unsqueeze", add.to_float(on_canvas), add.integers(1)))
    return add("MatMul", add("Div", visible, add.to_float(double)), upsampling)
