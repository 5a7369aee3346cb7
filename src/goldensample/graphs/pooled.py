"""Methods without a map as graph operators: scores of the levels' spatial means.

See `methods.pooled`, and the `score` of each detector.
"""

from collections.abc import Callable

from goldensample.graphs.nodes import Nodes, ScoreNodes
from goldensample.graphs.patchcore import Grid, norm
from goldensample.methods.mahalanobis import MahalanobisDetector
from goldensample.methods.nearest import NearestDetector
from goldensample.methods.ocsvm import OCSVMDetector
from goldensample.methods.pooled import cover_matrix

ValidCells = Callable[[int], str]
"""Returns, for a stride, the name of the cells that show the picture, (h, w) bool."""


def means(add: Nodes, levels: list[str], grids: list[Grid], valid_cells: ValidCells) -> list[str]:
    """Return (n, d_j) of each level (n, d_j, h_j, w_j), averaged over the picture's cells."""
    valid = add.to_float(valid_cells(1))
    _, *finest = grids[0]
    vectors = []
    for level, (_, *size_hw) in zip(levels, grids, strict=True):
        rows, columns = (
            cover_matrix(fine, cells) for fine, cells in zip(finest, size_hw, strict=True)
        )
        covered = add("MatMul", add("MatMul", add.constant(rows), valid), add.constant(columns.T))
        weights = add("Div", covered, add("ReduceSum", covered, add.integers(0, 1), keepdims=1))
        cells = add("Reshape", level, add.integers(0, 0, -1))  # (n, d, h·w)
        mean = add("MatMul", cells, add("Reshape", weights, add.integers(-1, 1)))  # (n, d, 1)
        vectors.append(add("Squeeze", mean, add.integers(2)))
    return vectors


def joined_means(add: Nodes, levels: list[str], grids: list[Grid], valid_cells: ValidCells) -> str:
    """Return the means of all levels side by side, (n, d)."""
    vectors = means(add, levels, grids, valid_cells)
    return add("Concat", *vectors, axis=1) if len(vectors) > 1 else vectors[0]


def score_nearest(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: NearestDetector,
) -> ScoreNodes:
    """Return the distance to the nearest vector; see `graphs.patchcore.score` for arguments."""
    query = add(
        "Unsqueeze", joined_means(add, levels, grids, valid_cells), add.integers(1)
    )  # (n, 1, d)
    distances = norm(add, add("Sub", query, add.constant(detector.vectors)), 2)  # (n, m)
    return ScoreNodes(add("ReduceMin", distances, axes=[1], keepdims=0))


def score_mahalanobis(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: MahalanobisDetector,
) -> ScoreNodes:
    """Return the sum of the levels' distances; see `graphs.patchcore.score` for arguments."""
    vectors = means(add, levels, grids, valid_cells)
    distances = []
    for vector, mean, matrix in zip(vectors, detector.means, detector.whitenings, strict=True):
        centred = add("Sub", vector, add.constant(mean))
        distances.append(norm(add, add("MatMul", centred, add.constant(matrix.T)), 1))
    return ScoreNodes(add("Sum", *distances))


def score_ocsvm(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: OCSVMDetector,
) -> ScoreNodes:
    """Return minus the logarithm of the kernels' mean; see `graphs.patchcore.score`."""
    centred = add("Sub", joined_means(add, levels, grids, valid_cells), add.constant(detector.mean))
    standardised = add(
        "Unsqueeze", add("Div", centred, add.constant(detector.scale)), add.integers(1)
    )
    differences = add("Sub", standardised, add.constant(detector.vectors))  # (n, m, d)
    squared = add("ReduceSum", add("Mul", differences, differences), add.integers(2), keepdims=0)
    smallest = add("ReduceMin", squared, axes=[1], keepdims=1)
    kernels = add("Mul", add("Exp", add("Sub", smallest, squared)), add.constant(detector.shares))
    total = add("ReduceSum", kernels, add.integers(1), keepdims=1)
    score = add("Relu", add("Sub", smallest, add("Log", total)))
    return ScoreNodes(add("Squeeze", score, add.integers(1)))
