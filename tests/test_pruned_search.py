"""Cells rule rows out, and never the nearest one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from references import nearest_loop

from goldensample.native import library as native
from goldensample.search.exact import NearestSearch
from goldensample.search.pruned import PrunedSearch, product_error

FEW = 32
"""Queries of one call that do not make a search sort its bank."""


@pytest.fixture(params=["compiled", "compiled without AVX2", "NumPy"], autouse=True)
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, plain) -> str:
    """Search in cells by each code, even where the full product is as quick."""
    monkeypatch.setattr("goldensample.search.pruned.WORTH", np.inf)
    monkeypatch.setattr("goldensample.search.compiled.PATIENCE", 10**6)
    found = {"compiled": native.library(), "compiled without AVX2": plain, "NumPy": None}
    if request.param != "NumPy" and found[request.param] is None:
        pytest.skip("there is no C compiler")
    monkeypatch.setattr("goldensample.search.exact.library", lambda: found[request.param])
    monkeypatch.setattr("goldensample.search.compiled.library", lambda: found[request.param])
    return request.param


def rows(n: int, d: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 1, (n, d)).astype(np.float32)


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = np.random.default_rng(0).normal(0, 1, (25, d))
    return (middles[rng.integers(0, 25, n)] + rng.normal(0, 0.1, (n, d))).astype(np.float32)


def line(n: int, d: int, seed: int) -> np.ndarray:
    """Rows along a curve: neighbouring cells touch, none is far from the next."""
    at = np.random.default_rng(seed).uniform(0, 6, n)
    return np.cos(at[:, None] * np.linspace(0.1, 1.5, d)).astype(np.float32)


def both(bank: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Search in cells; demand what the full product gives, bit for bit."""
    search = NearestSearch(bank)
    search.sort()
    distances, found = search.find(queries)
    share = search.share
    for at in range(0, len(queries), FEW):
        full = NearestSearch(bank)
        expected, order = full.find(queries[at : at + FEW])
        assert full.share == 1
        assert np.array_equal(found[at : at + FEW], order)
        assert np.array_equal(distances[at : at + FEW], expected)
    assert distances.dtype == np.float32
    assert found.dtype == np.int64
    return distances, found, share


@pytest.mark.parametrize("made", [rows, clustered, line])
@pytest.mark.parametrize("count", [1, 2, 3, 17, 400, 3000])
@pytest.mark.parametrize("depth", [1, 2, 24])
def test_equal_to_brute_force(made, count, depth):
    bank, queries = made(count, depth, 1), made(24, depth, 2)
    distances, found, _ = both(bank, queries)
    expected, order = nearest_loop(bank, queries, 1)
    assert np.array_equal(found, order)
    np.testing.assert_allclose(distances, expected, rtol=1e-6)


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e4])
def test_any_magnitude(scale, offset):
    # with an offset 10^8 times the spread most rows become copies: ties
    bank = clustered(1500, 16, 1) * np.float32(scale) + np.float32(offset)
    queries = clustered(60, 16, 2) * np.float32(scale) + np.float32(offset)
    _, found, _ = both(bank, queries)
    assert np.array_equal(found, nearest_loop(bank, queries, 1)[1])


@pytest.mark.parametrize("spread", [1e-3, 1e-2, 0.1, 1.0])
def test_close_calls_below_the_rounding_of_the_products(spread):
    # two groups far from the centre: products of size 10^7 must tell what lies `spread` apart
    rng = np.random.default_rng(3)
    sides = np.where(np.arange(1500) % 2, 600, -600)[:, None]
    bank = (sides + rng.normal(0, spread, (1500, 16))).astype(np.float32)
    queries = (sides[:200] + rng.normal(0, spread, (200, 16))).astype(np.float32)
    _, found, _ = both(bank, queries)
    assert np.array_equal(found, nearest_loop(bank, queries, 1)[1])


def test_between_two_cells():
    # all queries lie on the border between cells, as far from one row as from another
    bank = np.stack(np.meshgrid(np.arange(40), np.arange(40), indexing="ij"), -1).reshape(-1, 2)
    queries = bank[:700:7] + np.float32(0.5)
    _, found, _ = both(bank.astype(np.float32), queries.astype(np.float32))
    assert np.array_equal(found, nearest_loop(bank, queries, 1)[1])


def test_ties_go_to_the_lower_row():
    bank = np.tile(clustered(400, 8, 0), (3, 1))
    distances, found, _ = both(bank, bank[500:900])
    assert np.all(distances == 0)
    assert np.array_equal(found[:, 0], np.arange(500, 900) % 400)


