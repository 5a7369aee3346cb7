"""PatchCore as graph operators: feature maps to patches, distances, and the weighed score."""

from collections.abc import Callable
from dataclasses import replace
from math import gcd

import numpy as np

from goldensample.features.patches import AUTHORS_DEPTH, mean_matrix, pool_matrix, resize_matrix
from goldensample.graphs import image_scores
from goldensample.graphs.nodes import Judged, Nodes
from goldensample.methods.corrections import MOST
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector

Grid = tuple[int, int, int]
"""(d, h, w) of a level."""


def patches(add: Nodes, levels: list[str], grids: list[Grid], settings: PatchCore) -> str:
    """Return (n, h·w, d) patches of feature maps (n, d_j, h_j, w_j); see `patches.join_levels`."""
    _, h, w = grids[0]
    kept = (np.arange(0, h, settings.stride), np.arange(0, w, settings.stride))
    joined = []
    for level, (depth, *size_hw) in zip(levels, grids, strict=True):
        rows, columns = (
            resize_matrix(s, g)[k] for s, g, k in zip(size_hw, (h, w), kept, strict=True)
        )
        if settings.depth:
            level = pooled_windows(add, level, depth, settings.neighbourhood)
        else:
            rows, columns = (
                m @ mean_matrix(s, settings.neighbourhood)
                for m, s in zip((rows, columns), size_hw, strict=True)
            )
        wide = add("MatMul", level, add.constant(columns.T))
        joined.append(add("MatMul", add.constant(rows), wide))  # (n, d_j, h, w)
    depths = [AUTHORS_DEPTH if settings.depth else depth for depth, _, _ in grids]
    grid = add("Concat", *joined, axis=1) if len(joined) > 1 else joined[0]
    if settings.depth:
        grid = pooled(add, grid, sum(depths), settings.depth)
    flat = add("Reshape", grid, add.whole(0, settings.depth or sum(depths), -1))
    return add("Transpose", flat, perm=[0, 2, 1])  # (n, d, h·w) -> (n, h·w, d)


