"""FAISS's approximations find mostly the nearest rows, and measure what they find exactly."""

import numpy as np
import pytest
from references import clustered_points

from goldensample.search.approximate import KINDS, ApproximateSearch
from goldensample.search.exact import NearestSearch


@pytest.fixture(scope="module")
def clustered():
    rows = clustered_points(3000, 16, 0, 40, 0.5)
    return rows[:2500], rows[2500:]


@pytest.mark.parametrize("kind", KINDS)
def test_most_neighbours_are_the_true_ones_and_distances_are_exact(kind, clustered):
    bank, queries = clustered
    distances, rows = ApproximateSearch(bank, kind).find(queries)
    true, nearest = NearestSearch(bank).find(queries)
    assert (rows == nearest).mean() > {"hnsw": 0.95, "ivfpq": 0.5}[kind]
    np.testing.assert_allclose(
        distances[:, 0], np.linalg.norm(queries - bank[rows[:, 0]], axis=1), rtol=1e-5
    )
    assert (distances >= true - 1e-5).all()


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bank_gives_the_same_answers(kind, clustered):
    bank, queries = clustered
    one, two = (ApproximateSearch(bank, kind).find(queries, 5) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])
    assert (np.diff(one[0], axis=1) >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 7, 100])
def test_small_banks(kind, count):
    bank = np.random.default_rng(count).normal(size=(count, 6)).astype(np.float32)
    _, rows = ApproximateSearch(bank, kind).find(bank, min(3, count))
    assert ((rows >= 0) & (rows < count)).all()
