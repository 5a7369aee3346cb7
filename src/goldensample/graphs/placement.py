"""Preparation and heat map as graph operators, for pictures of any height and width.

The same matrices as in `preparation` and `heatmap`, written with operators that give them for the
picture at hand: resizing as two matrix products, since what runtimes call antialiasing differs.
Whole numbers are int64, as there; positions are float32.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.preparation.preparation import Preparation
from goldensample.regions.heatmap import spreading_matrix


@dataclass(frozen=True)
class Side:
    """One axis of a picture on the canvas, as names of float32 vectors of one number.

    Args:
        size: pixels of the picture.
        resized: pixels of the picture on the canvas.
        offset: pixels from the canvas's edge to the picture's.
        canvas: pixels of the canvas, a plain number.
    """

    size: str
    resized: str
    offset: str
    canvas: int


def sides(add: Nodes, image: str, preparation: Preparation) -> tuple[Side, Side]:
    """Return where a picture lies, rows then columns; see `Preparation.place`."""
    size_hw = add.sides(image)
    made = []
    for size, resized, canvas in zip(
        size_hw, resized_hw(add, size_hw, preparation), preparation.canvas_hw, strict=True
    ):
        beyond = add.floats(add("Sub", resized, add.whole(canvas)))
        half = add("Round", add("Mul", beyond, add.constant([0.5])))
        made.append(Side(add.floats(size), add.floats(resized), add("Neg", half), canvas))
    return made[0], made[1]


def resized_hw(add: Nodes, size_hw: tuple[str, str], preparation: Preparation) -> tuple[str, str]:
    """Return the picture's height and width on the canvas, as int64 vectors of one number."""
    height, width = size_hw
    rows, columns = (add.whole(side) for side in preparation.size_hw)
    if preparation.mode == "stretch":
        return rows, columns
    if preparation.mode == "shorter":
        upright = add("LessOrEqual", height, width)
        longest, shortest = add("Max", height, width), add("Min", height, width)
        longer = add("Div", add("Mul", rows, longest), shortest)
        return add("Where", upright, rows, longer), add("Where", upright, longer, rows)

    def fitting(length: str, side: str, other: str) -> str:
        """Return length·side / other, rounded, halves up; at least 1."""
        double = add("Mul", add("Mul", length, side), add.whole(2))
        rounded = add("Div", add("Add", double, other), add("Mul", other, add.whole(2)))
        return add("Max", rounded, add.whole(1))

    high = add("LessOrEqual", add("Mul", rows, width), add("Mul", columns, height))
    down = add("Where", high, rows, fitting(height, columns, width))
    across = add("Where", high, fitting(width, rows, height), columns)
    used = add("Mul", add("Mul", down, across), add.whole(2))
    stretched = add("Less", used, add("Mul", rows, columns))
    return add("Where", stretched, rows, down), add("Where", stretched, columns, across)


def resizing(add: Nodes, side: Side) -> str:
    """Return the (canvas, size) matrix of `preparation.resizing_matrix`."""
    half = add.constant([0.5])
    shrink = add("Div", side.size, side.resized)  # picture pixels per canvas pixel
    least = add("Mul", half, add("Min", add.constant([1.0]), shrink))
    pixels = add.constant(np.arange(side.canvas) + 0.5)
    centres = add("Mul", add("Sub", pixels, side.offset), shrink)
    centres = add("Max", centres, least)
    centres = add("Min", centres, add("Sub", side.size, least))
    column = add("Unsqueeze", centres, add.whole(1))  # (canvas, 1)
    taps = add("Add", add.count(whole(add, side.size)), half)
    apart = add("Abs", add("Sub", taps, column))  # (canvas, size)
    support = add("Max", add.constant([1.0]), shrink)
    weights = add("Relu", add("Sub", add.constant([1.0]), add("Div", apart, support)))
    return add("Div", weights, add("ReduceSum", weights, add.whole(1), keepdims=1))


def on_canvas(add: Nodes, image: str, placed: tuple[Side, Side]) -> str:
    """Return (n, 3, height, width) float32 in [0, 255] of (n, H, W, 3) uint8."""
    planes = add("Transpose", add.floats(image), perm=[0, 3, 1, 2])
    wide = add("MatMul", resizing(add, placed[0]), planes)  # (n, 3, height, W)
    columns = add("Transpose", resizing(add, placed[1]), perm=[1, 0])
    return add("MatMul", wide, columns)


def inside(add: Nodes, side: Side, cells: int, stride: int) -> str:
    """Return, for each stride-th cell of an axis, whether its centre lies on the picture."""
    from onnx import TensorProto

    cell = side.canvas / cells
    centres = add.constant((np.arange(cells) + 0.5) * cell)
    end = add("Add", side.offset, side.resized)
    within = add("And", add("Greater", centres, side.offset), add("Less", centres, end))
    found = add("ReduceSum", add.floats(within), add.whole(0), keepdims=1)
    middle = add("Div", add("Add", side.offset, end), add.constant([2 * cell]))
    number = add("Floor", add("Max", middle, add.constant([0.0])))  # of a very thin picture's cell
    number = add("Min", number, add.constant([cells - 1.0]))
    only = add("Equal", add.constant(np.arange(cells)), number)
    none = add("Less", found, add.constant([0.5]))
    chosen = add("Or", within, add("And", none, only))
    if stride == 1:
        return chosen
    kept = add("Gather", add.floats(chosen), add.whole(*range(0, cells, stride)))
    return add("Cast", kept, to=TensorProto.BOOL)


def whole(add: Nodes, number: str) -> str:
    """Return a float32 whole number as int64."""
    from onnx import TensorProto

    return add("Cast", number, to=TensorProto.INT64)


def laying_out(add: Nodes, side: Side, centres: tuple[float, ...], sigma_px: float) -> str:
    """Return the (size, cells) matrix of `heatmap`; rows beyond the inspected part are zero."""
    spread = add.constant(spreading_matrix(centres, side.canvas, sigma_px))  # (canvas, cells)
    half, one = add.constant([0.5]), add.constant([1.0])
    count = add.count(whole(add, side.size))
    scale = add("Div", side.resized, side.size)
    at = add("Add", add("Mul", add("Add", count, half), scale), side.offset)
    at = add("Max", add("Sub", at, half), add.constant([0.0]))
    at = add("Min", at, add.constant([side.canvas - 1.0]))
    apart = add("Sub", add("Unsqueeze", at, add.whole(1)), add.constant(np.arange(side.canvas)))
    back = add("Relu", add("Sub", one, add("Abs", apart)))  # (size, canvas)

    def edge(canvas_px: str) -> str:
        """Return the picture pixel at which a place on the canvas lies, rounded."""
        moved = add("Mul", add("Sub", canvas_px, side.offset), side.size)
        return add("Round", add("Div", moved, side.resized))

    first, last = edge(add.constant([0.0])), edge(add.constant([float(side.canvas)]))
    seen = add("And", add("GreaterOrEqual", count, first), add("Less", count, last))
    shown = add("Mul", back, add("Unsqueeze", add.floats(seen), add.whole(1)))
    return add("MatMul", shown, spread)
