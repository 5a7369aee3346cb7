"""The streaming coreset's bound, that it forgets nothing, and that its tree can be shared out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from references import clustered_points
from travelling import PicklingRunner

from goldensample.coreset import greedy, streaming
from goldensample.coreset.merge_tree import group_runs
from goldensample.coreset.streaming import (
    BRANCHES,
    OVERSAMPLING,
    reduction_rows,
    streaming_coreset,
)
from goldensample.runners import local_runner


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    return clustered_points(n, d, seed, 40)


class InParts:
    """A `PointSource` of an array; remembers what was read."""

    def __init__(self, points: np.ndarray, counts: list[int]) -> None:
        self.array, self.counts = points, counts
        self.edges = np.concatenate([[0], np.cumsum(counts)]).tolist()
        self.seen: list[range] = []
        assert self.edges[-1] == len(points)

    def points(self, parts: range) -> np.ndarray:
        self.seen.append(parts)
        return self.array[self.edges[parts.start] : self.edges[parts.stop]]


class Folder:
    """Keeps arrays in files, as a store must where tasks run elsewhere."""

    def __init__(self, path) -> None:
        self.path = path

    def has(self, name):
        return (self.path / f"{name}.npz").exists()

    def get(self, name):
        with np.load(self.path / f"{name}.npz") as arrays:
            return dict(arrays)

    def put(self, name, arrays):
        np.savez(self.path / f"{name}.npz", **arrays)


class Memory(dict):
    """Keeps arrays in this process, each once."""

    def has(self, name):
        return name in self

    def get(self, name):
        return self[name]

    def put(self, name, arrays):
        assert name not in self
        self[name] = arrays


def plain_tree(points, counts, rows) -> tuple[int, greedy.Coreset]:
    """The tree of the streaming coreset, part by part, in its plainest form.

    Every row held knows whom it stands for: the numbers of all rows that it replaced.
    """
    held: list[list[tuple[np.ndarray, list[np.ndarray]]]] = [[]]

    def reduced(groups, size):
        joined = np.concatenate([numbers for numbers, _ in groups])
        followers = [rows for _, group in groups for rows in group]
        found = greedy.greedy(points[joined], size)
        taken = [
            np.concatenate([followers[k] for k in np.flatnonzero(found.nearest == pick)])
            for pick in range(len(found.picks))
        ]
        return joined[found.picks], taken, found.radius

    at = 0
    for count in counts:
        numbers = np.arange(at, at + count)
        held[0].append((numbers, [numbers[k : k + 1] for k in range(count)]))
        at, level = at + count, 0
        while sum(len(numbers) for numbers, _ in held[level]) >= BRANCHES * OVERSAMPLING * rows:
            numbers, followers, _ = reduced(held[level], OVERSAMPLING * rows)
            held[level] = []
            level += 1
            if level == len(held):
                held.append([])
            held[level].append((numbers, followers))
    picks, followers, radius = reduced([group for level in held for group in level], rows)
    nearest = np.full(at, -1)
    for pick, rows_of_it in enumerate(followers):
        nearest[rows_of_it] = pick
    return len(held) - 1, greedy.Coreset(picks, nearest, radius)


def streamed(points: np.ndarray, rows: int, part: int, store=None) -> greedy.Coreset:
    store = Memory() if store is None else store  # an empty one is false
    counts = [min(part, len(points) - at) for at in range(0, len(points), part)]
    return streaming_coreset(InParts(points, counts), rows, store, local_runner)


def check_same(found, other):
    assert found.picks.tolist() == other.picks.tolist()
    assert found.nearest.tolist() == other.nearest.tolist()
    assert found.radius == other.radius


@pytest.mark.parametrize("part", [37, 500, 5000])
def test_every_row_lies_within_the_stated_bound(part):
    points, store = clustered(5000, 8, 0), Memory()
    found = streamed(points, 30, part, store)
    depth = len({name.split("-")[0] for name in store})
    away = np.linalg.norm(points - points[found.picks[found.nearest]], axis=1)
    exact = greedy.greedy(points, 30).radius
    # the greedy radius is at least OPT, so this is weaker than, and follows from, the bound
    assert away.max() <= (2 * depth + 2) * exact
    assert away.max() <= 2 * exact  # what it comes to on such data
    assert len(set(found.picks.tolist())) == 30


def test_few_rows_give_the_exact_coreset():
    points = clustered(BRANCHES * OVERSAMPLING * 30 - 1, 8, 1)
    check_same(streamed(points, 30, 100), greedy.greedy(points, 30))


def test_the_rows_held_do_not_grow_with_the_rows_seen(monkeypatch):
    reduced, plain = [], greedy.greedy_over

    def watched(shards, *others):
        reduced.extend(shards.query(lambda shard, _: len(shard.points), None))
        return plain(shards, *others)

    monkeypatch.setattr(greedy, "greedy_over", watched)
    monkeypatch.setattr(streaming, "greedy_over", watched)
    for n in (4000, 16000):
        reduced.clear()
        store = Memory()
        streamed(clustered(n, 4, 2), 20, 100, store)
        depth = len({name.split("-")[0] for name in store})
        assert max(reduced[:-1]) < reduction_rows(20) + 100
        assert reduced[-1] <= reduction_rows(20) * (depth + 1)
        assert sum(len(arrays["points"]) for arrays in store.values()) <= n / (BRANCHES - 1)


@pytest.mark.parametrize(
    ("n", "rows", "depth"), [(50, 9, 0), (300, 9, 1), (1500, 9, 2), (4000, 9, 2), (9000, 9, 3)]
)
def test_the_tree_is_the_plain_one_and_reads_every_part_once_in_order(n, rows, depth):
    points = clustered(n, 5, n)
    drawn = np.random.default_rng(n).integers(1, 60, n)
    counts = drawn[: np.searchsorted(np.cumsum(drawn), n)].tolist()
    counts.append(n - sum(counts))
    reached, expected = plain_tree(points, counts, rows)
    assert reached == depth
    told, picked, store, parts = [], [], Memory(), InParts(points, counts)
    found = streaming_coreset(parts, rows, store, local_runner, told.append, picked.append)
    check_same(found, expected)
    assert told == [run.stop for run in group_runs(counts, reduction_rows(rows))[0]]
    assert picked[-1] == len(found.picks)
    assert len(store) >= n // (reduction_rows(rows) + 60)
    assert [number for seen in parts.seen for number in seen] == list(range(len(counts)))


def test_copies_make_smaller_groups_and_the_same_tree():
    points = np.random.default_rng(0).integers(0, 4, (3000, 2)).astype(np.float32)  # 16 places
    counts = [50] * 60
    _, expected = plain_tree(points, counts, 12)
    assert len(expected.picks) == 12
    check_same(streamed(points, 12, 50), expected)
    all_places = streamed(points, 20, 50)
    assert len(all_places.picks) == 16
    assert all_places.radius == 0
    assert (points[all_places.picks[all_places.nearest]] == points).all()


def test_reductions_travel_and_their_rows_do_not_gather(tmp_path):
    points, counts = clustered(6000, 40, 8), [40] * 150
    parts, runner = InParts(points, counts), PicklingRunner()
    at_hand = len(points.tobytes())
    found = streaming_coreset(parts, 10, Folder(tmp_path), runner)
    check_same(found, plain_tree(points, counts, 10)[1])
    shared = [size for size in runner.sizes if size > at_hand]
    assert len(shared) == 5  # the source, which is all points here: for four levels and the end
    assert sum(runner.sizes) - sum(shared) < at_hand / 4


def test_what_is_in_the_store_is_not_reduced_again():
    points, counts = clustered(2000, 6, 9), [20] + [25] * 79 + [5]
    store = Memory()
    expected = streaming_coreset(InParts(points, counts), 8, store, local_runner)
    kept = dict(store)
    for name in list(store)[3:9]:
        del store[name]
    found = streaming_coreset(InParts(points, counts), 8, store, local_runner)
    check_same(found, expected)  # `put` refuses what is there
    assert store.keys() == kept.keys()
    left = group_runs(counts, reduction_rows(8))[1]
    assert list(left) == [77, 78, 79, 80]  # and of the parts only these are read, for the end
    again = InParts(points, counts)
    check_same(streaming_coreset(again, 8, store, local_runner), expected)
    assert again.seen == [left]


def test_runs_by_hand():
    assert group_runs([3, 4, 5, 9, 10, 2], 10) == ([range(3), range(3, 5)], range(5, 6))
    assert group_runs([10, 10], 10) == ([range(1), range(1, 2)], range(2, 2))
    assert group_runs([], 10) == ([], range(0))


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200))
def test_runs_cover_all_parts_and_end_as_soon_as_they_are_full(counts, full):
    found, rest = group_runs(counts, full)
    assert [number for run in [*found, rest] for number in run] == list(range(len(counts)))
    for run in found:
        assert sum(counts[run.start : run.stop]) >= full > sum(counts[run.start : run.stop - 1])
    assert sum(counts[rest.start : rest.stop]) < full
