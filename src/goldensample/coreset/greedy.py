"""The greedy coreset of the paper (Algorithm 1): the picks of the plain loop, many per pass."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample.arrays import to_numpy
from goldensample.coreset.projection import grid_of, squared_between
from goldensample.coreset.shards import (
    Candidates,
    Round,
    Shard,
    advanced,
    begun,
    ended,
    farthest_of,
    measured,
)
from goldensample.records import Array
from goldensample.runners import States, here

CELLS = 512
"""Picks made by full passes; then the rows are sorted into cells around these picks."""
FIRST_BLOCK, LEAST_BLOCK, LARGEST_BLOCK = 256, 64, 2048
"""Rows compared in the first passes, and how few and many they may become."""
LARGEST_ASKED = 16384
"""Rows asked for in a pass, at most: of many shards, most of them turn out not to be needed."""


@dataclass(frozen=True, slots=True)
class Coreset:
    """The chosen rows.

    Args:
        picks: (m,) int64 rows in the order of choice.
        nearest: (n,) int32, for every row, which of the picks is nearest to it (its place among
            the picks).
        radius: how far the farthest row is from its nearest pick, in units of the points given.
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
    """Pick rows so that the farthest row is as near as the greedy rule gets it (k-center).

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
    with here.keep(_shard, overwrite, [points]) as states:
        return greedy_over(states, rows, notify, block)


def _shard(overwrite: bool, points: Array) -> Shard:
    """Return all rows as one shard."""
    return Shard(points, 0, overwrite)


def greedy_over(
    states: States[Shard],
    rows: int,
    notify: Callable[[int], None] | None = None,
    block: int | None = None,
) -> Coreset:
    """Pick rows as `greedy` does from all rows of some shards; the cut into shards changes nothing.

    In each pass the farthest rows of all shards, `block` in all, are compared among themselves. For
    as long as the best of them is farther than every row outside, it is the pick that the plain
    loop would make, because distances only shrink. Then the shards update their distances by matrix
    products: of all rows at first, later of those cells of rows that a pick can reach (see
    `Shard.sort_into_cells`). A pass is one message to the shards and their answer.

    Args:
        states: shards, in the order of their rows; used up afterwards.
        rows, notify, block: as for `greedy`.
    """
    grid = grid_of(lambda measure, message: states.ask(measured, (measure, message)))
    found = states.tell(begun, grid)
    size = block or FIRST_BLOCK
    picks: list[int] = []
    parts: list[Array] = []
    sorts = rows > 2 * CELLS and is_numpy_array(found[0].points)
    while len(picks) < rows:
        compared, numbers, picked = _certain(found, rows - len(picks) if picks else 1)
        if not numbers:
            break
        if block is None and picks:
            size = _adapted(size, compared, len(numbers))
        picks += numbers
        middles = None
        if sorts:
            parts.append(picked)
            if len(picks) >= CELLS:
                middles, sorts = np.concatenate(parts), False
        found = states.tell(advanced, Round(picked, -(-size // len(states)), middles))
        if notify is not None:
            notify(len(picks))
    nearest, squared = zip(*states.ask(ended, None), strict=True)
    if not picks:  # all rows alike: the first stands for all
        return Coreset(np.zeros(1, np.int64), np.concatenate(nearest), 0.0)
    radius = max(squared) ** 0.5 * grid.step
    return Coreset(np.asarray(picks, np.int64), np.concatenate(nearest), radius)


def _adapted(size: int, compared: int, certain: int) -> int:
    """Return how many rows to ask for next, after so many of `size` were compared and picked."""
    if 2 * certain > compared:
        return min(2 * size, LARGEST_ASKED) if compared < LARGEST_BLOCK else size
    return size // 2 if 8 * certain < compared > LEAST_BLOCK else size


def _certain(found: list[Candidates], limit: int) -> tuple[int, list[int], Array]:
    """Compare the candidates that are farther than every row outside among themselves.

    Returns:
        How many they were; the picks, at most `limit`, that they give for certain; their points.
    """
    number = np.concatenate([each.numbers for each in found])
    distance = np.concatenate([each.squared for each in found])
    inside, *next_one = farthest_of(distance, number, LARGEST_BLOCK)
    rest = [tuple(next_one), *(each.outside for each in found)]
    outside, minus = max((value, -other) for value, other in rest)
    far, order = distance[inside], -number[inside]
    inside = inside[(far > outside) | (far == outside) & (order > minus)]
    number, distance = number[inside], distance[inside]
    xp = array_namespace(found[0].points)
    points = xp.concat([each.points for each in found], axis=0)
    points = xp.take(points, xp.asarray(inside, device=device(points)), axis=0)
    mutual = to_numpy(squared_between(points, points))
    chosen: list[int] = []
    while len(chosen) < limit:
        best = int(np.argmax(distance))  # numbers ascend, so ties go to the lower one
        if distance[best] <= 0 or (distance[best], -number[best]) < (outside, minus):
            break
        chosen.append(best)
        np.minimum(distance, mutual[best], out=distance)
    return len(number), [int(each) for each in number[chosen]], points[chosen]
