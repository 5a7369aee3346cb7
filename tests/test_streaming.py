"""The streaming coreset's bound, that it forgets nothing, and that its tree can be shared out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from travelling import Travelling

from goldensample.coreset import greedy
from goldensample.coreset.merge_tree import runs
from goldensample.coreset.streaming import (
    BRANCHES,
    SPARE,
    Parts,
    StreamingCoreset,
    full_at,
    streaming_over,
)
from goldensample.runners import here


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 3, (40, d))
    return (middles[rng.integers(0, 40, n)] + rng.normal(0, 1, (n, d))).astype(np.float32)


def streamed(points: np.ndarray, rows: int, part: int) -> tuple[StreamingCoreset, greedy.Coreset]:
    stream = StreamingCoreset(rows)
    for at in range(0, len(points), part):
        stream.add(points[at : at + part])
    return stream, stream.finish()


@pytest.mark.parametrize("part", [37, 500, 5000])
def test_every_row_lies_within_the_stated_bound(part):
    points = clustered(5000, 8, 0)
    stream, found = streamed(points, 30, part)
    away = np.linalg.norm(points - points[found.picks[found.nearest]], axis=1)
    exact = greedy.greedy(points, 30).radius
    # the greedy radius is at least OPT, so this is weaker than, and follows from, the bound
    assert away.max() <= (2 * stream.depth + 2) * exact
    assert away.max() <= 2 * exact  # what it comes to on such data
    assert len(set(found.picks.tolist())) == 30


def test_few_rows_give_the_exact_coreset():
    points = clustered(BRANCHES * SPARE * 30 - 1, 8, 1)
    _, found = streamed(points, 30, 100)
    exact = greedy.greedy(points, 30)
    assert found.picks.tolist() == exact.picks.tolist()
    assert found.radius == exact.radius
    assert np.array_equal(found.nearest, exact.nearest)


def test_the_rows_held_do_not_grow_with_the_rows_seen():
    held = []
    for n in (4000, 16000):
        stream = StreamingCoreset(20)
        points = clustered(n, 4, 2)
        for at in range(0, n, 100):
            stream.add(points[at : at + 100])
        held.append(max(sum(len(k) for k, _ in level) for level in stream.levels))
        assert sum(len(k) for level in stream.levels for k, _ in level) <= (
            BRANCHES * SPARE * 20 * len(stream.levels)
        )
    assert max(held) < BRANCHES * SPARE * 20


def read(source: tuple[np.ndarray, list[int]], parts: range) -> np.ndarray:
    points, edges = source
    return points[edges[parts.start] : edges[parts.stop]]


def in_parts(points: np.ndarray, counts: list[int]) -> Parts:
    edges = np.concatenate([[0], np.cumsum(counts)]).tolist()
    assert edges[-1] == len(points)
    return Parts(read, (points, edges), counts)


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


def local(points, counts, rows):
    stream, at = StreamingCoreset(rows), 0
    for count in counts:
        stream.add(points[at : at + count])
        at += count
    return stream.depth, stream.finish()


def check_same(found, other):
    assert found.picks.tolist() == other.picks.tolist()
    assert found.nearest.tolist() == other.nearest.tolist()
    assert found.radius == other.radius


@pytest.mark.parametrize(
    ("n", "rows", "depth"), [(50, 9, 0), (300, 9, 1), (1500, 9, 2), (4000, 9, 2), (9000, 9, 3)]
)
def test_the_tree_over_a_runner_is_the_local_one(n, rows, depth):
    points = clustered(n, 5, n)
    drawn = np.random.default_rng(n).integers(1, 60, n)
    counts = drawn[: np.searchsorted(np.cumsum(drawn), n)].tolist()
    counts.append(n - sum(counts))
    reached, expected = local(points, counts, rows)
    assert reached == depth
    told, store = [], Memory()
    found = streaming_over(here, in_parts(points, counts), rows, store, told.append)
    check_same(found, expected)
    assert told == [run.stop for run in runs(counts, full_at(rows))[0]]
    assert len(store) >= n // (full_at(rows) + 60)


def test_copies_make_smaller_groups_and_the_same_tree():
    points = np.random.default_rng(0).integers(0, 4, (3000, 2)).astype(np.float32)  # 16 places
    counts = [50] * 60
    _, expected = local(points, counts, 12)
    assert len(expected.picks) == 12
    check_same(streaming_over(here, in_parts(points, counts), 12, Memory()), expected)
    _, all_places = local(points, counts, 20)
    assert len(all_places.picks) == 16
    assert all_places.radius == 0
    assert (points[all_places.picks[all_places.nearest]] == points).all()


def test_reductions_travel_and_their_rows_do_not_gather(tmp_path):
    points, counts = clustered(6000, 40, 8), [40] * 150
    parts, runner = in_parts(points, counts), Travelling()
    at_hand = len(parts.source[0].tobytes())
    found = streaming_over(runner, parts, 10, Folder(tmp_path))
    check_same(found, local(points, counts, 10)[1])
    shared = [size for size in runner.sizes if size > at_hand]
    assert len(shared) == 5  # the source, which is all points here: for four levels and the end
    assert sum(runner.sizes) - sum(shared) < at_hand / 4


def test_what_is_in_the_store_is_not_reduced_again():
    points, counts = clustered(2000, 6, 9), [20] + [25] * 79 + [5]
    parts, store = in_parts(points, counts), Memory()
    expected = streaming_over(here, parts, 8, store)
    kept = dict(store)
    for name in list(store)[3:9]:
        del store[name]
    check_same(streaming_over(here, parts, 8, store), expected)  # `put` refuses what is there
    assert store.keys() == kept.keys()
    left = runs(counts, full_at(8))[1]
    assert list(left) == [77, 78, 79, 80]  # and of the parts only these are read, for the end

    def read_left(source, some):
        assert some == left
        return read(source, some)

    again = Parts(read_left, parts.source, counts)
    check_same(streaming_over(here, again, 8, store), expected)


def test_runs_by_hand():
    assert runs([3, 4, 5, 9, 10, 2], 10) == ([range(3), range(3, 5)], range(5, 6))
    assert runs([10, 10], 10) == ([range(1), range(1, 2)], range(2, 2))
    assert runs([], 10) == ([], range(0))


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200))
def test_runs_cover_all_parts_and_end_as_soon_as_they_are_full(counts, full):
    found, rest = runs(counts, full)
    assert [number for run in [*found, rest] for number in run] == list(range(len(counts)))
    for run in found:
        assert sum(counts[run.start : run.stop]) >= full > sum(counts[run.start : run.stop - 1])
    assert sum(counts[rest.start : rest.stop]) < full
