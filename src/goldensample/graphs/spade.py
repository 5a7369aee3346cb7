"""SPADE as graph operators: the good pictures most like a picture, and their nearest patches."""

import numpy as np

from goldensample.graphs.nodes import Judged, Nodes
from goldensample.graphs.patchcore import Grid, length
from goldensample.graphs.pooled import means
from goldensample.graphs.positions import Inside, joined
from goldensample.methods.spade import SPADEDetector

HIDDEN = 1e30
"""Added to the squared distance of what is on padding."""


def judge(
    add: Nodes, levels: list[str], grids: list[Grid], inside: Inside, detector: SPADEDetector
) -> Judged:
    """Compare with the K good pictures most like each; see `SPADEDetector.score`.

    One picture of the K after the other: all patches of them at once may not fit into memory. The
    product names the patch, the difference then gives the distance, as in `neighbors`.

    Args: see `baking.patchcore.judge`.
    """
    count = min(detector.settings.pictures, len(detector.pooled))
    vector = add("Unsqueeze", means(add, levels, grids, inside)[-1], add.whole(1))  # (n, 1, d_last)
    alike = length(add, add("Sub", vector, add.constant(detector.pooled)), 2)  # (n, pictures)
    chosen = add.second("TopK", alike, add.whole(count), axis=1, largest=0)  # (n, K) numbers
    score = add("ReduceMean", add("GatherElements", alike, chosen, axis=1), axes=[1], keepdims=0)
    queries = joined(add, levels, grids)
    gallery = Gallery(add, detector)
    best, rows = gallery.nearest(queries, add("Gather", chosen, add.whole(0), axis=1))
    for k in range(1, count):
        squared, candidates = gallery.nearest(queries, add("Gather", chosen, add.whole(k), axis=1))
        closer = add("Less", squared, best)
        rows = add("Where", closer, candidates, rows)
        best = add("Where", closer, squared, best)
    apart = length(add, add("Sub", queries, gallery.patches(rows)), 2)
    return Judged(score, apart, rows)


class Gallery:
    """The gallery's constants, and what is asked of them."""

    def __init__(self, add: Nodes, detector: SPADEDetector) -> None:
        pictures, self._places, depth = detector.gallery.shape
        self._add = add
        self._flat = add.constant(detector.gallery.reshape(-1, depth), np.float16)
        hidden = np.where(detector.valid.reshape(pictures, -1), 0, HIDDEN)
        self._hidden = add.constant(hidden)  # (pictures, h·w)
        self._cells = add.constant(np.arange(self._places)[None], np.int64)

    def patches(self, rows: str) -> str:
        """Return patches by their numbers: (…) int64 -> (…, d) float32."""
        return self._add.floats(self._add("Gather", self._flat, rows, axis=0))

    def nearest(self, queries: str, picture: str) -> tuple[str, str]:
        """Return how near, as |b|² - 2 q·b, and which, the nearest patches of a picture are.

        Args:
            queries: (n, h·w, d).
            picture: (n, 1) int64, its number.

        Returns:
            Two names of (n, h·w): float32, and int64 rows of the gallery.
        """
        add = self._add
        start = add("Mul", picture, add.whole(self._places))  # (n, 1)
        part = self.patches(add("Add", start, self._cells))  # (n, h·w, d)
        squared = add("ReduceSum", add("Mul", part, part), add.whole(2), keepdims=0)
        hidden = add("Squeeze", add("Gather", self._hidden, picture, axis=0), add.whole(1))
        offset = add("Unsqueeze", add("Add", squared, hidden), add.whole(1))  # (n, 1, h·w)
        double = add("Mul", queries, add.constant([-2.0]))
        products = add("MatMul", double, add("Transpose", part, perm=[0, 2, 1]))
        values = add("Add", products, offset)  # (n, h·w, h·w)
        place = add("ArgMin", values, axis=2, keepdims=0)
        return add("ReduceMin", values, axes=[2], keepdims=0), add("Add", place, start)
