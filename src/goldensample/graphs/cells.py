"""Cells as graph operators: patches are compared with those cells only that can hold their row."""

from dataclasses import dataclass

import numpy as np

from goldensample.graphs.nodes import Nodes
from goldensample.records import Array
from goldensample.search.pruned import Cells, product_error

LEAST = 4096
"""Rows from which cells are worth their nodes; changes the speed only."""
CELLS, FIRST, BLOCK = 64, 512, 16
"""Cells of a bank; rows that every patch is compared with, which are spread out, as a coreset's
first ones are; rows of a block. They change the speed only."""
WORTH, SAMPLE = 0.5, 512
"""Share of the cells visited from which the full product is as fast, and rows that it is estimated
from; change the speed only."""
MARGIN = 2.0**-7
"""Of the largest squared norm of a row, added to rounding errors for runtimes in bfloat16."""


FAR = 1e30
"""Squared distance of what is no row of the bank."""


@dataclass(frozen=True)
class Layout:
    """The rows of a bank by cells, and what rules a cell out, as proven in `PrunedSearch`.

    Args:
        order: (k·BLOCK,) int64, numbers of rows by cell; each cell is filled up to whole blocks
            with its first row.
        blocks: blocks of each cell.
        first: positions in `order` of rows that every patch is compared with.
        right: (d + 1, cells) float32, [-2 c, |c|²] of each centroid c.
        gap: (cells, cells) float32, lowered by the rounding errors of rows.
        twice_distances: (cells, cells) float32.
        error: rounding error of a product over |q|² + largest |b|².
        margin: what is added to the square of an upper bound for the rows.
    """

    order: Array
    blocks: list[int]
    first: Array
    right: Array
    gap: Array
    twice_distances: Array
    error: float
    margin: float


