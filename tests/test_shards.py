"""A coreset over shards is the coreset, wherever the rows are cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from references import clustered_points, greedy_loop
from travelling import PicklingRunner

from goldensample.coreset import greedy, projection, shards
from goldensample.runners import local_runner


def make(points: np.ndarray, rows: range) -> shards.Shard:
    return shards.Shard(points[rows.start : rows.stop], rows.start)


def pieces(n: int, cuts: list[int]) -> list[range]:
    edges = sorted({0, n, *(cut for cut in cuts if cut < n)})
    return [range(*edge) for edge in pairwise(edges)]


def over(runner, points, cuts, rows, block=None) -> greedy.Coreset:
    with runner.create_states(make, points, pieces(len(points), cuts)) as states:
        return greedy.greedy_over(states, rows, block=block)


def same(one: greedy.Coreset, other: greedy.Coreset) -> bool:
    assert one.picks.dtype == other.picks.dtype
    assert one.nearest.dtype == other.nearest.dtype
    return (
        one.picks.tolist() == other.picks.tolist()
        and one.nearest.tolist() == other.nearest.tolist()
        and one.radius == other.radius
    )


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    points = clustered_points(n, d, seed)
    points[n // 2 : n // 2 + n // 8] = points[: n // 8]  # copies: ties between shards
    return points


@st.composite
def tables(draw):
    """Few rows, many of them alike or equally far; or of any size."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 4))
    whole = st.integers(-2, 2).map(float)
    wild = st.floats(-1e6, 1e6, width=32)
    values = draw(st.lists(draw(st.sampled_from([whole, wild])), min_size=n * d, max_size=n * d))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return np.array(values, dtype).reshape(n, d)


@settings(max_examples=80, deadline=None)
@given(tables(), st.lists(st.integers(1, 39)), st.integers(1, 45), st.integers(0, 9))
def test_any_cut_gives_the_picks_of_the_loop(points, cuts, rows, block):
    whole, step = projection.to_integers(points)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(greedy, "CELLS", 3)
        small.setattr(greedy, "LARGEST_BLOCK", 8)
        small.setattr(shards, "TILE", 7)
        small.setattr(projection, "TILE", 5)
        found = over(local_runner, points, cuts, rows, block or None)
        local = greedy.greedy(points, rows)
    assert same(found, local)
    assert found.picks.tolist() == greedy_loop(whole, rows)
    wide = whole.astype(np.float64)
    squared = ((wide[:, None] - wide[None, found.picks]) ** 2).sum(-1)
    assert found.nearest.tolist() == squared.argmin(axis=1).tolist()
    assert found.radius == squared.min(axis=1).max() ** 0.5 * step


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_sorted_into_cells_give_the_local_coreset(count, monkeypatch):
    monkeypatch.setattr(greedy, "CELLS", 30)
    points = clustered(3000, 24, 1)
    cuts = np.random.default_rng(count).integers(1, 3000, count - 1).tolist()
    local = greedy.greedy(points, 400)
    assert same(over(local_runner, points, cuts, 400), local)
    assert same(over(local_runner, points, cuts, 400, block=17), local)


def test_one_row_in_a_shard():
    points = clustered(60, 3, 2)
    assert same(over(local_runner, points, list(range(60)), 25), greedy.greedy(points, 25))


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_grid_hangs_on_no_cut_and_no_order(scale):
    rng = np.random.default_rng(0)
    points = (
        rng.standard_normal((5000, 6)) * 10.0 ** rng.integers(-3, 4, (5000, 6)) * scale
    ).astype(np.float32)
    grid = projection.grid_of(lambda measure, message: [measure(points, message)])
    for seed in range(3):
        parts = np.split(rng.permutation(points), np.sort(rng.integers(1, 5000, 4 * seed)))
        parts = [part for part in parts if len(part)]
        other = projection.grid_of(
            lambda measure, message, p=parts: [measure(x, message) for x in p]
        )
        assert other.centre.tolist() == grid.centre.tolist()
        assert (other.step, other.is_fine) == (grid.step, grid.is_fine)
    mean = points.astype(np.float64).mean(axis=0)
    assert np.abs(grid.centre - mean).max() <= 1e-9 * np.abs(points).max()


def test_what_is_told_travels_and_is_small():
    points, runner = clustered(20000, 16, 3), PicklingRunner()
    with runner.create_states(make, points, pieces(len(points), [6000, 6001, 15000])) as states:
        runner.sizes.clear()
        found = greedy.greedy_over(states, 150)
    assert same(found, greedy.greedy(points, 150))
    assert max(runner.sizes) < 4 * len(points)  # which pick is nearest, of one shard
    assert sum(runner.sizes) < points.nbytes


def test_shards_made_again_and_told_again_change_nothing(monkeypatch):
    monkeypatch.setattr(greedy, "CELLS", 20)
    points = clustered(500, 8, 4)
    found = over(PicklingRunner(lose_states=True), points, [100, 300], 120)
    assert same(found, greedy.greedy(points, 120))


def test_rounds_stay_few_with_many_shards():
    points = clustered(6000, 16, 5)

    def rounds(cuts):
        told = []
        with local_runner.create_states(make, points, pieces(len(points), cuts)) as states:
            greedy.greedy_over(states, 300, told.append)
        return len(told)

    assert rounds(list(range(100, 6000, 100))) <= rounds([]) + 10


def test_torch_shards_give_the_same():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    points = clustered(900, 128, 7)
    found = over(local_runner, torch.from_numpy(points), [300, 500], 200)
    assert same(found, greedy.greedy(points, 200))


def test_what_cannot_be_compared_is_refused():
    points = clustered(50, 3, 6)
    with pytest.raises(ValueError, match="at least one row; got none"):
        shards.Shard(points[:0], 0)
    for odd in (np.nan, np.inf, -np.inf):
        points[31, 1] = odd
        with pytest.raises(ValueError, match=r"must be finite numbers; got (nan|inf)"):
            over(local_runner, points, [20], 5)


def test_as_many_shards_as_make_a_round_short():
    assert [shards.shard_count(1000, rows) for rows in (1, 24_000, 600_000, 39_200_000)] == [
        4,
        4,
        20,
        161,
    ]
    assert [shards.shard_count(workers, 600_000) for workers in (1, 3, 20, 21)] == [1, 3, 20, 20]
