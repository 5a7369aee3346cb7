"""A greedy coreset of more rows than fit in memory: coresets of coresets (merge and reduce).

Rows arrive in parts, any number of them. Parts in a row are reduced to one group of `rows * SPARE`
rows by the exact greedy coreset as soon as they hold `BRANCHES` times as many; reduced groups in a
row are reduced again likewise, and so on; at the end what is left is reduced to the rows wanted.
Which rows are reduced together hangs on the sizes of the parts alone, and so does the result: the
tree is the same whether one process works on it (`StreamingCoreset`) or many (`streaming_over`).

How far a row can lie from the bank: a greedy coreset of s rows, of whatever subset of the data,
leaves no row of it farther away than 2·OPT(s), OPT(s) being the least possible radius of s centres
for all the data (of s + 1 rows pairwise farther apart than that, two would share a centre). A row
is handed on at most once a level, so with L levels, by the triangle inequality, it ends up within
2·L·OPT(s) + 2·OPT(m) <= (2·L + 2)·OPT(m) of one of the m picks, for s >= m.

Source: composable coresets for k-center (Malkomes et al. 2015; Ceccarello et al. 2019).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Generic, TypeVar

from goldensample.coreset.greedy import Coreset, greedy
from goldensample.coreset.merge_tree import Group, finished, reduced, runs
from goldensample.coreset.projection import gathered
from goldensample.features.store import ArrayStore
from goldensample.records import Array
from goldensample.runners import Runner

Source = TypeVar("Source")

BRANCHES = 6
"""Groups that are reduced to one."""
SPARE = 2
"""Rows kept by a reduction, as a multiple of the rows wanted at the end."""


def full_at(rows: int) -> int:
    """Return how many rows are reduced together, where so many are wanted in the end."""
    return BRANCHES * SPARE * rows


@dataclass(slots=True)
class StreamingCoreset:
    """Takes rows in parts and keeps a bounded number of them.

    Args:
        rows: how many to pick in the end, at least 1.
    """

    rows: int
    seen: int = 0
    levels: list[list[tuple[Array, Group]]] = field(default_factory=lambda: [[]])

    @property
    def depth(self) -> int:
        """Reductions that a row has gone through at most, before the last one."""
        return len(self.levels) - 1

    def add(self, points: Array) -> None:
        """Take the next rows, (k, d) float32, k >= 1; not changed."""
        self.levels[0].append((points, Group(range(self.seen, self.seen + len(points)))))
        self.seen += len(points)
        level = 0
        while sum(len(points) for points, _ in self.levels[level]) >= full_at(self.rows):
            points, groups = _taken(self.levels[level])
            chosen = greedy(points, SPARE * self.rows)
            if level + 1 == len(self.levels):
                self.levels.append([])
            level += 1
            self.levels[level].append(
                (points[chosen.picks], reduced(groups, chosen.picks, chosen.nearest))
            )

    def finish(self, notify: Callable[[int], None] | None = None) -> Coreset:
        """Reduce all that is left to the rows wanted; it is used up then.

        Returns:
            Picks and representatives among all rows seen. `nearest` is a pick that is near, not
            always the nearest one; `radius` bounds what the last reduction left.
        """
        points, groups = _taken([each for level in self.levels for each in level])
        return finished(groups, greedy(points, self.rows, notify=notify, overwrite=True), self.seen)


def _taken(held: list[tuple[Array, Group]]) -> tuple[Array, list[Group]]:
    """Return all points held as one array, and their groups; empty the list."""
    groups, total = [group for _, group in held], sum(len(points) for points, _ in held)
    held.reverse()
    return gathered((held.pop()[0] for _ in groups), total), groups


@dataclass(frozen=True, slots=True)
class Parts(Generic[Source]):
    """Rows in parts that any worker can read.

    Args:
        read: a function of a module: `read(source, parts)` gives the rows of a range of parts,
            (k, d) float32, always the same.
        source: what it reads from.
        counts: rows of each part, at least 1.
    """

    read: Callable[[Source, range], Array]
    source: Source
    counts: Sequence[int]


def streaming_over(
    runner: Runner,
    parts: Parts[Source],
    rows: int,
    store: ArrayStore,
    notify: Callable[[int], None] | None = None,
) -> Coreset:
    """Choose as `StreamingCoreset` does, each reduction being a task of a runner.

    The tree is that of `StreamingCoreset` given the same parts one by one, and so are the picks,
    and the bound stated there, for any number of workers. The reduced rows pass from task to task
    through the store; what it has already is not computed again.

    Args:
        rows: how many to pick in the end, at least 1.
        store: of these parts and rows alone; nothing in it is removed.
        notify: told how many parts have gone through their first reduction.

    Cost: a worker holds `BRANCHES * SPARE * rows` rows, twice; for the last reduction up to that
        many for each level, once. The caller holds about 8 bytes for each row of all.
    """
    ends = list(accumulate(parts.counts))
    groups = [Group(range(end - count, end)) for end, count in zip(ends, parts.counts, strict=True)]
    work = _Work(parts.read, parts.source, store, rows)
    left: list[Group] = []
    spans: list[_Span] = []
    while groups:
        level = len(spans)
        full, rest = runs([len(group.numbers) for group in groups], full_at(rows))
        left += groups[rest.start : rest.stop]
        spans.append(_span(level, rest, groups))
        tasks = [(_name(level, at), _span(level, run, groups)) for at, run in enumerate(full)]
        above = []
        for run, chosen in zip(full, runner.run(_reduce, work, tasks), strict=True):
            above.append(reduced(groups[run.start : run.stop], *chosen))
            if notify is not None and level == 0:
                notify(run.stop)
        groups = above
    (last,) = runner.run(_end, work, [spans])
    return finished(left, last, ends[-1])


@dataclass(frozen=True, slots=True)
class _Span:
    """Some parts, at level 0, or groups reduced from the level below, by number; and their rows."""

    level: int
    members: range
    rows: int


def _span(level: int, members: range, groups: list[Group]) -> _Span:
    """Return a span of a level's groups."""
    return _Span(level, members, sum(len(groups[number].numbers) for number in members))


@dataclass(frozen=True, slots=True)
class _Work:
    """What is the same for all reductions; see `streaming_over`."""

    read: Callable[[Any, range], Array]
    source: Any
    store: ArrayStore
    rows: int

    def points(self, spans: list[_Span]) -> Array:
        """Return the points of some spans as one array."""
        return gathered(self._pieces(spans), sum(span.rows for span in spans))

    def _pieces(self, spans: list[_Span]) -> Iterator[Array]:
        for span in spans:
            if span.level == 0 and span.members:
                yield self.read(self.source, span.members)
            elif span.level:
                for number in span.members:
                    yield self.store.get(_name(span.level - 1, number))["points"]


def _name(level: int, number: int) -> str:
    """Return the name in the store of a group reduced from a level."""
    return f"{level}-{number:06}"


def _reduce(work: _Work, task: tuple[str, _Span]) -> tuple[Array, Array]:
    """Reduce a span to a group in the store; return its picks and `nearest`."""
    name, span = task
    if work.store.has(name):
        known = work.store.get(name)
        return known["picks"], known["nearest"]
    points = work.points([span])
    chosen = greedy(points, SPARE * work.rows)
    arrays = {"points": points[chosen.picks], "picks": chosen.picks, "nearest": chosen.nearest}
    work.store.put(name, arrays)
    return chosen.picks, chosen.nearest


def _end(work: _Work, spans: list[_Span]) -> Coreset:
    """Reduce what is left at all levels to the rows wanted."""
    return greedy(work.points(spans), work.rows, overwrite=True)
