"""The coreset's picks are those of the plain loop."""

import numpy as np
import pytest
from references import clustered_points, greedy_loop

from goldensample.coreset import greedy, projection, shards


@pytest.mark.parametrize("block", [1, 2, 7, 64, 5000])
@pytest.mark.parametrize("seed", [0, 1])
def test_picks_equal_the_loop_for_every_block(block, seed):
    points = clustered_points(700, 24, seed)
    whole, _ = projection.to_integers(points)
    found = greedy.greedy(points, 150, block=block)
    assert found.picks.tolist() == greedy_loop(whole, 150)


def test_picks_equal_the_loop_with_duplicates_and_ties():
    rng = np.random.default_rng(3)
    points = rng.integers(-2, 3, (600, 3)).astype(np.float32)  # 125 places at most: ties abound
    whole, _ = projection.to_integers(points)
    for block in (1, 5, 50, 600):
        assert greedy.greedy(points, 90, block=block).picks.tolist() == greedy_loop(whole, 90)


def test_picks_equal_the_loop_beyond_float32_depth():
    points = clustered_points(300, 400, 5)
    whole, _ = projection.to_integers(points)
    assert whole.dtype == np.float64
    assert greedy.greedy(points, 80).picks.tolist() == greedy_loop(whole, 80)


def test_picks_are_the_same_in_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    points = clustered_points(900, 128, 7)
    ours = greedy.greedy(points, 200).picks
    theirs = greedy.greedy(torch.from_numpy(points), 200).picks
    assert ours.tolist() == theirs.tolist()


def test_every_squared_distance_is_exact_in_float32():
    whole, _ = projection.to_integers(clustered_points(150, 256, 2))
    assert whole.dtype == np.float32
    assert np.array_equal(whole, np.round(whole))
    assert 4 * 256 * np.abs(whole).max() ** 2 < 2**24
    squared = projection.squared_between(whole, whole)
    wide = whole.astype(np.int64)
    assert np.array_equal(squared, ((wide[:, None] - wide[None]) ** 2).sum(-1))


def test_a_far_row_does_not_coarsen_the_others():
    points = clustered_points(500, 32, 4)
    points[77] = 5000
    whole, step = projection.to_integers(points)
    assert whole.dtype == np.float64
    assert step < 0.01
    found = greedy.greedy(points, 60)
    assert found.picks.tolist() == greedy_loop(whole, 60)
    assert len(found.picks) == 60


def test_it_ends_when_every_row_is_a_copy_of_a_pick():
    points = np.repeat(np.array([[0.0, 0], [3, 4], [6, 8]], np.float32), 5, axis=0)
    found = greedy.greedy(points, 15)
    assert len(found.picks) == 3
    assert found.radius == 0


def test_identical_rows_keep_one():
    found = greedy.greedy(np.ones((20, 6), np.float32), 5)
    assert found.picks.tolist() == [0]
    assert found.radius == 0


def test_radius_by_hand():
    # on a line at 0, 4, 10: the centre is 14/3, so 10 is first, then 0; 4 stays 4 away from 0
    found = greedy.greedy(np.array([[0.0], [4], [10]], np.float32), 2)
    assert found.picks.tolist() == [2, 0]
    assert found.radius == pytest.approx(4, rel=2e-2)


def test_projection_keeps_distances_and_depends_on_the_seed():
    points = clustered_points(200, 512, 1)
    seen = projection.project(points, 128, 0)
    assert seen.shape == (200, 128)
    before = np.linalg.norm(points[:100] - points[100:], axis=1)
    after = np.linalg.norm(seen[:100] - seen[100:], axis=1)
    assert np.abs(after / before - 1).max() < 0.3
    assert not np.array_equal(seen, projection.project(points, 128, 1))
    assert projection.project(points, 0, 0) is points


def test_progress_is_told():
    told = []
    greedy.greedy(clustered_points(300, 8, 0), 40, block=16, notify=told.append)
    assert told == sorted(told)
    assert told[-1] == 40


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_picks_equal_the_loop_when_rows_are_sorted_into_cells(seed, monkeypatch):
    monkeypatch.setattr(greedy, "CELLS", 20)
    monkeypatch.setattr(shards, "TILE", 128)
    monkeypatch.setattr(projection, "TILE", 100)
    points = clustered_points(900, 12, seed)
    points[500:600] = points[:100]  # copies, so that there are ties between cells
    whole, _ = projection.to_integers(points)
    found = greedy.greedy(points, 300)
    assert found.picks.tolist() == greedy_loop(whole, 300)
    squared = ((whole[:, None] - whole[found.picks][None]) ** 2).sum(-1)
    assert np.array_equal(squared[np.arange(900), found.nearest], squared.min(axis=1))


def test_working_space_may_be_the_points_themselves():
    points = clustered_points(300, 16, 0)
    kept = points.copy()
    first = greedy.greedy(points, 40)
    assert np.array_equal(points, kept)
    assert greedy.greedy(points, 40, overwrite=True).picks.tolist() == first.picks.tolist()
