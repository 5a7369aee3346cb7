"""Pooled features, one vector per level and picture, for methods without a map."""

from collections.abc import Iterable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.records import Array, Features, Notify, Scores


def pool_picture(features: Features, index: int) -> list[Array]:
    """Average each level of one picture over the cells that hold the picture.

    A cell of a coarser level counts by the share of it that valid cells of the finest grid cover,
    so that a cell at the picture's edge, which includes padding, weighs less.

    Returns:
        One (d_j,) float32 vector per level.
    """
    vectors = []
    for level in features.maps:
        values = to_numpy(level[index])
        depth, *size_hw = values.shape
        weights = cell_weights(features.valid[index], (size_hw[0], size_hw[1]))
        vectors.append(values.reshape(depth, -1) @ weights.reshape(-1))  # (d, h·w) -> (d,)
    return vectors


def cell_weights(valid: Array, size_hw: tuple[int, int]) -> Array:
    """Return the weight of each cell of a level, (h_j, w_j) float32 with sum 1.

    Args:
        valid: (h, w) bool on the finest grid, at least one True.
        size_hw: of the level.
    """
    rows, columns = (
        cover_matrix(fine, cells) for fine, cells in zip(valid.shape, size_hw, strict=True)
    )
    coverage = rows @ valid.astype(np.float64) @ columns.T
    return (coverage / coverage.sum()).astype(np.float32)


def cover_matrix(fine: int, cells: int) -> Array:
    """Return the (cells, fine) float64 share of each cell of an axis covered by each finer one.

    cover_matrix(4, 2) is [[1/2, 1/2, 0, 0], [0, 0, 1/2, 1/2]].
    """
    starts, ends = (
        (np.arange(cells)[:, None] + side, (np.arange(fine)[None, :] + side) * cells / fine)
        for side in (0, 1)
    )
    overlap = np.minimum(*ends) - np.maximum(*starts)
    return np.maximum(overlap, 0.0)


def pool_levels(features: Iterable[Features], notify: Notify) -> list[Array]:
    """Pool all pictures of a fit.

    Args:
        features: of the good pictures, in order; read twice.
        notify: told ("pooling", pictures read, pictures).

    Returns:
        One (n, d_j) float32 array per level.

    Raises:
        ValueError: there is no picture.
    """
    total = sum(len(batch) for batch in features)
    if not total:
        raise ValueError("fit must have at least one picture; got none")
    rows: list[list[Array]] = []
    for batch in features:
        rows += [pool_picture(batch, index) for index in range(len(batch))]
        notify("pooling", len(rows), total)
    return [np.stack(level) for level in zip(*rows, strict=True)]


def scores_without_map(image: list[float]) -> Scores:
    """Return the scores of pictures by a method that has no map."""
    empty_shape = (len(image), 0, 0)
    return Scores(
        image=np.asarray(image, np.float32),
        grid=np.zeros(empty_shape, np.float32),
        nearest=np.zeros(empty_shape, np.int32),
        valid=np.zeros(empty_shape, bool),
        centres=((), ()),
    )
