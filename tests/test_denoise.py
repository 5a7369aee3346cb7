"""Patches that other pictures do not have, against a slow loop."""

import numpy as np
import pytest
from references import to_others_loop

from goldensample.coreset import denoise


def given(pictures: int = 12, each: int = 30, d: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Patches around a few middles that all pictures share."""
    rng = np.random.default_rng(0)
    middles = rng.normal(0, 5, (6, d))
    n = pictures * each
    points = middles[rng.integers(0, 6, n)] + rng.normal(0, 0.3, (n, d))
    return points.astype(np.float32), np.repeat(np.arange(pictures), each)


def test_by_hand():
    points = np.array([[0.0], [1], [9]], np.float32)
    away = denoise.distance_to_other_pictures(points, np.arange(3), 0)
    np.testing.assert_allclose(away, [1, 1, 8], rtol=1e-2)  # whole numbers are a grid
    # three witnesses of six pictures: 0, 1, 2, 3, 4 and 100 are 3, 2, 2, 2, 3 and 98 away
    line = np.array([[0.0], [1], [2], [3], [4], [100]], np.float32)
    away = denoise.distance_to_other_pictures(line, np.arange(6), 0)
    np.testing.assert_allclose(away, [3, 2, 2, 2, 3, 98], atol=0.1)
    assert denoise.inlier_mask(line, np.arange(6), 0).tolist() == [True] * 5 + [False]


@pytest.mark.parametrize("pictures", [2, 3, 4, 5, 6, 12])
def test_distances_are_those_of_the_loop(pictures):
    points, of = given(pictures)
    away = denoise.distance_to_other_pictures(points, of, 0)
    np.testing.assert_allclose(away, to_others_loop(points, of, denoise.SUPPORT), atol=0.05)


def test_a_sample_is_compared_with():
    points, of = given()
    rows = np.random.default_rng(3).permutation(len(points))[:100]
    away = denoise.distance_to_other_pictures(points, of, 3, sample=100)
    expected = to_others_loop(points, of, denoise.SUPPORT, rows)
    np.testing.assert_allclose(away, expected, atol=0.05)
    assert not np.array_equal(away, denoise.distance_to_other_pictures(points, of, 4, sample=100))


@pytest.mark.parametrize("tile", [1, 7, 64, 10_000])
def test_tiles_and_the_order_of_pictures_do_not_matter(tile):
    points, of = given()
    away = denoise.distance_to_other_pictures(points, of, 0)
    assert np.array_equal(away, denoise.distance_to_other_pictures(points, of, 0, tile=tile))
    order = np.random.default_rng(1).permutation(len(points))
    shuffled = denoise.distance_to_other_pictures(points[order], of[order], 0, tile=tile)
    assert np.array_equal(away[order], shuffled)


def test_a_planted_defect_is_left_out_and_little_else():
    points, of = given(20)
    planted = np.flatnonzero(of == 4)[:5]
    points[planted] += 9
    twin = np.flatnonzero(of == 7)[:5]  # the same defect on a second picture
    points[twin] = points[planted]
    before = points.copy()
    told: list[int] = []
    kept = denoise.inlier_mask(points, of, 0, told.append)
    assert not kept[planted].any()
    assert not kept[twin].any()
    assert kept.mean() > 0.95
    assert np.array_equal(points, before)
    assert np.array_equal(kept, denoise.inlier_mask(points, of, 0))
    assert told[-1] == len(points)


def test_one_picture_and_alike_ones_stay():
    points, of = given(1)
    assert denoise.inlier_mask(points, of, 0).all()
    same = np.ones((40, 3), np.float32)
    assert denoise.inlier_mask(same, np.repeat(np.arange(4), 10), 0).all()
    assert denoise.inlier_mask(same[:1], np.zeros(1, int), 0).tolist() == [True]


def test_half_of_the_patches_stay_whatever_they_are():
    rng = np.random.default_rng(0)
    points = rng.standard_cauchy((600, 3)).astype(np.float32) ** 3
    kept = denoise.inlier_mask(points, np.repeat(np.arange(20), 30), 0)
    assert 0.5 <= kept.mean() < 1
