"""Shared parts of the methods with a map that model each position alone, without its neighbours.

A position is a cell of the finest level's grid, counted in reading order.
"""

from collections.abc import Callable, Iterable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.features.patches import join_levels
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Features, Scores

Centres = tuple[tuple[float, ...], tuple[float, ...]]


def join_picture(features: Features, index: int) -> Array:
    """Return the patches of one picture, (h·w, d) float32: its levels on the finest one's grid."""
    maps = tuple(level[index] for level in features.maps)
    grid = to_numpy(join_levels(maps, neighbourhood=1, stride=1, depth=0))
    # one layout always, since the order of a sum, and so its last bit, follows the layout
    return np.ascontiguousarray(grid.reshape(-1, grid.shape[2]))  # (h, w, d) -> (h·w, d)


def valid_positions(features: Iterable[Features]) -> Array:
    """Return (n, h, w) bool, the valid positions of all pictures of a fit.

    Raises:
        ValueError: there is no picture.
    """
    valid = [batch.valid for batch in features]
    if not valid:
        raise ValueError("fit must have at least one picture; got none")
    return np.concatenate(valid)


def nearest_filled(filled: Array) -> tuple[Array, Array]:
    """Return the positions that were never valid, and for each the nearest one that was.

    A new picture may have another shape than those of the fit, and so be valid at positions where
    they had padding alone. nearest_filled([[True, False, False]]) is ([1, 2], [0, 0]).

    Args:
        filled: (h, w) bool, whether any picture of the fit was valid there; True at least once.

    Returns:
        Two (k,) int64 arrays of positions; of equally near ones the first.
    """
    empty, sources = np.argwhere(~filled), np.argwhere(filled)
    squared = ((empty[:, None] - sources[None]) ** 2).sum(axis=2)  # (k, filled positions)
    nearest = sources[squared.argmin(axis=1)] if len(empty) else empty
    width = filled.shape[1]
    return empty @ (width, 1), nearest @ (width, 1)


def centres(valid: Array) -> Centres:
    """Return the cells' centres as shares of the canvas, rows then columns, of (n, h, w) cells."""
    rows, columns = (tuple((np.arange(cells) + 0.5) / cells) for cells in valid.shape[1:])
    return rows, columns


def score_positions(
    features: Features, fit_shape: tuple[int, int], distances: Callable[[Array], Array]
) -> Scores:
    """Score pictures, one after the other, so that each scores as it does alone.

    Args:
        features: of n pictures.
        fit_shape: number and depth of the patches of a picture of the fit.
        distances: returns the distances (h·w,) of the patches (h·w, d) of a picture.

    Returns:
        The distance at each position; a picture's score is its largest.

    Raises:
        ValueError: the patches have another shape than those of the fit.
    """
    valid = features.valid
    grid = np.zeros(valid.shape, np.float32)
    for index in range(len(valid)):
        patches = join_picture(features, index)
        if patches.shape != fit_shape:
            raise ValueError(f"patches must be as at the fit, {fit_shape}; got {patches.shape}")
        valid_distances = distances(patches).reshape(valid.shape[1:])[valid[index]]
        grid[index][valid[index]] = valid_distances / patch_limits(features, index)
    rows = np.full(valid.shape, -1, np.int32)
    return Scores(grid.max(axis=(1, 2)), grid, rows, valid, centres(valid))
