"""Patch SVDD: its dense maps, its distances and its training, each computed another way."""

from dataclasses import replace

import numpy as np
import pytest

from goldensample.errors import TrainingError
from goldensample.features.store import InMemoryArrayStore
from goldensample.methods.trained import patch_svdd
from goldensample.methods.trained.patch_distances import spread
from goldensample.methods.trained.recipe import Recipe
from goldensample.methods.trained.training import train
from goldensample.records import Features, silent

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def test_dense_maps_are_what_each_patch_alone_gives():
    """A large patch is four small ones, joined."""
    torch.manual_seed(0)
    networks = patch_svdd.PatchSVDD(latent=6, width=8)._networks(None)
    pixels = torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        maps = patch_svdd.dense(networks, pixels)
        assert (maps["small"].shape, maps["large"].shape) == ((1, 6, 49, 49), (1, 6, 33, 33))
        for name, patch, row, column in [("small", 32, 5, 48), ("large", 64, 32, 7)]:
            part = pixels[:, :, 2 * row : 2 * row + patch, 2 * column : 2 * column + patch]
            alone = patch_svdd.dense(networks, torch.nn.functional.pad(part, (0, 64 - patch) * 2))
            alone = alone[name][0, :, 0, 0].numpy()
            assert maps[name][0, :, row, column].numpy() == pytest.approx(alone, abs=1e-5)
        quarters = [pixels[:, :, i : i + 32, j : j + 32] for i in (0, 32) for j in (0, 32)]
        small = networks["patches"]["small"]
        four = torch.stack([small(2 * one - 1)[0, :, 0, 0] for one in quarters], dim=1)
        join, leaky, last, tanh = networks["patches"]["large"]
        joined = torch.einsum("odk,dk->o", join.weight.flatten(2), four) + join.bias
        expected = tanh(last(leaky(joined)[None, :, None, None]))[0, :, 0, 0]
        assert maps["large"][0, :, 0, 0].numpy() == pytest.approx(expected.numpy(), abs=1e-5)


def test_neighbours_lie_where_they_are_said_to():
    torch.manual_seed(1)
    places = torch.stack(torch.meshgrid(torch.arange(49), torch.arange(49), indexing="ij"))
    first, second, kinds = patch_svdd.draw_neighbours(places[None].repeat(40, 1, 1, 1), 32)
    shifts = (second - first).numpy()
    directions = np.asarray(patch_svdd.NEIGHBOURS)[kinds.numpy()]
    assert np.array_equal(np.sign(shifts), directions)
    assert set(np.abs(shifts).ravel()) == {0, *range(12, 16)}  # 24 to 30 pixels
    assert set(kinds.tolist()) == set(range(8))
    near = np.subtract(*(one.numpy() for one in patch_svdd.draw_near(places[None])))
    assert np.abs(near).max(axis=1).tolist() == [1] * patch_svdd.PAIRS


def test_a_block_has_the_mean_of_the_patches_that_it_is_in():
    distances = np.random.default_rng(0).random((5, 5)).astype(np.float32)
    expected = np.zeros((32, 32))
    for row, column in np.ndindex(32, 32):
        inside = [
            distances[i, j]
            for i, j in np.ndindex(5, 5)
            if 0 <= 4 * row - 16 * i < 64 and 0 <= 4 * column - 16 * j < 64
        ]
        expected[row, column] = np.mean(inside)
    assert spread(distances, 64, 128) == pytest.approx(expected, rel=1e-5)


def test_training_learns_to_tell_where_a_neighbour_is():
    """On pictures that are darker to the left and greener below; chance tells one in 8."""
    torch.manual_seed(2)
    ramp = torch.linspace(0, 1, 128)
    picture = torch.stack([ramp.expand(128, 128), ramp.expand(128, 128).T, ramp.outer(ramp)])
    pixels = (picture + 0.02 * torch.randn(8, 3, 128, 128)).clamp(0, 1)
    method = patch_svdd.PatchSVDD(width=8, latent=8, budget="hand", epochs=40, svdd_weight=0.1)
    networks = method._networks(None)
    schedule = replace(patch_svdd.SCHEDULE, learning_rate=3e-3)
    recipe = Recipe(schedule, method._networks, method._losses, method._score)
    right = [accuracy(networks, pixels)]
    train(method, networks, [pixels], recipe, InMemoryArrayStore(), silent)
    right.append(accuracy(networks, pixels))
    assert right[0] < 0.3
    assert right[1] > 0.5


def accuracy(networks, pixels):
    with torch.no_grad():
        cells = patch_svdd.dense(networks, pixels.repeat(4, 1, 1, 1))["large"]
        first, second, kinds = patch_svdd.draw_neighbours(cells, 64)
        answers = networks["patches"]["position_large"](first - second).argmax(dim=1)
    return float((answers == kinds).float().mean())


def test_patches_that_are_all_alike_are_an_error():
    """As a weight that is too large makes them; blank pictures have them at once."""
    features = Features((np.full((2, 3, 128, 128), 0.5, np.float32),), np.ones((2, 128, 128), bool))
    method = patch_svdd.PatchSVDD(side=128, width=4, latent=4, stride=16, budget="hand", epochs=1)
    with pytest.raises(TrainingError, match=r"must differ; .* all alike; lower --svdd-weight"):
        method.fit([features], silent)
