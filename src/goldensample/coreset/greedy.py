"""The greedy coreset of the paper (Algorithm 1): the picks of the plain loop, many per pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from array_api_compat import device, is_numpy_array

from goldensample.arrays import array_namespace, to_numpy
from goldensample.coreset import compiled
from goldensample.coreset.projection import grid_of, squared_between
from goldensample.coreset.shards import (
    Candidates,
    Round,
    Shard,
    advance_selection,
    begin_selection,
    farthest_rows,
    finish_selection,
    measure_points,
)
from goldensample.native.library import library
from goldensample.records import Array
from goldensample.runners import States, local_runner

CELLS = 512
"""Picks by full passes; after them the rows are sorted into cells around these picks."""
FIRST_BLOCK, LEAST_BLOCK, LARGEST_BLOCK = 256, 64, 2048
"""Rows compared in the first passes, and their fewest and most later."""
LARGEST_REQUEST = 16384
"""Rows requested in a pass, at most: of many shards, most of them are not needed."""


@dataclass(frozen=True, slots=True)
class Coreset:
    """The chosen rows.

    Args:
        picks: (m,) int64 rows in the order of choice.
        nearest: (n,) int32, for every row, the index of its nearest pick among the picks.
        radius: largest distance of a row to its nearest pick, in units of the points.
    """

    picks: Array
    nearest: Array
    radius: float


def greedy(
    points: Array,
    rows: int,
    block: int | None = None,
    notify: Callable[[int], None] | None = None,
    overwrite: bool = False,
) -> Coreset:
    """Pick rows so that the largest distance to a pick is small, by the greedy rule (k-center).

    The first pick is the row farthest from the centre; each next pick is the row farthest from
    all picks; ties go to the lower index. It ends early when every row is a copy of a pick.

    Args:
        points: (n, d) finite floats, n >= 1; changed only with `overwrite`.
        rows: how many to pick, at least 1; never more than n are picked.
        block: rows compared in a pass; None adapts it on the way. Changes the speed only.
        notify: told the number of picks after each pass.
        overwrite: the points may be used as working space, which saves a copy of them.

    Raises:
        ValueError: a value is not finite.

    Cost: at most n·m·d multiplications for m picks; on real patches about a tenth of that.
    Source: Roth et al. 2022, Algorithm 1.
    """
    with local_runner.create_states(_create_shard, overwrite, [points]) as shards:
        return greedy_over(shards, rows, notify, block)


def _create_shard(overwrite: bool, points: Array) -> Shard:
    """Return all rows as one shard."""
    return Shard(points, 0, overwrite)


def greedy_over(
    shards: States[Shard],
    rows: int,
    notify: Callable[[int], None] | None = None,
    block: int | None = None,
) -> Coreset:
    """Pick rows as `greedy` does, from the rows of all shards; their sizes change no pick.

    In each pass the farthest rows of all shards, `block` in all, are compared among themselves. For
    as long as the best of them is farther than every other row, it is the pick that the plain loop
    would make, because distances only decrease. Then the shards update their distances by matrix
    products: of all rows at first, later of those cells of rows that a pick can affect (see
    `Shard.sort_into_cells`). A pass is one message to the shards and their answer.

    Args:
        shards: in the order of their rows; not usable afterwards.
        rows, notify, block: as for `greedy`.
    """
    grid = grid_of(lambda measure, message: shards.query(measure_points, (measure, message)))
    candidates = shards.update(begin_selection, grid)
    size = block or FIRST_BLOCK
    picks: list[int] = []
    parts: list[Array] = []
    must_sort = rows > 2 * CELLS and is_numpy_array(candidates[0].points)
    while len(picks) < rows:
        compared, numbers, points = _certain_picks(candidates, rows - len(picks) if picks else 1)
        if not numbers:
            break
        if block is None and picks:
            size = _adapt_size(size, compared, len(numbers))
        picks += numbers
        centres = None
        if must_sort:
            parts.append(points)
            if len(picks) >= CELLS:
                centres, must_sort = np.concatenate(parts), False
        message = Round(points, -(-size // len(shards)), centres)
        candidates = shards.update(advance_selection, message)
        if notify is not None:
            notify(len(picks))
    nearest, squared = zip(*shards.query(finish_selection, None), strict=True)
    if not picks:  # all rows are equal: the first represents all
        return Coreset(np.zeros(1, np.int64), np.concatenate(nearest), 0.0)
    radius = max(squared) ** 0.5 * grid.step
    return Coreset(np.asarray(picks, np.int64), np.concatenate(nearest), radius)


def _adapt_size(size: int, compared: int, certain: int) -> int:
    """Return how many rows to request next, after so many of `size` were compared and picked."""
    if 2 * certain > compared:
        return min(2 * size, LARGEST_REQUEST) if compared < LARGEST_BLOCK else size
    return size // 2 if 8 * certain < compared > LEAST_BLOCK else size


def _certain_picks(shards: list[Candidates], limit: int) -> tuple[int, list[int], Array]:
    """Compare the candidates that are farther than every other row among themselves.

    Returns:
        Their count; the picks, at most `limit`, that they give for certain; the picks' points.
    """
    number = np.concatenate([shard.numbers for shard in shards])
    distance = np.concatenate([shard.squared for shard in shards])
    inside, *next_row = farthest_rows(distance, number, LARGEST_BLOCK)
    outside_rows = [tuple(next_row), *(shard.outside for shard in shards)]
    outside, minus_number = max((value, -other) for value, other in outside_rows)
    inside_distance, order = distance[inside], -number[inside]
    is_tie = inside_distance == outside
    inside = inside[(inside_distance > outside) | is_tie & (order > minus_number)]
    number, distance = number[inside], distance[inside]
    xp = array_namespace(shards[0].points)
    points = xp.concat([shard.points for shard in shards], axis=0)
    points = xp.take(points, xp.asarray(inside, device=device(points)), axis=0)
    if is_numpy_array(points) and points.dtype == np.int16:
        if library() is not None:
            beyond = float(outside), int(-minus_number)
            chosen = compiled.choose(number, points, distance, beyond, limit).tolist()
            return len(number), number[chosen].tolist(), points[chosen]
        points = points.astype(np.float32)  # the shards' machines have compiled code
    mutual = to_numpy(squared_between(points, points))
    chosen = []
    while len(chosen) < limit:
        best = int(np.argmax(distance))  # numbers ascend, so ties go to the lower one
        if distance[best] <= 0 or (distance[best], -number[best]) < (outside, minus_number):
            break
        chosen.append(best)
        np.minimum(distance, mutual[best], out=distance)
    return len(number), [int(pick) for pick in number[chosen]], points[chosen]
