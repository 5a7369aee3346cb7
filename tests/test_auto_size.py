"""How many bank rows are enough."""

import numpy as np
import pytest

from goldensample.coreset.auto_size import FIRST, LARGEST, rank_correlation, sufficient_share


def parts(pictures: int, spread: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """200 patches a picture at 30 places; `spread` is how much one place varies."""
    rng = np.random.default_rng(seed)
    places = rng.normal(0, 5, (30, 6))
    numbers = np.repeat(np.arange(pictures), 200)
    points = places[rng.integers(0, 30, len(numbers))]
    return (points + rng.normal(0, spread, points.shape)).astype(np.float32), numbers


def test_it_ends_within_its_bounds_and_grows_with_what_there_is_to_know():
    plain, rich = (sufficient_share(*parts(30, spread, 0)) for spread in (0.0, 2.0))
    assert FIRST < plain <= rich <= LARGEST
    assert plain <= 4 * FIRST


def test_it_is_deterministic_and_changes_nothing():
    points, pictures = parts(24, 1.0, 1)
    kept = points.copy()
    assert sufficient_share(points, pictures) == sufficient_share(points, pictures)
    assert np.array_equal(points, kept)


@pytest.mark.parametrize("pictures", [1, 2])
def test_too_few_pictures_take_the_largest_share(pictures):
    assert sufficient_share(*parts(pictures, 1.0, 2)) == LARGEST


def test_rank_correlation_by_hand():
    assert rank_correlation(np.array([1.0, 5, 9]), np.array([2.0, 3, 70])) == pytest.approx(1)
    # ranks 0 1 2 against 0 2 1: 1 - 6 · 2 / (3 · 8) = 0.5
    assert rank_correlation(np.array([1.0, 5, 9]), np.array([1.0, 8, 7])) == pytest.approx(0.5)
