"""The composition of a picture as graph operators; see `methods.composition`."""

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.methods.composition import QUARTERS, TINY, Composition, quarter_of


def divide(add: Nodes, composition: Composition, distances: str, rows: str) -> str:
    """Return (n, h·w) distances over what is usual for the kind of their nearest rows (n, h·w)."""
    divisors = add.constant(composition.divisors[composition.kinds])
    return add("Div", distances, add("Gather", divisors, rows, axis=0))


def larger_score(
    add: Nodes,
    composition: Composition,
    score: str,
    patches: tuple[str, str],
    size_hw: tuple[int, int],
) -> str:
    """Return the larger of two scores, both (n,): that of patches, and of the composition.

    Args:
        patches: nearest rows (n, h·w), and whether there is a patch, (1, h·w) bool.
        size_hw: h and w.
    """
    if not composition.speaks:
        return score
    rows, valid = patches
    down, across = (quarter_of(side) for side in size_hw)
    quarters = (2 * down[:, None] + across[None, :]).ravel()
    is_in = (quarters == np.arange(QUARTERS)[:, None]).astype(np.float32)  # (quarters, h·w)
    points = add("Gather", add.constant(composition.points[composition.kinds]), rows, axis=0)
    seen = add("Mul", points, add("Unsqueeze", add.to_float(valid), add.integers(2)))
    summed = add("MatMul", add.constant(is_in), seen)  # (n, quarters, D)
    vector = add("Reshape", summed, add.integers(-1, len(composition.mean)))
    deviation = add(
        "MatMul",
        add("Sub", vector, add.constant(composition.mean)),
        add.constant(composition.whitening.T),
    )
    squared = add("ReduceSum", add("Mul", deviation, deviation), add.integers(1), keepdims=0)
    logarithm = add("Log", add("Add", add("Sqrt", squared), add.constant([TINY])))
    mean, spread, patch_mean, patch_spread, _ = composition.unit
    factor = patch_spread / spread
    scaled = add("Mul", logarithm, add.constant([factor]))
    own = add("Add", scaled, add.constant([patch_mean - factor * mean]))
    return add("Max", score, own)
