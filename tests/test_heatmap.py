"""The heat map is bilinear upsampling and a Gaussian blur, in the picture's own place."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from goldensample.preparation.preparation import Preparation
from goldensample.regions.components import components
from goldensample.regions.heatmap import blur, heat_map, regions


def centres(h: int, w: int, stride: int = 1):
    return tuple(tuple((np.arange(0, n, stride) + 0.5) / n) for n in (h, w))


def scores(h: int, w: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((h, w), np.float32)


@pytest.mark.parametrize("sigma", [0.0, 4.0])
def test_equals_torch_upsampling_and_scipys_blur(sigma):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    grid = scores(8, 12)
    placement = Preparation((64, 96), "stretch").placement((64, 96))
    found = heat_map(grid, np.ones((8, 12), bool), centres(8, 12), placement, sigma)
    up = torch.nn.functional.interpolate(
        torch.from_numpy(grid)[None, None], size=(64, 96), mode="bilinear", align_corners=False
    )[0, 0].numpy()
    expected = gaussian_filter(up, sigma, mode="reflect") if sigma else up
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("rows", "sigma"), [(256, 4.0), (300, 20.0), (512, 0.1), (3, 4.0), (1, 2.0), (64, 300.0)]
)
def test_the_blur_has_the_bits_of_scipys(rows, sigma):
    columns = np.random.default_rng(rows).random((rows, 7))
    expected = gaussian_filter1d(columns, sigma, axis=0, mode="reflect")
    np.testing.assert_array_equal(blur(columns, sigma), expected)


def test_a_crop_leaves_the_rest_at_zero():
    placement = Preparation((64, 64), "stretch", (32, 32)).placement((128, 128))
    found = heat_map(
        np.ones((4, 4), np.float32), np.ones((4, 4), bool), centres(4, 4), placement, 2
    )
    assert found.shape == (128, 128)
    np.testing.assert_allclose(found[32:96, 32:96], 1, rtol=1e-5)
    assert found[:32].max() == found[:, 96:].max() == 0


def test_padding_has_no_part():
    placement = Preparation((64, 64)).placement((32, 64))
    valid = placement.valid((8, 8))
    grid = np.where(valid, 2.0, 99.0).astype(np.float32)
    found = heat_map(grid, valid, centres(8, 8), placement, 4)
    assert found.shape == (32, 64)
    np.testing.assert_allclose(found, 2, rtol=1e-5)


def test_thinned_patches_peak_at_their_place():
    grid = np.zeros((4, 4), np.float32)
    grid[1, 2] = 1  # stride 2 on an 8x8 grid of 8 px cells: its centre is at row 20, column 36
    placement = Preparation((64, 64), "stretch").placement((64, 64))
    found = heat_map(grid, np.ones((4, 4), bool), centres(8, 8, 2), placement, 1)
    row, column = np.unravel_index(found.argmax(), found.shape)
    assert abs(row - 19.5) <= 1
    assert abs(column - 35.5) <= 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.4, 0.6, 1.0])
@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (30, 50)])
def test_components_are_those_of_scipy(shape, share):
    for seed in range(10):
        mask = np.random.default_rng(seed).random(shape) < share
        labels, boxes = components(mask)
        expected, _ = ndimage.label(mask, np.ones((3, 3), int))
        assert np.array_equal(labels, expected)
        assert boxes == ndimage.find_objects(expected)


def test_a_component_may_wind():
    rows = np.arange(40)
    mask = np.repeat(rows[:, None] % 2 == 0, 30, axis=1)
    mask[1::4, -1], mask[3::4, 0] = True, True  # joined at the right, at the left, at the right …
    assert components(mask)[1] == [(slice(0, 40), slice(0, 30))]


def test_regions_by_hand():
    values = np.zeros((6, 8), np.float32)
    values[1, 1], values[2, 2], values[4, 5:8] = 3, 2, 5
    values[4, 6] = 6
    first, second = regions(values, 1.0)
    assert (first.box_px, first.area_px, first.peak, first.peak_px) == (
        (4, 5, 1, 3),
        3,
        6.0,
        (4, 6),
    )
    assert (second.box_px, second.area_px, second.peak_px) == ((1, 1, 2, 2), 2, (1, 1))
    assert regions(values, 4.5) == [replace(first, limit=4.5)]
    assert regions(values, 6.0) == []
