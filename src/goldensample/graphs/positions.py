"""Methods with one model a place as graph operators: the mean map and PaDiM.

See `methods.places`, and the `score` of each detector.
"""

from collections.abc import Callable

from goldensample.graphs.nodes import Judged, Nodes
from goldensample.graphs.patchcore import Grid, length, patches
from goldensample.methods.mean_map import MeanMapDetector
from goldensample.methods.padim import PaDiMDetector
from goldensample.methods.patchcore import PatchCore

Inside = Callable[[int], str]
"""Gives, for a stride, the name of the cells that hold the picture, (h, w) bool."""


def joined(add: Nodes, levels: list[str], grids: list[Grid]) -> str:
    """Return (n, h·w, d) patches, each of its place alone; see `methods.places.joined`."""
    return patches(add, levels, grids, PatchCore(neighbourhood=1))


def by_worst_place(add: Nodes, apart: str, inside: Inside) -> Judged:
    """Return what is made of the distances (n, h·w) at all places."""
    counted = add("Reshape", inside(1), add.whole(1, -1))
    scored = add("Where", counted, apart, add.constant([0.0]))
    return Judged(add("ReduceMax", scored, axes=[1], keepdims=0), apart)


def judge_mean_map(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: MeanMapDetector
) -> Judged:
    """Return the distances to the means; see `baking.patchcore.judge` for arguments."""
    away = add("Sub", joined(add, levels, grids), add.constant(detector.mean))
    return by_worst_place(add, length(add, away, 2), inside)


def judge_padim(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: PaDiMDetector
) -> Judged:
    """Return the Mahalanobis distances; see `baking.patchcore.judge` for arguments."""
    kept = add("Gather", joined(add, levels, grids), add.whole(*detector.channels), axis=2)
    away = add("Sub", kept, add.constant(detector.mean))  # (n, h·w, d)
    away = add("Transpose", away, perm=[1, 2, 0])  # (h·w, d, n)
    factor = add.constant(detector.factor)
    white = add("MatMul", factor, away)  # (h·w, r, n)
    squared = add("ReduceSum", add("Mul", white, white), add.whole(1), keepdims=0)
    _, rank, depth = detector.factor.shape
    if rank < depth:
        coefficients = add("Mul", white, add.constant(detector.variance[:, :, None]))
        back = add("Transpose", factor, perm=[0, 2, 1])  # (h·w, d, r)
        rest = add("Sub", away, add("MatMul", back, coefficients))
        squares = add("ReduceSum", add("Mul", rest, rest), add.whole(1), keepdims=0)
        beyond = add("Div", squares, add.constant([detector.settings.regularisation]))
        squared = add("Add", squared, beyond)
    apart = add("Transpose", add("Sqrt", squared), perm=[1, 0])  # (h·w, n) -> (n, h·w)
    return by_worst_place(add, apart, inside)