def plan(bank: Array) -> Layout | None:
    """Return the cells of a bank (m, d); None where they would rule out too little."""
    if len(bank) < LEAST:
        return None
    rows = bank.astype(np.float32) - bank.astype(np.float64).mean(axis=0).astype(np.float32)
    squares = np.square(rows).sum(axis=1, dtype=np.float32)
    columns = np.concatenate([-2 * rows, squares[:, None]], axis=1)
    cells = Cells(columns, CELLS)
    parts = np.split(cells.rows, cells.starts[1:-1])
    blocks = [-(-len(part) // BLOCK) for part in parts]
    filled = [
        np.pad(part, (0, count * BLOCK - len(part)), constant_values=part[0])
        for part, count in zip(parts, blocks, strict=True)
    ]
    order = np.concatenate(filled)
    places = np.empty(len(rows), np.int64)
    places[order[::-1]] = np.arange(len(order))[::-1]  # the first of each row's
    error = product_error(rows.shape[1], 1, 1) / 2  # (|q| + |b|)² <= 2 (|q|² + |b|²)
    margin = float(squares.max()) * (MARGIN + error)
    layout = Layout(
        order,
        blocks,
        places[:FIRST],
        cells.right,
        cells.gap - 6 * np.float32(margin),
        cells.twice_distances,
        error,
        margin,
    )
    return layout if _share(layout, columns) < WORTH else None


def _share(layout: Layout, columns: Array) -> float:
    """Estimate the share of the rows that patches are compared with, from rows as patches."""
    left = columns[FIRST :: max(1, len(columns) // SAMPLE)] / -2
    squares, left[:, -1] = left[:, -1] * -2, 1
    upper = np.sqrt(np.maximum((left @ columns[:FIRST].T).min(axis=1) + squares, 0))
    to_cells = left @ layout.right
    home = to_cells.argmin(axis=1)
    bounds = to_cells - to_cells.min(axis=1)[:, None] + layout.gap[home]
    visited = bounds <= layout.twice_distances[home] * upper[:, None]
    return float(visited.mean(axis=0) @ layout.blocks / sum(layout.blocks))


def nearest(add: Nodes, layout: Layout, columns: str, rows: str, queries: str) -> str:
    """Return the position in the layout's order of each query's nearest row, (q,) int64.

    Args:
        columns: (d + 1, k·BLOCK), [-2 b, |b|²] of the centred rows in the layout's order.
        rows: (k·BLOCK, d), the centred rows.
        queries: (q, d), centred as the rows.
    """
    count = add("Slice", add("Shape", queries), add.integers(0), add.integers(1))
    one = add.constant(np.ones((1, 1)))
    ones = add("Expand", one, add("Concat", count, add.integers(1), axis=0))
    left = add("Concat", queries, ones, axis=1)  # (q, d + 1)
    visits = _visits(add, layout, columns, left, queries)
    pairs = add("NonZero", visits)  # (2, p), cell and query, by cell
    cell, query = (add("Gather", pairs, add.constant(k, np.int64), axis=0) for k in (0, 1))
    minima = _block_minima(add, layout, columns, add("Gather", left, query, axis=0), visits)
    # what came of each pair, as tables (q, cells)
    index = add("Concat", *(add("Unsqueeze", k, add.integers(1)) for k in (query, cell)), axis=1)
    shape = add("Concat", count, add.integers(len(layout.blocks)), axis=0)
    far = add("Expand", add.constant([[FAR]]), shape)
    least = add("ReduceMin", minima, axes=[1], keepdims=0)
    chosen_cell = add("ArgMin", add("ScatterND", far, index, least), axis=1, keepdims=1)
    none = add("Expand", add.constant([[0]], np.int64), shape)
    numbers = add("ScatterND", none, index, add.arange(add("Shape", query)))
    pair = add("Squeeze", add("GatherElements", numbers, chosen_cell, axis=1), add.integers(1))
    starts = np.cumsum([0, *layout.blocks[:-1]])
    start = add(
        "Gather", add.constant(starts, np.int64), add("Squeeze", chosen_cell, add.integers(1))
    )
    block = add(
        "Add", start, add("ArgMin", add("Gather", minima, pair, axis=0), axis=1, keepdims=0)
    )
    depth = len(layout.right) - 1
    close = add("Gather", add("Reshape", rows, add.integers(-1, BLOCK, depth)), block, axis=0)
    differences = add("Sub", close, add("Unsqueeze", queries, add.integers(1)))  # (q, BLOCK, d)
    squared = add("ReduceSum", add("Mul", differences, differences), add.integers(2), keepdims=0)
    place = add("ArgMin", squared, axis=1, keepdims=0)
    return add("Add", add("Mul", block, add.integers(BLOCK)), place)


def _visits(add: Nodes, layout: Layout, columns: str, left: str, queries: str) -> str:
    """Return (cells, q) bool, the cells that each query is compared with.

    Each cell has one at least, the first query, since not every runtime takes empty tensors.
    """
    squared = add("ReduceSum", add("Mul", queries, queries), add.integers(1), keepdims=1)  # (q, 1)
    error = add("Mul", squared, add.constant([layout.error]))
    first = add("Gather", columns, add.constant(layout.first, np.int64), axis=1)
    least = add("ReduceMin", add("MatMul", left, first), axes=[1], keepdims=1)
    slack = add("Add", add("Mul", error, add.constant([4.0])), add.constant([4 * layout.margin]))
    upper = add("Sqrt", add("Relu", add("Add", add("Add", least, squared), slack)))
    to_cells = add("MatMul", left, add.constant(layout.right))  # (q, cells)
    home = add("ArgMin", to_cells, axis=1, keepdims=0)
    excess = add("Sub", to_cells, add("ReduceMin", to_cells, axes=[1], keepdims=1))
    bounds = add("Add", excess, add("Gather", add.constant(layout.gap), home, axis=0))
    bounds = add("Sub", bounds, add("Mul", error, add.constant([6.0])))
    reach = layout.twice_distances * np.float32(1 + 1e-5)
    limits = add("Mul", add("Gather", add.constant(reach), home, axis=0), upper)
    visits = add("Transpose", add.at_most(bounds, limits), perm=[1, 0])
    numbers = add.arange(add("Slice", add("Shape", queries), add.integers(0), add.integers(1)))
    return add("Or", visits, add("Equal", numbers, add.integers(0)))


def _block_minima(add: Nodes, layout: Layout, columns: str, left: str, visits: str) -> str:
    """Return (p, blocks of the largest cell): the least |q - b|² - |q|² of each of a pair's blocks.

    By Gemm: OpenCV's MatMul keeps to the number of queries of its first run.

    Args:
        left: (p, d + 1), [q, 1] of each pair of cell and query, by cell.
    """
    from onnx import TensorProto

    integers = add("Cast", visits, to=TensorProto.INT64)
    counts = add("ReduceSum", integers, add.integers(1), keepdims=0)
    sizes = add.integers(*(count * BLOCK for count in layout.blocks))
    cells = len(layout.blocks)
    queries = add.outputs(cells, "Split", left, counts, axis=0)
    rows = add.outputs(cells, "Split", columns, sizes, axis=1)
    most, minima = max(layout.blocks), []
    for own_queries, own_rows, count in zip(queries, rows, layout.blocks, strict=True):
        values = add("Gemm", own_queries, own_rows)
        blocks = add("Reshape", values, add.integers(0, count, BLOCK))
        least = add("ReduceMin", blocks, axes=[2], keepdims=0)
        ends = add.integers(0, 0, 0, most - count)
        minima.append(add("Pad", least, ends, add.constant(FAR)) if count < most else least)
    return add("Concat", *minima, axis=0)
