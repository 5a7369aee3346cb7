"""The coreset by compiled code is that of NumPy and of the plain loop, ties and copies included."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import clustered_points, greedy_loop
from travelling import PicklingRunner

from goldensample.coreset import cells, compiled, greedy, projection, shards
from goldensample.coreset.cells import Cells
from goldensample.native import library as native
from goldensample.native import threads


@pytest.fixture(params=["as here", "without AVX2"])
def code(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, plain):
    found = native.library() if request.param == "as here" else plain
    if found is None:
        pytest.skip("there is no C compiler")
    for module in (compiled, projection):
        monkeypatch.setattr(module, "library", lambda: found)
    monkeypatch.setattr(greedy, "CELLS", 16)
    monkeypatch.setattr(compiled, "CHUNK", 100)
    monkeypatch.setattr(cells, "BLOCK_VALUES", 200)  # so that cells come in several blocks
    monkeypatch.setattr(compiled, "TILE", 64)
    return found


@pytest.fixture(params=[1, 3])
def thread_count(request: pytest.FixtureRequest) -> Iterator[int]:
    threads.use_threads(request.param)
    yield request.param
    threads.use_threads(0)


def far_flung(n: int, d: int, seed: int) -> np.ndarray:
    """Few rows far off; the others have a handful of whole numbers left, so that ties abound."""
    points = clustered_points(n, d, seed)
    points[:3] *= 6
    return points


def tied(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-2, 3, (n, d)).astype(np.float32)


def copied(n: int, d: int, seed: int) -> np.ndarray:
    return clustered_points(n // 3 + 1, d, seed)[np.arange(n) % (n // 3 + 1)]


def by_numpy(points: np.ndarray, rows: int) -> greedy.Coreset:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", lambda: None)
        return greedy.greedy(points, rows)


def check_same(one: greedy.Coreset, other: greedy.Coreset) -> None:
    assert one.picks.tolist() == other.picks.tolist()
    assert one.nearest.tolist() == other.nearest.tolist()
    assert one.nearest.dtype == other.nearest.dtype
    assert one.radius == other.radius


@pytest.mark.parametrize("make", [clustered_points, far_flung, tied, copied])
@pytest.mark.parametrize("depth", [1, 41, 256])
def test_it_is_that_of_numpy_and_of_the_loop(make, depth, code, thread_count):
    points = make(701, depth, depth)
    integers, _ = projection.to_integers(points)
    assert integers.dtype == np.float32
    found = greedy.greedy(points, 90)
    check_same(found, by_numpy(points, 90))
    assert found.picks.tolist() == greedy_loop(integers, 90)
    check_same(greedy.greedy(points.copy(), 90, overwrite=True), found)
    check_same(greedy.greedy(points, 90, block=7), found)


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(0, 99), st.integers(1, 45))
def test_it_is_that_of_numpy_for_any_size(n, d, seed, rows):
    points = np.random.default_rng(seed).integers(-3, 4, (n, d)).astype(np.float32)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(greedy, "CELLS", 3)
        small.setattr(greedy, "LARGEST_BLOCK", 8)
        found = greedy.greedy(points, rows)
        check_same(found, by_numpy(points, rows))
    assert found.picks.tolist() == greedy_loop(projection.to_integers(points)[0], rows)


def test_points_that_need_float64_are_left_to_numpy(code):
    points = clustered_points(300, 12, 0)
    points[5] = 5000
    found = greedy.greedy(points, 60)
    check_same(found, by_numpy(points, 60))
    assert found.picks.tolist() == greedy_loop(projection.to_integers(points)[0], 60)


@pytest.mark.parametrize("caller_has_it", [True, False])
def test_machines_with_and_without_it_work_together(caller_has_it, code, monkeypatch):
    points, runner = copied(500, 8, 4), PicklingRunner(lose_states=True)
    if not caller_has_it:
        monkeypatch.setattr(greedy, "library", lambda: None)
    cuts = [range(200), range(200, 350), range(350, 500)]
    applies = compiled.is_for
    some = {150} if caller_has_it else {150, 200}
    monkeypatch.setattr(
        compiled, "is_for", lambda given, grid: len(given) in some and applies(given, grid)
    )
    with runner.create_states(create_shard, points, cuts) as states:
        found = greedy.greedy_over(states, 120)
    check_same(found, by_numpy(points, 120))


def create_shard(points: np.ndarray, rows: range) -> shards.Shard:
    return shards.Shard(points[rows.start : rows.stop], rows.start)


def test_halves_are_projected_as_numpy_projects_them(code, thread_count, monkeypatch):
    monkeypatch.setattr(projection, "SPAN", 1000)
    halves = np.random.default_rng(0).standard_normal((301, 41)).astype(np.float16)
    halves[:2, :4] = [[0, -0.0, 6e-8, 65504], [-65504, 6e-5, -6e-8, 1]]  # subnormal and largest
    for points in (halves, halves[:1], np.asfortranarray(halves), halves[::2]):
        expected = projection.project(points.astype(np.float32), 16, 0)
        assert np.array_equal(projection.project(points, 16, 0), expected)
    assert np.array_equal(projection._to_float32(halves), halves.astype(np.float32))


def test_threads_are_as_many_as_are_set(thread_count):
    assert threads.thread_count() == thread_count
    threads.use_threads(0)
    assert threads.thread_count() == threads.cores() >= 1


def test_what_does_not_fit_never_reaches_compiled_code(code):
    points = np.zeros((5, 4), np.int16)
    norms = np.zeros(5, np.float32)
    cells = compiled.undivided(points, norms)
    fit = {"squared": norms, "nearest": np.zeros(5, np.int32), "picks": points[:2]}
    misfits = {"squared": norms[:4], "nearest": np.zeros(5, np.int64)}
    for name, misfit in misfits.items():
        with pytest.raises(ValueError, match="must be"):
            compiled.update(cells, points, norms, **(fit | {name: misfit}), first=0)
    for starts in ([0, 6], [1, 5], [0, 5, 4]):
        odd = Cells(np.array(starts), np.zeros((len(starts) - 1, 4), np.int16), norms)
        with pytest.raises(ValueError, match="must ascend from 0 to 5"):
            compiled.update(odd, points, norms, **fit, first=0)
