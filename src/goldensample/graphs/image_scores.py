"""Image scores by name as graph operators; see `methods.image_scores`."""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.methods.image_scores import count_top
from goldensample.records import Array


@dataclass(frozen=True)
class Scored:
    """Distances of patches, and which of them count.

    Args:
        apart: (n, h·w) distances.
        counted: (1, h·w) bool.
        cells: h·w.
    """

    apart: str
    counted: str
    cells: int


def top(add: Nodes, scored: Scored) -> str:
    """Return (n,) means of the largest 1 % of the distances that count."""
    return _top(add, scored, _ordered(add, scored))


def _ordered(add: Nodes, scored: Scored) -> str:
    """Return (n, h·w) distances, the largest first, then -1 for each that does not count."""
    within = add("Where", scored.counted, scored.apart, add.constant([-1.0]))
    ordered = add("TopK", within, add.whole(scored.cells), axis=1)
    add.nodes[-1].output.append(f"{ordered}b")
    return ordered


def _top(add: Nodes, scored: Scored, ordered: str) -> str:
    """Return (n,) means of the first 1 %; their number depends on the picture's shape."""
    wanted = _total(add, scored.counted)
    # by how many cells are counted, how many of them are the largest 1 %
    table = [count_top(count) for count in range(scored.cells + 1)]
    wanted = add("Gather", add.constant(table), wanted, axis=0)
    places = add.constant(np.arange(scored.cells)[None])
    taken = add.floats(add("Less", places, add("Reshape", wanted, add.whole(1, 1))))
    total = add("ReduceSum", add("Mul", ordered, taken), add.whole(1), keepdims=0)
    return add("Div", total, wanted)


def statistics(add: Nodes, scored: Scored, usual: Array) -> str:
    """Return (n,) distances of statistics from the usual ones."""
    weight = add.floats(scored.counted)
    count = add("ReduceSum", weight, add.whole(1), keepdims=0)  # (1,)

    def mean(values: str) -> str:
        total = add("ReduceSum", add("Mul", values, weight), add.whole(1), keepdims=0)
        return add("Div", total, count)

    middle = mean(scored.apart)
    away = add("Sub", scored.apart, add("Unsqueeze", middle, add.whole(1)))
    deviation = add("Sqrt", mean(add("Mul", away, away)))
    ordered = _ordered(add, scored)
    largest = add("Gather", ordered, add.constant(0, np.int64), axis=1)
    several = (middle, _top(add, scored, ordered), largest, deviation)
    columns = [add("Unsqueeze", one, add.whole(1)) for one in several]
    found = add("Concat", *columns, axis=1)  # (n, 4)
    standard = add("Div", add("Sub", found, add.constant(usual[0])), add.constant(usual[1]))
    above = add("Relu", standard)
    turned = add("MatMul", above, add.constant(usual[2:]))
    squared = add("ReduceSum", add("Mul", above, turned), add.whole(1), keepdims=0)
    return add("Sqrt", add("Relu", squared))


def _total(add: Nodes, counted: str) -> str:
    """Return how many cells count, an int64 vector of one number."""
    from onnx import TensorProto

    whole = add("Cast", counted, to=TensorProto.INT64)
    return add("ReduceSum", whole, add.whole(1), keepdims=0)
