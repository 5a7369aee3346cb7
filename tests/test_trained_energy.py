"""DSEBM's energy and GeoTrans' transforms and distributions, each computed another way."""

import numpy as np
import pytest

from goldensample.methods.trained import dsebm, geotrans
from goldensample.records import silent
from test_trained_contract import pictures

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def test_the_energys_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    network = dsebm.energy_network(torch.rand(4, 3, 16, 16)).double()
    pixels = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    gradient = dsebm.energy_and_gradient(network, pixels)[1]
    for place in [(0, 0, 0, 0), (0, 1, 7, 9), (0, 2, 15, 3)]:
        moved = [pixels.clone(), pixels.clone()]
        for one, step in zip(moved, (1e-4, -1e-4), strict=True):
            one[place] += step
        higher, lower = (dsebm.energy_and_gradient(network, one)[0] for one in moved)
        assert gradient[place].item() == pytest.approx(((higher - lower) / 2e-4).item(), rel=1e-6)


def test_training_undoes_noise_better_than_leaving_it():
    detector = dsebm.DSEBM(budget="hand", epochs=40, side=16, noise=0.2).fit(
        [pictures(12, 0)], silent
    )
    noise = 0.2**2 * 3 * 16 * 16
    assert detector.losses[-1, 0] < noise / 2
    assert detector.losses[-1, 0] < detector.losses[0, 0]


def test_the_72_transforms_are_all_different_and_what_they_are_called():
    places = geotrans.transforms(32)
    assert places.shape == (72, 32 * 32)
    assert len({one.tobytes() for one in places}) == 72
    picture = np.arange(32 * 32).reshape(32, 32)
    assert np.array_equal(places[0].reshape(32, 32), picture)
    for quarters in range(4):
        assert np.array_equal(places[quarters].reshape(32, 32), np.rot90(picture, quarters))
    flipped = places[36].reshape(32, 32)
    assert np.array_equal(flipped, picture[:, ::-1])
    right = places[4].reshape(32, 32)  # moved by a quarter of the side
    assert np.array_equal(right[:, 8:], picture[:, :-8])
    assert np.array_equal(right[:, :8], picture[:, 7::-1])
    pixels = torch.rand(2, 3, 32, 32)
    forms = geotrans.transformed(pixels, torch.from_numpy(places[[4, 1]]))
    assert torch.equal(forms[0, :, :, 8:], pixels[0, :, :, :-8])
    assert torch.equal(forms[1], torch.rot90(pixels[1], 1, (1, 2)))


def test_the_dirichlet_distribution_that_samples_came_from_is_found():
    true = np.array([[5.0, 1.0, 0.5], [2.0, 30.0, 8.0]])
    rng = np.random.default_rng(0)
    samples = np.stack([rng.dirichlet(alpha, 20_000) for alpha in true], axis=1)
    found = geotrans.concentrations(torch.from_numpy(np.log(samples)))
    assert np.abs(found.numpy() / true - 1).max() < 0.03
    # no gain from there in any direction: it is the most likely one
    logs = np.log(samples).mean(axis=0)

    def likelihood(alpha: np.ndarray) -> np.ndarray:
        total = torch.lgamma(torch.from_numpy(alpha).sum(dim=1))
        return (total - torch.lgamma(torch.from_numpy(alpha)).sum(dim=1)).numpy() + (
            (alpha - 1) * logs
        ).sum(axis=1)

    best = likelihood(found.numpy())
    for k in range(3):
        for step in (0.99, 1.01):
            other = found.numpy().copy()
            other[:, k] *= step
            assert (likelihood(other) < best).all()


def test_transforms_are_told_apart_after_training():
    """Of 72, on pictures that have a top and a left; chance is one in 72."""
    detector = geotrans.GeoTrans(budget="hand", epochs=80, side=16, width=1).fit(
        [pictures(12, 0)], silent
    )
    untrained, trained = detector.losses[[0, -1], 0]
    assert untrained == pytest.approx(np.log(72), abs=0.2)
    assert trained < np.log(72) - 1