def test_queries_far_away_and_near_together():
    bank = clustered(2000, 12, 0)
    queries = np.concatenate([bank[:20], bank[:20] + 1000, bank[:20] * -50, bank[:1] * 0])
    distances, found, _ = both(bank, queries)
    assert np.array_equal(found, nearest_loop(bank, queries, 1)[1])
    assert np.all(distances[:20] == 0)


@pytest.mark.parametrize("value", [0.0, 3.0, -1e4])
def test_a_bank_of_equal_rows(value):
    bank = np.full((1100, 5), value, np.float32)
    distances, found, _ = both(bank, np.concatenate([bank[:3], bank[:3] + 2]))
    assert not found.any()
    assert np.all(distances[:3] == 0)


def test_clustered_rows_are_mostly_left_out():
    bank, queries = clustered(3000, 32, 1), clustered(900, 32, 2)
    search = NearestSearch(bank)
    search.find(queries)  # enough of them to sort the bank without being told
    assert 0 < search.share < 0.2
    assert both(bank, queries)[2] == search.share


def test_more_values_than_a_block_holds():
    bank, queries = rows(9000, 8, 1), rows(2000, 8, 2)  # most cells in question, several blocks
    search = NearestSearch(bank)
    distances, found = search.find(queries)
    alone = [NearestSearch(bank).find(queries[at : at + 1]) for at in (0, 999, 1999)]
    for at, (expected, order) in zip((0, 999, 1999), alone, strict=True):
        assert (distances[at], found[at]) == (expected[0], order[0])


def test_more_neighbours_are_found_in_a_sorted_bank():
    bank, queries = clustered(2000, 16, 1), clustered(30, 16, 2)
    search = NearestSearch(bank)
    expected = search.find(queries, 5)
    search.sort()
    found = search.find(queries, 5)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_rows_without_order_are_searched_in_full(monkeypatch):
    bank, queries = rows(1200, 60, 1), rows(40, 60, 2)
    in_cells = both(bank, queries)[2]
    assert in_cells > 1  # nothing, or hardly a row, is ruled out
    monkeypatch.setattr("goldensample.search.pruned.WORTH", 0.6)
    monkeypatch.setattr("goldensample.search.compiled.PATIENCE", -100)
    assert both(bank, queries)[2] == 1


@pytest.mark.parametrize("count", [1, 2, 7])
def test_near_ties_are_in_the_order_of_numpy(count):
    # rows in all corners of a cube round a query: equal distances but for the order of summing
    rng = np.random.default_rng(4)
    middle = rng.normal(0, 1, 40).astype(np.float32)
    corners = rng.permuted(np.tile(rng.normal(0, 1, 40), (1500, 1)), axis=1)
    bank = (middle + corners * rng.choice([-1, 1], (1500, 40))).astype(np.float32)
    queries = np.stack([middle, middle + np.float32(1e-6), bank[7]])
    search = NearestSearch(bank)
    search.sort()
    expected = NearestSearch(bank).find_squared(queries, count)
    for found in (search.find(queries, count)[1], search.find_squared(queries, count)[1]):
        assert np.array_equal(found, expected[1])
    assert np.array_equal(search.find_squared(queries, count)[0], expected[0])
    assert np.array_equal(search.find(queries, count)[0], np.sqrt(expected[0]).astype(np.float32))


def test_threads_search_at_once():
    bank, queries = clustered(3000, 32, 1), clustered(400, 32, 2)
    search = NearestSearch(bank)
    expected = NearestSearch(bank).find(queries[:20])
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: search.find(queries), range(12)))
    for distances, found in answers:
        assert np.array_equal(found[:20], expected[1])
        assert np.array_equal(distances[:20], expected[0])


def test_compiled_code_that_does_not_load_is_left(tmp_path):
    (tmp_path / "damaged.so").write_bytes(b"no library")
    assert native.load(tmp_path / "damaged.so") is None


def test_by_hand():
    # ten rows, three cells: a query at 2.75 measures the cell of the rows near 0 alone
    values = [10, 0, 1, 11, 2, 30, 31, 12, 32, 3]
    columns = np.array([[-2 * x, x * x] for x in values], np.float32)
    found = PrunedSearch(columns).find(np.array([[2.75, 1]], np.float32))
    assert found is not None
    query, row, products = found
    assert (query.tolist(), row.tolist()) == ([0], [9])
    assert products == 3 + 4  # three middles, and the cell of 0, 1, 2, 3


def test_the_error_bound_by_hand():
    # depth 1: 10 roundings of 2^-24 times (1 + 2)²
    assert product_error(1, 1.0, 2.0) == pytest.approx(90 * 2**-24, rel=1e-5)
