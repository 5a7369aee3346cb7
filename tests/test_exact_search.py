"""The neighbours found are the true ones."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from references import nearest_loop

from goldensample.native.library import library
from goldensample.search.exact import NearestSearch, _threads, search_in_threads


def rows(n: int, d: int, seed: int, offset: float = 0.0) -> np.ndarray:
    return (np.random.default_rng(seed).normal(0, 1, (n, d)) + offset).astype(np.float32)


@pytest.mark.parametrize("count", [1, 3, 9])
def test_equal_to_brute_force(count):
    bank, queries = rows(500, 40, 0), rows(60, 40, 1)
    distances, found = NearestSearch(bank).find(queries, count)
    expected, order = nearest_loop(bank, queries, count)
    assert np.array_equal(found, order)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_exact_where_float32_products_cannot_tell():
    # far from the origin, and neighbours that differ by less than the product's rounding error
    rng = np.random.default_rng(2)
    base = rows(1, 64, 3, offset=1000.0)
    bank = (base + rng.normal(0, 1, (400, 64)) * 1e-3).astype(np.float32)
    bank[200:] += rows(200, 64, 4, offset=300.0)
    queries = (base + rng.normal(0, 1, (50, 64)) * 1e-3).astype(np.float32)
    distances, found = NearestSearch(bank).find(queries)
    expected, order = nearest_loop(bank, queries, 1)
    assert np.array_equal(found, order)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)


def test_ties_go_to_the_lower_row():
    bank = np.repeat(rows(5, 8, 0), 4, axis=0)
    distances, found = NearestSearch(bank).find(bank[[3, 7, 19]], 2)
    assert found.tolist() == [[0, 1], [4, 5], [16, 17]]
    assert np.all(distances == 0)


def test_a_query_alone_is_as_in_a_batch():
    bank, queries = rows(700, 33, 0), rows(300, 33, 1)
    search = NearestSearch(bank)
    together, found = search.find(queries)
    for index in (0, 17, 299):
        alone, row = search.find(queries[index : index + 1])
        assert alone[0, 0] == together[index, 0]
        assert row[0, 0] == found[index, 0]


def test_by_hand():
    bank = np.array([[0, 0], [3, 4]], np.float32)
    distances, found = NearestSearch(bank).find(np.array([[3, 0]], np.float32), 2)
    assert distances.tolist() == [[3.0, 4.0]]
    assert found.tolist() == [[0, 1]]


def test_equal_to_faiss():
    faiss = pytest.importorskip("faiss", reason="FAISS is not installed")
    bank, queries = rows(2000, 96, 0), rows(200, 96, 1)
    _, found = NearestSearch(bank).find(queries)
    _, theirs = faiss.knn(queries, bank, 1)
    assert np.array_equal(found, theirs)


def test_the_same_in_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    bank, queries = rows(600, 50, 0), rows(80, 50, 1)
    ours = NearestSearch(bank).find(queries, 3)
    theirs = NearestSearch(torch.from_numpy(bank)).find(torch.from_numpy(queries), 3)
    assert np.array_equal(ours[1], theirs[1])
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6)


@pytest.mark.parametrize("count", [1, 9])
@pytest.mark.parametrize("is_sorted", [False, True])
def test_the_same_bits_in_threads(count, is_sorted):
    bank, queries = rows(600, 40, 0), rows(131, 40, 1)
    queries[7::50] = bank[3]  # some with ties
    bank[300:305] = bank[3]
    search = NearestSearch(bank)
    if is_sorted:
        search.sort()
    distances, found = search.find(queries, count)
    assert np.array_equal(found, nearest_loop(bank, queries, count)[1])
    squared, _ = search.find_squared(queries, count)
    for threads in (2, 3, 64):
        with search_in_threads(threads):
            again, rows_again = search.find(queries, count)
            squared_again, _ = search.find_squared(queries, count)
        assert again.tobytes() == distances.tobytes()
        assert squared_again.tobytes() == squared.tobytes()
        assert np.array_equal(rows_again, found)
        assert 0 < search.share <= 2


def test_threads_are_those_of_the_block_and_the_caller():
    with ThreadPoolExecutor(1) as other, search_in_threads(4):
        assert other.submit(_threads.get).result() == 1  # theirs is their own
    assert _threads.get() == 1


@pytest.mark.skipif(library() is None, reason="the search is not compiled")
def test_no_row_beyond_the_bank_is_read():
    memory = np.zeros((2000, 40), np.float32)  # what follows the bank is nearer than its rows
    memory[:600] = rows(600, 40, 0)
    search = NearestSearch(memory[:600])
    search.sort()
    queries = rows(200, 40, 1) / 3
    _, found, sure, _ = search._compiled.find(queries, 1)
    assert sure.all()
    assert np.array_equal(found, nearest_loop(memory[:600], queries, 1)[1])
