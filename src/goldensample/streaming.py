"""A greedy coreset of more rows than fit in memory: coresets of coresets (merge and reduce).

Rows arrive in any number. `BRANCHES` groups of them are reduced to one group of `rows * SPARE`
rows by the exact greedy coreset; `BRANCHES` reduced groups are reduced again, and so on; at the
end what is left is reduced to the rows wanted.

How far a row can lie from the bank: a greedy coreset of s rows, of whatever subset of the data,
leaves no row of it farther away than 2·OPT(s), OPT(s) being the least possible radius of s centres
for all the data (of s + 1 rows pairwise farther apart than that, two would share a centre). A row
is handed on at most once a level, so with L levels, by the triangle inequality, it ends up within
2·L·OPT(s) + 2·OPT(m) <= (2·L + 2)·OPT(m) of one of the m picks, for s >= m.

Source: composable coresets for k-center (Malkomes et al. 2015; Ceccarello et al. 2019).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from goldensample.coreset import Coreset, greedy
from goldensample.records import Array

BRANCHES = 6
"""Groups that are reduced to one."""
SPARE = 2
"""Rows kept by a reduction, as a multiple of the rows wanted at the end."""


@dataclass(slots=True)
class StreamingCoreset:
    """Takes rows in parts and keeps a bounded number of them.

    Args:
        rows: how many to pick in the end, at least 1.
    """

    rows: int
    seen: int = 0
    levels: list[list[tuple[Array, Array]]] = field(default_factory=lambda: [[]])
    _near: list[Array] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """Reductions that a row has gone through at most, before the last one."""
        return len(self.levels) - 1

    def add(self, points: Array) -> None:
        """Take the next rows, (k, d) float32; not changed."""
        numbers = np.arange(self.seen, self.seen + len(points), dtype=np.int32)
        self._near.append(numbers.copy())  # so far each row stands for itself
        self.seen += len(points)
        self.levels[0].append((points, numbers))
        self._reduce_full_levels()

    def _reduce_full_levels(self) -> None:
        """Reduce every level that holds as many rows as it may."""
        level = 0
        while level < len(self.levels):
            held = self.levels[level]
            if sum(len(numbers) for _, numbers in held) < BRANCHES * SPARE * self.rows:
                return
            points, numbers = (np.concatenate(part) for part in zip(*held, strict=True))
            held.clear()
            chosen = greedy(points, SPARE * self.rows)
            self._stand_for(numbers, numbers[chosen.picks[chosen.nearest]])
            if level + 1 == len(self.levels):
                self.levels.append([])
            self.levels[level + 1].append((points[chosen.picks], numbers[chosen.picks]))
            level += 1

    def _stand_for(self, numbers: Array, kept: Array) -> None:
        """Note which kept row each of some rows is represented by from now on."""
        near = self._whole_near()
        near[numbers] = kept

    def _whole_near(self) -> Array:
        """Return the (seen,) array of representatives, one array from now on."""
        if len(self._near) != 1:
            self._near = [np.concatenate(self._near)]
        return self._near[0]

    def finish(self, notify: Callable[[int], None] | None = None) -> Coreset:
        """Reduce all that is left to the rows wanted.

        Returns:
            Picks and representatives among all rows seen. `nearest` is a pick that is near, not
            always the nearest one; `radius` bounds what the last reduction left.
        """
        held = [group for level in self.levels for group in level]
        points, numbers = (np.concatenate(part) for part in zip(*held, strict=True))
        last = greedy(points, self.rows, notify=notify)
        near = self._whole_near()
        place = np.full(self.seen, -1, np.int32)
        place[numbers] = last.nearest
        while (far := np.flatnonzero(place[near] < 0)).size:  # up one level at a time
            near[far] = near[near[far]]
        return Coreset(numbers[last.picks].astype(np.int64), place[near], last.radius)
