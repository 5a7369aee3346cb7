"""Image scores as graph operators; see `methods.image_scores`."""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.methods.image_scores import count_top
from goldensample.records import Array


@dataclass(frozen=True)
class PatchDistances:
    """Distances of patches, and which of the patches are valid.

    Args:
        distances: (n, h·w).
        valid: (1, h·w) bool.
        cells: h·w.
    """

    distances: str
    valid: str
    cells: int


def top(add: Nodes, patches: PatchDistances) -> str:
    """Return (n,) means of the largest 1 % of the valid distances."""
    return _mean_of_top(add, patches, _sort(add, patches))


def _sort(add: Nodes, patches: PatchDistances) -> str:
    """Return (n, h·w) distances, the largest first, then -1 for each invalid one."""
    masked = add("Where", patches.valid, patches.distances, add.constant([-1.0]))
    sorted_distances, _ = add.outputs(2, "TopK", masked, add.integers(patches.cells), axis=1)
    return sorted_distances


def _mean_of_top(add: Nodes, patches: PatchDistances, sorted_distances: str) -> str:
    """Return (n,) means of the first 1 %; their number depends on the picture's shape."""
    valid_count = _count(add, patches.valid)
    # by number of valid cells, the number of the largest 1 %
    table = [count_top(count) for count in range(patches.cells + 1)]
    top_count = add("Gather", add.constant(table), valid_count, axis=0)
    ranks = add.constant(np.arange(patches.cells)[None])
    is_top = add.to_float(add("Less", ranks, add("Reshape", top_count, add.integers(1, 1))))
    total = add("ReduceSum", add("Mul", sorted_distances, is_top), add.integers(1), keepdims=0)
    return add("Div", total, top_count)


def statistics(add: Nodes, patches: PatchDistances, usual: Array) -> str:
    """Return (n,) distances of the statistics from those of good pictures."""
    weight = add.to_float(patches.valid)
    count = add("ReduceSum", weight, add.integers(1), keepdims=0)  # (1,)

    def mean(values: str) -> str:
        total = add("ReduceSum", add("Mul", values, weight), add.integers(1), keepdims=0)
        return add("Div", total, count)

    average = mean(patches.distances)
    centred = add("Sub", patches.distances, add("Unsqueeze", average, add.integers(1)))
    deviation = add("Sqrt", mean(add("Mul", centred, centred)))
    sorted_distances = _sort(add, patches)
    largest = add("Gather", sorted_distances, add.constant(0, np.int64), axis=1)
    values = (average, _mean_of_top(add, patches, sorted_distances), largest, deviation)
    columns = [add("Unsqueeze", value, add.integers(1)) for value in values]
    table = add("Concat", *columns, axis=1)  # (n, 4)
    standardised = add("Div", add("Sub", table, add.constant(usual[0])), add.constant(usual[1]))
    excess = add("Relu", standardised)
    product = add("MatMul", excess, add.constant(usual[2:]))
    squared = add("ReduceSum", add("Mul", excess, product), add.integers(1), keepdims=0)
    return add("Sqrt", add("Relu", squared))


def _count(add: Nodes, valid: str) -> str:
    """Return the number of valid cells, an int64 vector of one number."""
    from onnx import TensorProto

    integers = add("Cast", valid, to=TensorProto.INT64)
    return add("ReduceSum", integers, add.integers(1), keepdims=0)
