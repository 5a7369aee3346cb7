"""PatchCore as graph operators: feature maps to patches, distances, and the reweighted score."""

from collections.abc import Callable
from math import gcd

import numpy as np

from goldensample.features.patches import AUTHORS_DEPTH, mean_matrix, pool_matrix, resize_matrix
from goldensample.graphs import cells, composition, image_scores
from goldensample.graphs.nodes import Nodes, ScoreNodes
from goldensample.methods.corrections import MAX_FACTOR
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array

BLOCK = 128
"""Rows of the bank whose least value is found first; changes the speed only."""

Grid = tuple[int, int, int]
"""(d, h, w) of a level."""


def patches(add: Nodes, levels: list[str], grids: list[Grid], settings: PatchCore) -> str:
    """Return (n, h·w, d) patches of feature maps (n, d_j, h_j, w_j); see `patches.join_levels`."""
    _, h, w = grids[0]
    cells = (np.arange(0, h, settings.stride), np.arange(0, w, settings.stride))
    joined = []
    for level, (depth, *size_hw) in zip(levels, grids, strict=True):
        rows, columns = (
            resize_matrix(s, g)[k] for s, g, k in zip(size_hw, (h, w), cells, strict=True)
        )
        if settings.depth:
            level = pool_windows(add, level, depth, settings.neighbourhood)
        else:
            rows, columns = (
                m @ mean_matrix(s, settings.neighbourhood)
                for m, s in zip((rows, columns), size_hw, strict=True)
            )
        resized = add("MatMul", level, add.constant(columns.T))
        joined.append(add("MatMul", add.constant(rows), resized))  # (n, d_j, h, w)
    depths = [AUTHORS_DEPTH if settings.depth else depth for depth, _, _ in grids]
    grid = add("Concat", *joined, axis=1) if len(joined) > 1 else joined[0]
    if settings.depth:
        grid = pool_channels(add, grid, sum(depths), settings.depth)
    flat = add("Reshape", grid, add.integers(0, settings.depth or sum(depths), -1))
    return add("Transpose", flat, perm=[0, 2, 1])  # (n, d, h·w) -> (n, h·w, d)


def pool_windows(add: Nodes, level: str, depth: int, width: int) -> str:
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


