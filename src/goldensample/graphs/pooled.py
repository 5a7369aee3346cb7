"""Methods without a map as graph operators: means of the levels, and how odd they are.

See `methods.pooled`, and the `score` of each detector.
"""

from collections.abc import Callable

from goldensample.graphs.nodes import Judged, Nodes
from goldensample.graphs.patchcore import Grid, length
from goldensample.methods.mahalanobis import MahalanobisDetector
from goldensample.methods.nearest import NearestDetector
from goldensample.methods.ocsvm import OCSVMDetector
from goldensample.methods.pooled import cover_matrix

Inside = Callable[[int], str]
"""Gives, for a stride, the name of the cells that hold the picture, (h, w) bool."""


def means(add: Nodes, levels: list[str], grids: list[Grid], inside: Inside) -> list[str]:
    """Return (n, d_j) of each level (n, d_j, h_j, w_j), averaged over the picture's cells."""
    valid = add.floats(inside(1))
    _, *finest = grids[0]
    vectors = []
    for level, (_, *size_hw) in zip(levels, grids, strict=True):
        rows, columns = (
            cover_matrix(fine, cells) for fine, cells in zip(finest, size_hw, strict=True)
        )
        covered = add("MatMul", add("MatMul", add.constant(rows), valid), add.constant(columns.T))
        weights = add("Div", covered, add("ReduceSum", covered, add.whole(0, 1), keepdims=1))
        cells = add("Reshape", level, add.whole(0, 0, -1))  # (n, d, h·w)
        mean = add("MatMul", cells, add("Reshape", weights, add.whole(-1, 1)))  # (n, d, 1)
        vectors.append(add("Squeeze", mean, add.whole(2)))
    return vectors


def joined(add: Nodes, levels: list[str], grids: list[Grid], inside: Inside) -> str:
    """Return the means of all levels side by side, (n, d)."""
    vectors = means(add, levels, grids, inside)
    return add("Concat", *vectors, axis=1) if len(vectors) > 1 else vectors[0]


def judge_nearest(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: NearestDetector
) -> Judged:
    """Return the distance to the nearest vector; see `baking.patchcore.judge` for arguments."""
    query = add("Unsqueeze", joined(add, levels, grids, inside), add.whole(1))  # (n, 1, d)
    apart = length(add, add("Sub", query, add.constant(detector.vectors)), 2)  # (n, m)
    return Judged(add("ReduceMin", apart, axes=[1], keepdims=0))


def judge_mahalanobis(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: MahalanobisDetector
) -> Judged:
    """Return the sum of the levels' distances; see `baking.patchcore.judge` for arguments."""
    vectors = means(add, levels, grids, inside)
    lengths = []
    for vector, mean, matrix in zip(vectors, detector.means, detector.whitenings, strict=True):
        centred = add("Sub", vector, add.constant(mean))
        lengths.append(length(add, add("MatMul", centred, add.constant(matrix.T)), 1))
    return Judged(add("Sum", *lengths))


def judge_ocsvm(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: OCSVMDetector
) -> Judged:
    """Return minus the logarithm of the kernels' mean; see `baking.patchcore.judge`."""
    centred = add("Sub", joined(add, levels, grids, inside), add.constant(detector.mean))
    standard = add("Unsqueeze", add("Div", centred, add.constant(detector.scale)), add.whole(1))
    apart = add("Sub", standard, add.constant(detector.vectors))  # (n, m, d)
    squared = add("ReduceSum", add("Mul", apart, apart), add.whole(2), keepdims=0)
    least = add("ReduceMin", squared, axes=[1], keepdims=1)
    kernels = add("Mul", add("Exp", add("Sub", least, squared)), add.constant(detector.shares))
    total = add("ReduceSum", kernels, add.whole(1), keepdims=1)
    score = add("Relu", add("Sub", least, add("Log", total)))
    return Judged(add("Squeeze", score, add.whole(1)))
