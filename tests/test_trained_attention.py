"""CAVGA's attention and ITAE's restoring, each seen to be what it is called."""

import numpy as np
import pytest

from goldensample.methods.trained import cavga, itae
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.training import fit_networks
from goldensample.records import silent
from test_trained_contract import pictures

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def test_attention_is_the_grad_cam_that_autograd_gives():
    torch.manual_seed(0)
    networks = cavga.CAVGA(side=16, latent=4)._networks(None).eval()
    generator = networks["generator"]
    pixels = torch.rand(2, 3, 16, 16)
    features = generator["encoder"](pixels).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(generator["mean"](features).sum(), features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    expected = torch.sigmoid((weights * features).sum(dim=1)).detach().numpy()
    attention = cavga.attention(generator, features).detach().numpy()
    assert attention == pytest.approx(expected, abs=1e-5)


def test_the_expansion_loss_makes_attention_cover_more_of_a_good_picture(monkeypatch):
    seen, unseen = (gather_pixels([pictures(count, seed)], 16) for count, seed in ((12, 0), (4, 1)))

    def lacking(epochs: int) -> float:
        method = cavga.CAVGA(budget="hand", epochs=epochs, side=16, latent=8)
        networks, _ = fit_networks(method, seen, [], method.recipe(), silent)
        generator = networks["generator"]
        with torch.no_grad():
            features = generator["encoder"](torch.from_numpy(*unseen))
            return float(1 - cavga.attention(generator, features).mean())

    untrained, trained = lacking(0), lacking(40)
    monkeypatch.setattr(cavga, "EXPANSION", 0.0)
    assert trained < untrained - 0.1
    assert trained < lacking(40) - 0.05


def test_erased_is_the_mean_of_the_channels_turned():
    pixels = torch.rand(2, 3, 8, 8)
    for turn in range(4):
        expected = np.rot90(pixels.numpy().mean(axis=1, keepdims=True), turn, (2, 3))
        assert itae.erase(pixels, turn).numpy() == pytest.approx(expected, abs=1e-6)


def test_a_defect_is_restored_worse_than_what_was_seen():
    method = itae.ITAE(budget="hand", epochs=50, side=32, width=8)
    detector = method.fit([pictures(12, 0)], silent)
    assert detector.losses[-1, 0] < 0.75 * detector.losses[0, 0]
    good, odd = (detector.score(pictures(1, 5, place)) for place in (None, (40, 8)))
    assert odd.image[0] > 1.1 * good.image[0]
    inside = odd.grid[0, 20:28, 4:12].mean()
    assert inside > 2 * good.grid[0, 20:28, 4:12].mean()