def pool_channels(add: Nodes, grid: str, depth: int, new_depth: int) -> str:
    """Pool channels to a new depth: one grouped 1x1 convolution."""
    if depth == new_depth:
        return grid
    groups = gcd(depth, new_depth)
    kernel = pool_matrix(depth // groups, new_depth // groups).T[:, :, None, None]
    return add("Conv", grid, add.constant(np.tile(kernel, (groups, 1, 1, 1))), group=groups)


def score(
    add: Nodes,
    levels: list[str],
    grids: list[Grid],
    valid_cells: Callable[[int], str],
    detector: PatchCoreDetector,
) -> ScoreNodes:
    """Compare the patches of feature maps with the bank; see `PatchCoreDetector.score`.

    Args:
        levels: names of (n, d_j, h_j, w_j), whose sizes are `grids`.
        valid_cells: returns, for a stride, the name of the picture's cells, (h, w) bool.
    """
    settings = detector.settings
    queries = patches(add, levels, grids, settings)
    bank = Bank(add, detector.bank)
    to_bank, rows = nearest_rows(add, bank, queries)
    distances = to_bank
    if detector.defect_patches is not None:
        distances = correct_distances(add, detector, queries, to_bank)
    if detector.position_scale is not None:
        distances = add("Div", distances, add.constant(detector.position_scale.reshape(1, -1)))
    numbers, usual = bank.numbers(rows), detector.composition
    if usual is not None:
        distances = composition.divide(add, usual, distances, numbers)
    valid = add("Reshape", valid_cells(settings.stride), add.integers(1, -1))
    size_hw = -(-grids[0][1] // settings.stride), -(-grids[0][2] // settings.stride)
    patch_distances = image_scores.PatchDistances(distances, valid, size_hw[0] * size_hw[1])
    if detector.reference is not None:
        score = image_scores.statistics(add, patch_distances, detector.reference)
    elif settings.image_score == "top":
        score = image_scores.top(add, patch_distances)
    else:
        masked = add("Where", valid, distances, add.constant([-1.0]))
        score = reweighted_score(add, bank, queries, (masked, to_bank, rows), settings.neighbors)
    if usual is not None:
        score = composition.larger_score(add, usual, score, (numbers, valid), size_hw)
    return ScoreNodes(score, distances, numbers, settings.stride)


class Bank:
    """The bank as constants, and the nodes of comparisons with it.

    Its rows are in an order of their own where there are cells; a place is a row's in that order.
    Rows beyond the bank's fill blocks; they are copies of others, and far from everything.
    """

    def __init__(self, add: Nodes, bank: Array) -> None:
        self.count, self.depth = bank.shape
        self.blocks = -(-self.count // BLOCK)
        self._add = add
        self.layout = None if add.one_size else cells.plan(bank)
        order = self.layout.order if self.layout else np.arange(self.blocks * BLOCK) % self.count
        self._order = order
        self._rows = add.constant(bank[order])  # (places, d), in half precision
        mean = bank.astype(np.float64).mean(axis=0)
        self._mean = add.constant(mean.astype(np.float32))
        self.centred = add("Sub", self._rows, self._mean)
        squared = add(
            "ReduceSum", add("Mul", self.centred, self.centred), add.integers(1), keepdims=0
        )
        copies = np.ones(len(order), bool)
        copies[np.unique(order, return_index=True)[1]] = False
        penalty = np.where(copies, cells.FAR, 0)
        self._squared = add("Add", squared, add.constant(penalty)) if copies.any() else squared
        double = add("Mul", self.centred, add.constant([-2.0]))
        self._factor = add("Transpose", double, perm=[1, 0])  # (d, places)

    def compare(self, queries: str) -> str:
        """Return |q - b|^2 - |q|^2, (…, places), of (…, d) queries, both less the bank's mean."""
        add = self._add
        centred = add("Sub", queries, self._mean)
        return add("Add", add("MatMul", centred, self._factor), self._squared)

    def nearest_by_cells(self, layout: cells.Layout, queries: str) -> str:
        """Return the place of each patch's nearest row, (n, h·w), of patches (n, h·w, d)."""
        add = self._add
        shape = add("Slice", add("Shape", queries), add.integers(0), add.integers(2))
        flat = add("Reshape", add("Sub", queries, self._mean), add.integers(-1, self.depth))
        squared = add("Unsqueeze", self._squared, add.integers(0))
        columns = add("Concat", self._factor, squared, axis=0)
        return add("Reshape", cells.nearest(add, layout, columns, self.centred, flat), shape)

    def rows(self, places: str) -> str:
        """Return rows by their places: (…) int64 -> (…, d)."""
        return self._add("Gather", self._rows, places, axis=0)

    def numbers(self, places: str) -> str:
        """Return the rows' numbers in the bank by their places: (…) int64 -> (…) int64."""
        if self.layout is None:
            return places
        return self._add("Gather", self._add.constant(self._order, np.int64), places, axis=0)


def norm(add: Nodes, vectors: str, axis: int) -> str:
    """Return the norms of vectors along an axis, which is removed."""
    squared = add("ReduceSum", add("Mul", vectors, vectors), add.integers(axis), keepdims=0)
    return add("Sqrt", squared)


def nearest_rows(add: Nodes, bank: Bank, queries: str) -> tuple[str, str]:
    """Return each patch's distance to the bank and the place of its nearest row, both (n, h·w).

    The matrix product selects the row, the difference then gives the distance, as in
    `search.exact`; of rows at the same distance in float32 another one may be selected. The least
    value of each block comes first, since runtimes find a minimum many times as fast as its place.
    """
    if bank.layout:
        nearest = bank.nearest_by_cells(bank.layout, queries)
        return norm(add, add("Sub", queries, bank.rows(nearest)), 2), nearest
    values = bank.compare(queries)  # (n, h·w, blocks · BLOCK)
    if bank.blocks > 1:
        blocks = add("Reshape", values, add.integers(0, 0, bank.blocks, BLOCK))
        least = add("ReduceMin", blocks, axes=[3], keepdims=0)
        block = add("ArgMin", least, axis=2, keepdims=1)  # (n, h·w, 1)
        every_row = add(
            "Expand", add("Unsqueeze", block, add.integers(3)), add.integers(1, 1, 1, BLOCK)
        )
        values = add("GatherElements", blocks, every_row, axis=2)  # (n, h·w, 1, BLOCK)
        place = add("ArgMin", values, axis=3, keepdims=0)
        first = add("Mul", block, add.integers(BLOCK))
        nearest = add("Squeeze", add("Add", first, place), add.integers(2))
    else:
        nearest = add("ArgMin", values, axis=2, keepdims=0)
    return norm(add, add("Sub", queries, bank.rows(nearest)), 2), nearest


def correct_distances(add: Nodes, detector: PatchCoreDetector, queries: str, to_bank: str) -> str:
    """Return (n, h·w) distances, raised near taught defects; see `methods.corrections`."""
    assert detector.defect_patches is not None, "there are patches of defects"
    defects = Bank(add, detector.defect_patches)
    to_defects, _ = nearest_rows(add, defects, queries)
    ratio = add("Div", to_bank, add("Max", to_defects, add.constant([1e-9])))
    factor = add("Max", add("Min", ratio, add.constant([MAX_FACTOR])), add.constant([1.0]))
    return add("Mul", to_bank, factor)


def reweighted_score(
    add: Nodes, bank: Bank, queries: str, patches: tuple[str, str, str], neighbors: int
) -> str:
    """Return the image score (n,), by equation 7; see `PatchCoreDetector`.

    Args:
        queries: (n, h·w, d) patches.
        patches: (n, h·w) distances, below zero on invalid cells, uncorrected distances to the bank,
            and nearest rows.
        neighbors: b.
    """
    distances, to_bank, nearest = patches
    axis = add.integers(1)
    worst = add("ArgMax", distances, axis=1, keepdims=1)  # (n, 1)
    score = add("Squeeze", add("GatherElements", distances, worst, axis=1), axis)  # (n,)
    count = min(neighbors, bank.count)
    if count == 1:
        return score
    distance = add("GatherElements", to_bank, worst, axis=1)  # (n, 1)
    every_channel = add("Expand", add("Unsqueeze", worst, axis), add.integers(1, 1, bank.depth))
    patch = add("GatherElements", queries, every_channel, axis=1)  # (n, 1, d)
    row = add("Squeeze", add("GatherElements", nearest, worst, axis=1), axis)  # (n,)
    _, neighbours = add.outputs(
        2, "TopK", bank.compare(bank.rows(row)), add.integers(count), axis=1, largest=0
    )  # (n, b)
    differences = add("Sub", bank.rows(neighbours), patch)
    excess = add("Sub", norm(add, differences, 2), distance)
    # beyond exp(80) nothing changes in float32; it does not overflow
    exponentials = add("Exp", add("Min", excess, add.constant([80.0])))
    total = add("ReduceSum", exponentials, add.integers(1), keepdims=0)
    one = add.constant([1.0])
    return add("Mul", score, add("Sub", one, add("Div", one, total)))
