"""A greedy coreset of more rows than fit in memory: coresets of coresets (merge and reduce).

Rows come in parts, any number of them. Consecutive parts are reduced to one group of
`OVERSAMPLING * rows` rows by the exact greedy coreset as soon as they hold `BRANCHES` times as
many; consecutive groups are reduced again likewise, and so on; at the end the remaining rows are
reduced to the bank. Which rows are reduced together depends on the sizes of the parts alone, and so
does the result: the tree is the same for one process and for many.

How far a row can lie from the bank: a greedy coreset of s rows, of whatever subset of the data,
leaves no row of it farther away than 2·OPT(s), OPT(s) being the least possible radius of s centres
for all the data (of s + 1 rows pairwise farther apart than that, two would share a centre). A row
is passed on at most once a level, so with L levels, by the triangle inequality, it ends up within
2·L·OPT(s) + 2·OPT(m) <= (2·L + 2)·OPT(m) of one of the m picks, for s >= m.

Source: composable coresets for k-center (Malkomes et al. 2015; Ceccarello et al. 2019).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from goldensample.coreset.greedy import Coreset, greedy, greedy_over
from goldensample.coreset.merge_tree import Group, group_runs, merge, merge_last
from goldensample.coreset.projection import concatenate
from goldensample.coreset.shards import Shard
from goldensample.features.store import ArrayStore
from goldensample.records import Array
from goldensample.runners import Runner

BRANCHES = 6
"""Groups that are reduced to one."""
OVERSAMPLING = 2
"""Rows left by a reduction, as a multiple of the rows of the bank."""


def reduction_rows(rows: int) -> int:
    """Return how many rows are reduced together, for so many rows of the bank."""
    return BRANCHES * OVERSAMPLING * rows


class PointSource(Protocol):
    """Points in parts that any worker can read."""

    @property
    def counts(self) -> Sequence[int]:
        """Rows of each part, at least 1."""

    def points(self, parts: range) -> Array:
        """Return the rows, (k, d) float32, of consecutive parts; always the same."""


def streaming_coreset(
    source: PointSource,
    rows: int,
    store: ArrayStore,
    runner: Runner,
    notify_parts: Callable[[int], None] | None = None,
    notify_picks: Callable[[int], None] | None = None,
) -> Coreset:
    """Choose rows of all parts, each reduction being a task of a runner.

    The reduced rows pass from task to task through the store; what it has already is not computed
    again. `local_runner` reads the parts once, in order.

    Args:
        rows: how many to pick in the end, at least 1.
        store: of these points and rows alone; nothing in it is removed.
        notify_parts: told how many parts have gone through their first reduction.
        notify_picks: told the number of picks of the last reduction.

    Returns:
        Picks and representatives among all rows. `nearest` is a pick that is close, not always the
        nearest one; `radius` is that of the last reduction.

    Cost: a worker holds `reduction_rows(rows)` rows, twice; for the last reduction up to that many
        for each level, once. The store holds at most a fifth of all rows. The caller holds about 8
        bytes for each row of all.
    """
    ends = list(accumulate(source.counts))
    groups = [
        Group(range(end - count, end)) for end, count in zip(ends, source.counts, strict=True)
    ]
    shared = _Reduction(source, store, rows)
    remaining: list[Group] = []
    spans: list[_Span] = []
    while groups:
        level = len(spans)
        runs, rest = group_runs([len(group.numbers) for group in groups], reduction_rows(rows))
        remaining += groups[rest.start : rest.stop]
        spans.append(_span(level, rest, groups))
        tasks = [
            (_name(level, number), _span(level, run, groups)) for number, run in enumerate(runs)
        ]
        merged = []
        for run, coreset in zip(runs, runner.run(_reduce, shared, tasks), strict=True):
            merged.append(merge(groups[run.start : run.stop], *coreset))
            if notify_parts is not None and level == 0:
                notify_parts(run.stop)
        groups = merged
    with runner.create_states(_last_shard, shared, [spans]) as shards:
        last = greedy_over(shards, rows, notify_picks)
    return merge_last(remaining, last, ends[-1])


@dataclass(frozen=True, slots=True)
class _Span:
    """Consecutive parts, at level 0, or groups of the level below, by number; and their rows."""

    level: int
    members: range
    rows: int


def _span(level: int, members: range, groups: list[Group]) -> _Span:
    """Return a span of a level's groups."""
    return _Span(level, members, sum(len(groups[number].numbers) for number in members))


@dataclass(frozen=True, slots=True)
class _Reduction:
    """What is the same for all reductions; see `streaming_coreset`."""

    source: PointSource
    store: ArrayStore
    rows: int

    def points(self, spans: list[_Span]) -> Array:
        """Return the points of spans as one array."""
        return concatenate(self._read(spans), sum(span.rows for span in spans))

    def _read(self, spans: list[_Span]) -> Iterator[Array]:
        for span in spans:
            if span.level == 0 and span.members:
                yield self.source.points(span.members)
            elif span.level:
                for number in span.members:
                    yield self.store.get(_name(span.level - 1, number))["points"]


def _name(level: int, number: int) -> str:
    """Return the name in the store of a group reduced from a level."""
    return f"{level}-{number:06}"


def _reduce(shared: _Reduction, task: tuple[str, _Span]) -> tuple[Array, Array]:
    """Reduce a span to a group in the store; return its picks and `nearest`."""
    name, span = task
    if shared.store.has(name):
        stored = shared.store.get(name)
        return stored["picks"], stored["nearest"]
    points = shared.points([span])
    chosen = greedy(points, OVERSAMPLING * shared.rows)
    arrays = {"points": points[chosen.picks], "picks": chosen.picks, "nearest": chosen.nearest}
    shared.store.put(name, arrays)
    return chosen.picks, chosen.nearest


def _last_shard(shared: _Reduction, spans: list[_Span]) -> Shard:
    """Return the remaining rows of all levels as one shard."""
    return Shard(shared.points(spans), 0, overwrite=True)
