"""Methods with one model per position as graph operators: the mean map and PaDiM.

See `methods.positions`, and the `score` of each detector.
"""

from collections.abc import Callable

from goldensample.graphs.nodes import Nodes, ScoreNodes
from goldensample.graphs.patchcore import Grid, norm, patches
from goldensample.methods.mean_map import MeanMapDetector
from goldensample.methods.padim import PaDiMDetector
from goldensample.methods.patchcore import PatchCore

ValidCells = Callable[[int], str]
"""Returns, for a stride, the name of the cells that show the picture, (h, w) bool."""


def position_features(add: Nodes, levels: list[str], grids: list[Grid]) -> str:
    """Return (n, h·w, d) features of the positions, without their neighbourhoods."""
    return patches(add, levels, grids, PatchCore(neighbourhood=1))


def worst_position(add: Nodes, distances: str, valid_cells: ValidCells) -> ScoreNodes:
    """Return the outputs for distances (n, h·w): the score is the largest valid one."""
    valid = add("Reshape", valid_cells(1), add.integers(1, -1))
    masked = add("Where", valid, distances, add.constant([0.0]))
    return ScoreNodes(add("ReduceMax", masked, axes=[1], keepdims=0), distances)


def score_mean_map(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: MeanMapDetector,
) -> ScoreNodes:
    """Return the distances to the means; see `graphs.patchcore.score` for arguments."""
    centred = add("Sub", position_features(add, levels, grids), add.constant(detector.mean))
    return worst_position(add, norm(add, centred, 2), valid_cells)


def score_padim(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: PaDiMDetector,
) -> ScoreNodes:
    """Return the Mahalanobis distances; see `graphs.patchcore.score` for arguments."""
    selected = add(
        "Gather", position_features(add, levels, grids), add.integers(*detector.channels), axis=2
    )
    centred = add("Sub", selected, add.constant(detector.mean))  # (n, h·w, d)
    centred = add("Transpose", centred, perm=[1, 2, 0])  # (h·w, d, n)
    factor = add.constant(detector.factor)
    whitened = add("MatMul", factor, centred)  # (h·w, r, n)
    squared = add("ReduceSum", add("Mul", whitened, whitened), add.integers(1), keepdims=0)
    _, rank, depth = detector.factor.shape
    if rank < depth:
        coefficients = add("Mul", whitened, add.constant(detector.variance[:, :, None]))
        basis = add("Transpose", factor, perm=[0, 2, 1])  # (h·w, d, r)
        residual = add("Sub", centred, add("MatMul", basis, coefficients))
        squares = add("ReduceSum", add("Mul", residual, residual), add.integers(1), keepdims=0)
        residual_term = add("Div", squares, add.constant([detector.settings.regularisation]))
        squared = add("Add", squared, residual_term)
    distances = add("Transpose", add("Sqrt", squared), perm=[1, 0])  # (h·w, n) -> (n, h·w)
    return worst_position(add, distances, valid_cells)