def pooled_windows(add: Nodes, level: str, depth: int, width: int) -> str:
    """Pool each cell's window and channels to AUTHORS_DEPTH values: one grouped convolution.

    The pooled vector runs over channels, then over the window, so that its segments repeat with
    every gcd(depth, AUTHORS_DEPTH)-th part of the channels.
    """
    groups = gcd(depth, AUTHORS_DEPTH)
    matrix = pool_matrix(depth // groups * width**2, AUTHORS_DEPTH // groups)
    kernel = matrix.T.reshape(-1, depth // groups, width, width)
    return add(
        "Conv",
        level,
        add.constant(np.tile(kernel, (groups, 1, 1, 1))),
        group=groups,
        kernel_shape=[width, width],
        pads=[width // 2] * 4,
    )


def pooled(add: Nodes, grid: str, depth: int, wanted: int) -> str:
    """Pool channels to the depth wanted: one grouped 1x1 convolution."""
    if depth == wanted:
        return grid
    groups = gcd(depth, wanted)
    kernel = pool_matrix(depth // groups, wanted // groups).T[:, :, None, None]
    return add("Conv", grid, add.constant(np.tile(kernel, (groups, 1, 1, 1))), group=groups)


def judge(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    inside: Callable[[int], str],
    detector: PatchCoreDetector,
) -> Judged:
    """Compare the patches of feature maps with the bank; see `PatchCoreDetector.score`.

    Args:
        levels: names of (n, d_j, h_j, w_j), whose sizes are `grids`.
        inside: gives, for a stride, the name of the cells that hold the picture, (h, w) bool.
    """
    settings = detector.settings
    queries = patches(add, levels, grids, settings)
    bank = Bank(add, detector)
    plain, rows = distances(add, bank, queries)
    apart = plain if detector.taught is None else raised(add, detector, queries, plain)
    counted = add("Reshape", inside(settings.stride), add.whole(1, -1))
    scored = image_scores.Scored(apart, counted, cells_of(grids, settings.stride))
    if detector.usual is not None:
        score = image_scores.statistics(add, scored, detector.usual)
    elif settings.image_score == "top":
        score = image_scores.top(add, scored)
    else:
        within = add("Where", counted, apart, add.constant([-1.0]))
        score = weighed(add, bank, queries, (within, plain, rows), settings.neighbors)
    return Judged(score, apart, rows, settings.stride)


def cells_of(grids: list[Grid], stride: int) -> int:
    """Return how many patches a picture has."""
    _, h, w = grids[0]
    return -(-h // stride) * -(-w // stride)


class Bank:
    """The bank's constants, and what is asked of them."""

    def __init__(self, add: Nodes, detector: PatchCoreDetector) -> None:
        self.count, self.depth = detector.bank.shape
        self._add = add
        self._rows = add.constant(detector.bank)  # (m, d), in half precision
        middle = detector.bank.astype(np.float64).mean(axis=0)
        self._middle = add.constant(middle.astype(np.float32))
        centred = add("Sub", self._rows, self._middle)
        squared = add("ReduceSum", add("Mul", centred, centred), add.whole(1), keepdims=0)
        self._squared = squared  # (m,)
        double = add("Mul", centred, add.constant([-2.0]))
        self._right = add("Transpose", double, perm=[1, 0])  # (d, m)

    def compare(self, queries: str) -> str:
        """Return |q - b|^2 - |q|^2, (…, m), of (…, d) queries, both seen from the bank's middle."""
        add = self._add
        left = add("Sub", queries, self._middle)
        return add("Add", add("MatMul", left, self._right), self._squared)

    def rows(self, numbers: str) -> str:
        """Return rows by their numbers: (…) int64 -> (…, d)."""
        return self._add("Gather", self._rows, numbers, axis=0)


def length(add: Nodes, vectors: str, axis: int) -> str:
    """Return the lengths of vectors along an axis, which goes."""
    squared = add("ReduceSum", add("Mul", vectors, vectors), add.whole(axis), keepdims=0)
    return add("Sqrt", squared)


def distances(add: Nodes, bank: Bank, queries: str) -> tuple[str, str]:
    """Return each patch's distance to the bank and its nearest row, both (n, h·w).

    The product names the row, the difference then gives the distance, as in `neighbors`; among
    rows that float32 cannot tell apart another one may be named.
    """
    nearest = add("ArgMin", bank.compare(queries), axis=2, keepdims=0)
    return length(add, add("Sub", queries, bank.rows(nearest)), 2), nearest


def raised(add: Nodes, detector: PatchCoreDetector, queries: str, plain: str) -> str:
    """Return (n, h·w) distances, larger near patches of defects once missed; see `taught`."""
    assert detector.taught is not None, "there is something taught"
    near, _ = distances(add, Bank(add, replace(detector, bank=detector.taught)), queries)
    share = add("Div", plain, add("Max", near, add.constant([1e-9])))
    factor = add("Max", add("Min", share, add.constant([MOST])), add.constant([1.0]))
    return add("Mul", plain, factor)


def weighed(
    add: Nodes, bank: Bank, queries: str, found: tuple[str, str, str], neighbors: int
) -> str:
    """Return the image score (n,), by equation 7; see `PatchCoreDetector`.

    Args:
        queries: (n, h·w, d) patches.
        found: (n, h·w) distances, below zero on cells that do not count, those to the bank alone,
            and nearest rows.
        neighbors: b.
    """
    scored, plain, nearest = found
    worst = add("ArgMax", scored, axis=1, keepdims=1)  # (n, 1)
    score = add("GatherND", scored, worst, batch_dims=1)  # (n,)
    count = min(neighbors, bank.count)
    if count == 1:
        return score
    lone = add("GatherND", plain, worst, batch_dims=1)  # (n,)
    patch = add("GatherND", queries, worst, batch_dims=1)  # (n, d)
    row = bank.rows(add("GatherND", nearest, worst, batch_dims=1))  # (n, d)
    around = add.second("TopK", bank.compare(row), add.whole(count), axis=1, largest=0)  # (n, b)
    apart = add("Sub", bank.rows(around), add("Unsqueeze", patch, add.whole(1)))
    beyond = add("Sub", length(add, apart, 2), add("Unsqueeze", lone, add.whole(1)))
    # exp(80) says as much as more would, and does not overflow
    shares = add("Exp", add("Min", beyond, add.constant([80.0])))
    total = add("ReduceSum", shares, add.whole(1), keepdims=0)
    one = add.constant([1.0])
    return add("Mul", score, add("Sub", one, add("Div", one, total)))
