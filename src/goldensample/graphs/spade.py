"""SPADE as graph operators: the good pictures most like a picture, and their nearest patches."""

import numpy as np

from goldensample.graphs.nodes import Nodes, ScoreNodes
from goldensample.graphs.patchcore import Grid, norm
from goldensample.graphs.pooled import means
from goldensample.graphs.positions import ValidCells, position_features
from goldensample.methods.spade import SPADEDetector

PADDING_PENALTY = 1e30
"""Added to the squared distance of patches on padding."""


def score(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: ValidCells,
    detector: SPADEDetector,
) -> ScoreNodes:
    """Compare with the K good pictures most like each; see `SPADEDetector.score`.

    One of the K pictures after the other, as all their patches at once may not fit into memory. The
    matrix product selects the patch, the difference then gives the distance, as in `search.exact`.

    Args: see `graphs.patchcore.score`.
    """
    count = min(detector.settings.pictures, len(detector.pooled))
    vector = add(
        "Unsqueeze", means(add, levels, grids, valid_cells)[-1], add.integers(1)
    )  # (n, 1, d_last)
    picture_distances = norm(
        add, add("Sub", vector, add.constant(detector.pooled)), 2
    )  # (n, pictures)
    _, neighbours = add.outputs(
        2, "TopK", picture_distances, add.integers(count), axis=1, largest=0
    )  # (n, K) numbers
    score = add(
        "ReduceMean",
        add("GatherElements", picture_distances, neighbours, axis=1),
        axes=[1],
        keepdims=0,
    )
    queries = position_features(add, levels, grids)
    gallery = Gallery(add, detector)
    best, rows = gallery.nearest(queries, add("Gather", neighbours, add.integers(0), axis=1))
    for k in range(1, count):
        squared, candidates = gallery.nearest(
            queries, add("Gather", neighbours, add.integers(k), axis=1)
        )
        closer = add("Less", squared, best)
        rows = add("Where", closer, candidates, rows)
        best = add("Where", closer, squared, best)
    distances = norm(add, add("Sub", queries, gallery.patches(rows)), 2)
    return ScoreNodes(score, distances, rows)


class Gallery:
    """The gallery as constants, and the nodes of comparisons with it."""

    def __init__(self, add: Nodes, detector: SPADEDetector) -> None:
        pictures, self._positions, depth = detector.gallery.shape
        self._add = add
        self._flat = add.constant(detector.gallery.reshape(-1, depth), np.float16)
        penalty = np.where(detector.valid.reshape(pictures, -1), 0, PADDING_PENALTY)
        self._penalty = add.constant(penalty)  # (pictures, h·w)
        self._cells = add.constant(np.arange(self._positions)[None], np.int64)

    def patches(self, rows: str) -> str:
        """Return patches by their numbers: (…) int64 -> (…, d) float32."""
        return self._add.to_float(self._add("Gather", self._flat, rows, axis=0))

    def nearest(self, queries: str, picture: str) -> tuple[str, str]:
        """Return |b|² - 2 q·b and the row of the nearest patch b in a picture, for each query q.

        Args:
            queries: (n, h·w, d).
            picture: (n, 1) int64, its number.

        Returns:
            Two names of (n, h·w): float32, and int64 rows of the gallery.
        """
        add = self._add
        start = add("Mul", picture, add.integers(self._positions))  # (n, 1)
        patches = self.patches(add("Add", start, self._cells))  # (n, h·w, d)
        squared = add("ReduceSum", add("Mul", patches, patches), add.integers(2), keepdims=0)
        penalty = add("Squeeze", add("Gather", self._penalty, picture, axis=0), add.integers(1))
        offset = add("Unsqueeze", add("Add", squared, penalty), add.integers(1))  # (n, 1, h·w)
        double = add("Mul", queries, add.constant([-2.0]))
        products = add("MatMul", double, add("Transpose", patches, perm=[0, 2, 1]))
        values = add("Add", products, offset)  # (n, h·w, h·w)
        index = add("ArgMin", values, axis=2, keepdims=0)
        return add("ReduceMin", values, axes=[2], keepdims=0), add("Add", index, start)
