"""Patches: averages, alignment, joining, and the authors' reduction."""

import math

import numpy as np
import pytest
from references import neighbourhood_mean_loop

from goldensample.features import patches


def level(d: int, h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((d, h, w), np.float32)


@pytest.mark.parametrize("width", [1, 3, 5])
def test_neighbourhood_mean_equals_the_loop(width):
    values = level(3, 7, 5)
    found = patches.join_levels((values,), width, 1, 0)
    expected = neighbourhood_mean_loop(values, width).transpose(1, 2, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_reduction_of_a_whole_level_equals_the_authors():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values = level(20, 5, 6)
    unfolded = torch.nn.functional.unfold(torch.from_numpy(values)[None], 3, padding=1)[0].T
    pooled = torch.nn.functional.adaptive_avg_pool1d(unfolded, 64).T.reshape(64, 5, 6).numpy()
    found = patches.reduce_depth(values.transpose(1, 2, 0), 3, 64).transpose(2, 0, 1)
    np.testing.assert_allclose(found, pooled, rtol=1e-4, atol=1e-6)


def test_mean_by_hand():
    values = np.array([[[3.0, 6.0, 18.0]]], np.float32)  # one row: two of three rows are beyond
    assert patches.join_levels((values,), 3, 1, 0)[0, :, 0].tolist() == [
        1.0,
        3.0,
        pytest.approx(8 / 3),
    ]


def test_levels_are_aligned_as_torch_does():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    fine, coarse = level(2, 12, 10), level(4, 6, 5, seed=1)
    found = patches.join_levels((fine, coarse), 1, 1, 0)
    theirs = torch.nn.functional.interpolate(
        torch.from_numpy(coarse)[None], size=(12, 10), mode="bilinear", align_corners=False
    )[0].numpy()
    assert found.shape == (12, 10, 6)
    np.testing.assert_allclose(found[..., 2:], theirs.transpose(1, 2, 0), rtol=1e-4, atol=1e-6)


def test_stride_keeps_every_second_patch():
    maps = (level(3, 9, 8), level(2, 5, 4))
    every = patches.join_levels(maps, 3, 1, 0)
    np.testing.assert_allclose(patches.join_levels(maps, 3, 2, 0), every[::2, ::2], rtol=1e-6)


def test_pooling_equals_torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    values = level(1, 4, 4608)[0]
    for size in (1024, 100, 7):
        theirs = torch.nn.functional.adaptive_avg_pool1d(torch.from_numpy(values), size).numpy()
        for groups in {1, math.gcd(4608, size)}:  # segments repeat, so both are the same
            found = patches.pool_last(values[None], size, groups)[0]
            np.testing.assert_allclose(found, theirs, rtol=1e-4, atol=1e-6)


def test_pooling_by_hand():
    found = patches.pool_last(np.array([[[1.0, 2, 3, 4, 5]]]), 2, 1)
    assert found.ravel().tolist() == pytest.approx([2.0, 4.0])


def test_authors_reduction_is_what_it_works_out_to():
    # wide_resnet50_2: 512 and 1024 channels give 512 + 512 values; level 2 by a window of 0.1
    # with 0.2 in the centre, level 3 by a plain mean over channel pairs
    fine, coarse = level(512, 6, 6), level(1024, 3, 3, seed=1)
    found = patches.join_levels((fine, coarse), 3, 1, 1024)
    assert found.shape == (6, 6, 1024)
    window = fine[:, 1:4, 2:5]
    expected = 0.1 * window.sum(axis=(1, 2)) + 0.1 * window[:, 1, 1]
    np.testing.assert_allclose(found[2, 3, :512], expected, rtol=1e-4)
    centre = coarse[:, 0:3, 0:3].mean(axis=(1, 2)).reshape(512, 2).mean(axis=1)
    grid = coarse.transpose(1, 2, 0)
    reduced = patches.pool_last(patches.reduce_depth(grid, 3, 1024), 512, 512)
    np.testing.assert_allclose(reduced[1, 1], centre, rtol=1e-4)
    # resized before or after pooling is the same
    double = patches.resize_matrix(3, 6)
    whole = patches.reduce_depth(grid, 3, 1024).transpose(2, 0, 1)
    wide = patches.apply_to_axes(whole, double, double).transpose(1, 2, 0)
    np.testing.assert_allclose(found[..., 512:], patches.pool_last(wide, 512, 512), rtol=1e-5)


def test_torch_tensors_give_the_same():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    maps = (level(6, 8, 8), level(4, 4, 4))
    for depth in (0, 5):
        ours = patches.join_levels(maps, 3, 2, depth)
        theirs = patches.join_levels(tuple(map(torch.from_numpy, maps)), 3, 2, depth)
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5)


def test_flatten_keeps_valid_patches_in_reading_order():
    grid = level(1, 2, 3).transpose(1, 2, 0)
    valid = np.array([[True, False, True], [False, False, True]])
    rows, cells = patches.flatten(grid, valid)
    assert cells.tolist() == [[0, 0], [0, 2], [1, 2]]
    assert np.array_equal(rows, grid[valid])
