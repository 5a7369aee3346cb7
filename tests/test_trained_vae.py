"""The VAE's bound, and the steps that move a picture at inspection, each computed another way."""

import numpy as np
import pytest

from goldensample.methods.trained import vae_grad
from goldensample.records import silent
from test_trained_contract import pictures

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


def test_the_bound_lies_below_the_likelihood_that_sampling_gives():
    """log p(x) from 1,000 samples of two latent numbers, weighted by p(x, z) / q(z|x)."""
    torch.manual_seed(0)
    vae = vae_grad.VAEGrad(side=16, latent=2)._networks(None)["vae"].double()
    pixels = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    gamma = 0.3
    with torch.no_grad():
        vae["encoder"][-1].bias.fill_(1)  # so that q is not what it should be
        mean, log_variance = vae["encoder"](pixels).chunk(2, dim=1)
        noise = torch.randn(1000, 2, 1, 1, dtype=torch.float64)
        z = mean + (log_variance / 2).exp() * noise
        rebuilt = vae["decoder"](z)
        gamma2 = torch.tensor(gamma**2, dtype=torch.float64)
        bounds = vae_grad.evidence_bound(pixels, rebuilt, mean, log_variance, gamma2)
    normal = torch.distributions.Normal
    prior = normal(0.0, 1.0).log_prob(z).sum(dim=(1, 2, 3))
    posterior = normal(mean, (log_variance / 2).exp()).log_prob(z).sum(dim=(1, 2, 3))
    likelihood = normal(rebuilt, gamma).log_prob(pixels).sum(dim=(1, 2, 3))
    weights = likelihood + prior - posterior
    evidence = torch.logsumexp(weights, dim=0) - np.log(len(z))
    # the same mean as that of the weights, whose divergence is sampled and not computed
    assert bounds.mean().item() == pytest.approx(weights.mean().item(), abs=0.05)
    assert bounds.mean() < evidence - 0.1


def test_gamma_is_the_one_with_the_best_bound():
    torch.manual_seed(0)
    pixels, rebuilt = torch.rand(2, 4, 3, 16, 16, dtype=torch.float64)
    nothing = torch.zeros(4, 2, 1, 1, dtype=torch.float64)

    def bound(gamma2: torch.Tensor) -> float:
        return vae_grad.evidence_bound(pixels, rebuilt, nothing, nothing, gamma2).mean().item()

    best = (pixels - rebuilt).square().mean()
    assert bound(best) > max(bound(best * 0.99), bound(best * 1.01))


def test_the_energys_gradient_is_that_of_finite_differences():
    torch.manual_seed(0)
    vae = vae_grad.VAEGrad(side=16, latent=4)._networks(None)["vae"].double()
    pixels = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    with torch.no_grad():
        gradient, difference = vae_grad.energy_gradient(vae, pixels)
        rebuilt = vae["decoder"](vae["encoder"](pixels)[:, :4])
        assert torch.equal(difference, pixels - rebuilt)
        for place in [(0, 0, 0, 0), (0, 1, 7, 9), (0, 2, 15, 3)]:
            energies = []
            for change in (1e-4, -1e-4):
                moved = pixels.clone()
                moved[place] += change
                energies.append(vae_grad.energy_gradient(vae, moved)[1].square().sum())
            slope = ((energies[0] - energies[1]) / 2e-4).item()
            assert gradient[place].item() == pytest.approx(slope, rel=1e-6)


def test_the_exported_steps_are_those_of_autograd(monkeypatch):
    kept = []
    build = vae_grad.VAEGrad._networks
    monkeypatch.setattr(
        vae_grad.VAEGrad,
        "_networks",
        lambda self, pixels: kept.append(build(self, pixels)) or kept[0],
    )
    method = vae_grad.VAEGrad(
        budget="hand", epochs=5, side=16, latent=4, steps=30, step_size=0.7, l1_weight=0.2
    )
    detector = method.fit([pictures(12, 0)], silent)
    start = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    moved, vae = start, kept[0]["vae"]
    for _ in range(30):
        moved = moved.detach().requires_grad_()
        rebuilt = vae["decoder"](vae["encoder"](moved)[:, :4])
        energy = (moved - rebuilt).square().sum() + 0.2 * (moved - start).abs().sum()
        (gradient,) = torch.autograd.grad(energy, moved)
        moved = (moved - 0.7 * gradient * (moved - rebuilt).square()).detach()
    expected = (moved - start).abs().mean(dim=1).numpy()
    assert expected.max() > 0.05
    actual = detector.runner.run(start[0].numpy())["map"]
    assert actual == pytest.approx(expected, abs=1e-4)


def test_long_steps_from_a_large_defect_stay_finite():
    """The energy of such a picture is steep: its steps would grow until they are not finite."""
    method = vae_grad.VAEGrad(budget="hand", side=16, latent=4, step_size=10)
    detector = method.fit([pictures(2, 0)], silent)
    grid = detector.score(pictures(1, 1, planted=(16, 16))).grid
    assert 0 < grid.max() <= 1


def test_the_file_holds_the_steps_once():
    sizes = [
        vae_grad.VAEGrad(budget="hand", side=16, latent=4, steps=steps)
        .fit([pictures(2, 0)], silent)
        .model.size
        for steps in (1, 200)
    ]
    assert abs(sizes[0] - sizes[1]) < 100
