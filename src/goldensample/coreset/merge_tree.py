"""The merge tree of a streaming coreset: groups of rows reduced to one, level by level."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from goldensample.coreset.greedy import Coreset
from goldensample.records import Array


def group_runs(counts: Iterable[int], capacity: int) -> tuple[list[range], range]:
    """Return which parts, or groups, are reduced together.

    Args:
        counts: rows of each part.
        capacity: as soon as consecutive parts have so many rows, they are reduced.

    Returns:
        Runs of parts, by number; and those that remain for the last reduction.
    """
    runs, first, total, number = [], 0, 0, -1
    for number, count in enumerate(counts):
        total += count
        if total >= capacity:
            runs.append(range(first, number + 1))
            first, total = number + 1, 0
    return runs, range(first, number + 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that represent others, or a part's rows, which so far represent themselves.

    Args:
        numbers: (s,) int64 of its rows, or their range.
        members: the groups that were reduced to it; none for a part.
        nearest: (rows of the members,) int32, which of its rows represents each; of a part (0,).
    """

    numbers: Array | range
    members: Sequence["Group"] = ()
    nearest: Array = field(default_factory=lambda: np.empty(0, np.int32))

    def write_nearest(self, picks: Array, nearest: Array) -> None:
        """Write into `nearest` which pick represents each row under this group.

        Args:
            picks: (s,) int32, the pick of each row of this group.
            nearest: (n,) int32, of all rows.
        """
        if isinstance(self.numbers, range):
            nearest[self.numbers.start : self.numbers.stop] = picks
            return
        member_picks, start = picks[self.nearest], 0
        for member in self.members:
            stop = start + len(member.numbers)
            member.write_nearest(member_picks[start:stop], nearest)
            start = stop


def merge(members: Sequence[Group], picks: Array, nearest: Array) -> Group:
    """Return the group of a coreset of the members' rows; see `Coreset`."""
    numbers = [
        np.arange(member.numbers.start, member.numbers.stop)
        if isinstance(member.numbers, range)
        else member.numbers
        for member in members
    ]
    return Group(np.concatenate(numbers)[picks], members, nearest)


def merge_last(members: Sequence[Group], last: Coreset, rows: int) -> Coreset:
    """Return the coreset of all rows, so many, from that of the rows that remained."""
    root, nearest = merge(members, last.picks, last.nearest), np.empty(rows, np.int32)
    root.write_nearest(np.arange(len(last.picks), dtype=np.int32), nearest)
    return Coreset(np.asarray(root.numbers, np.int64), nearest, last.radius)
