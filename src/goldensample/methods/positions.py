"""What the methods with a map share that look at each place alone: its patch, its neighbours not.

A place is a cell of the finest level's grid, counted in reading order.
"""

from collections.abc import Callable, Iterable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.features.patches import join_levels
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Features, Scores

Centres = tuple[tuple[float, ...], tuple[float, ...]]


def joined(features: Features, index: int) -> Array:
    """Return the patches of one picture, (h·w, d) float32: its levels on the finest one's grid."""
    maps = tuple(level[index] for level in features.maps)
    grid = to_numpy(join_levels(maps, neighbourhood=1, stride=1, depth=0))
    # one layout always, since the order of a sum, and so its last bit, follows the layout
    return np.ascontiguousarray(grid.reshape(-1, grid.shape[2]))  # (h, w, d) -> (h·w, d)


def valid_places(features: Iterable[Features]) -> Array:
    """Return (n, h, w) bool, the places that hold a picture, of all pictures of a fit.

    Raises:
        ValueError: there is no picture.
    """
    found = [batch.valid for batch in features]
    if not found:
        raise ValueError("fit must have at least one picture; got none")
    return np.concatenate(found)


def stand_ins(held: Array) -> tuple[Array, Array]:
    """Return the places that never held a picture, and for each the nearest one that did.

    A new picture may be of another shape than those of the fit, and so reach places where they
    had padding alone. stand_ins([[True, False, False]]) is ([1, 2], [0, 0]).

    Args:
        held: (h, w) bool, whether any picture of the fit was there; True at least once.

    Returns:
        Two (k,) int64 arrays of places; of equally near ones the first.
    """
    empty, full = np.argwhere(~held), np.argwhere(held)
    squared = ((empty[:, None] - full[None]) ** 2).sum(axis=2)  # (k, places held)
    chosen = full[squared.argmin(axis=1)] if len(empty) else empty
    width = held.shape[1]
    return empty @ (width, 1), chosen @ (width, 1)


def centres(valid: Array) -> Centres:
    """Return the places' centres as shares of the canvas, rows then columns, of (n, h, w) cells."""
    rows, columns = (tuple((np.arange(cells) + 0.5) / cells) for cells in valid.shape[1:])
    return rows, columns


def by_worst_place(
    features: Features, fitted: tuple[int, int], measure: Callable[[Array], Array]
) -> Scores:
    """Score pictures, one after the other, so that each scores as it does alone.

    Args:
        features: of n pictures.
        fitted: number and depth of the patches that the fit saw.
        measure: gives the distances (h·w,) of the patches (h·w, d) of a picture.

    Returns:
        The distance at each place; a picture's score is its largest.

    Raises:
        ValueError: the patches are others than those of the fit.
    """
    valid = features.valid
    grid = np.zeros(valid.shape, np.float32)
    for index in range(len(valid)):
        patches = joined(features, index)
        if patches.shape != fitted:
            raise ValueError(f"patches must be as at the fit, {fitted}; got {patches.shape}")
        apart = measure(patches).reshape(valid.shape[1:])[valid[index]]
        grid[index][valid[index]] = apart / patch_limits(features, index)
    rows = np.full(valid.shape, -1, np.int32)
    return Scores(grid.max(axis=(1, 2)), grid, rows, valid, centres(valid))
