"""Groups of rows that are reduced to one, again and again: which, and who stands for whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from goldensample.coreset.greedy import Coreset
from goldensample.records import Array


def runs(counts: Iterable[int], full: int) -> tuple[list[range], range]:
    """Return which parts, or groups, are reduced together.

    Args:
        counts: rows of each part.
        full: as soon as parts in a row have so many rows, they are reduced.

    Returns:
        Runs of parts, by number; and those that are left for the end.
    """
    found, first, held, number = [], 0, 0, -1
    for number, count in enumerate(counts):
        held += count
        if held >= full:
            found.append(range(first, number + 1))
            first, held = number + 1, 0
    return found, range(first, number + 1)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stand for others, or a part's rows, which so far stand for themselves.

    Args:
        numbers: (s,) int64 of its rows, or their range.
        members: the groups that were reduced to it; none for a part.
        nearest: (rows of the members,) int32, which of its rows stands for each; of a part (0,).
    """

    numbers: Array | range
    members: Sequence["Group"] = ()
    nearest: Array = field(default_factory=lambda: np.empty(0, np.int32))

    def stand_for(self, places: Array, near: Array) -> None:
        """Write into `near` which pick represents each row under this group.

        Args:
            places: (s,) int32, the pick of each row of this group.
            near: (n,) int32, of all rows.
        """
        if isinstance(self.numbers, range):
            near[self.numbers.start : self.numbers.stop] = places
            return
        below, at = places[self.nearest], 0
        for member in self.members:
            member.stand_for(below[at : at + len(member.numbers)], near)
            at += len(member.numbers)


def reduced(members: Sequence[Group], picks: Array, nearest: Array) -> Group:
    """Return the group that a coreset of the members' rows makes; see `Coreset`."""
    numbers = [
        np.arange(each.numbers.start, each.numbers.stop)
        if isinstance(each.numbers, range)
        else each.numbers
        for each in members
    ]
    return Group(np.concatenate(numbers)[picks], members, nearest)


def finished(held: Sequence[Group], last: Coreset, seen: int) -> Coreset:
    """Return the coreset of all rows seen, from that of the rows that were left."""
    top, near = reduced(held, last.picks, last.nearest), np.empty(seen, np.int32)
    top.stand_for(np.arange(len(last.picks), dtype=np.int32), near)
    return Coreset(np.asarray(top.numbers, np.int64), near, last.radius)
