"""What each trained method is about, shown on something that can be computed another way."""

import numpy as np
import pytest

from goldensample.methods.trained import ganomaly

torch = pytest.importorskip("torch", reason="the extra [torch] is not installed")


@pytest.mark.parametrize("side", [16, 32, 64])
def test_ganomalys_encoder_and_decoder_fit_each_other(side):
    latent = ganomaly.encoder(side, 5)(torch.zeros(2, 3, side, side))
    assert latent.shape == (2, 5, 1, 1)
    assert ganomaly.decoder(side, 5)(latent).shape == (2, 3, side, side)


def test_ganomalys_losses_are_the_papers():
    """Each part computed in NumPy from the networks' outputs."""
    torch.manual_seed(0)
    method = ganomaly.GANomaly(side=16, latent=4)
    networks = method._networks(None).eval()
    pixels = torch.rand(3, 3, 16, 16)
    (_, generator), (_, discriminator) = ganomaly.losses(networks, pixels)
    with torch.no_grad():
        real = 2 * pixels - 1
        latent, fake, again = ganomaly.reconstruct(networks, real)
        critic = networks["discriminator"]
        features = [critic[:-1](one).numpy() for one in (real, fake)]
        logits = [critic(one).numpy().reshape(-1) for one in (real, fake)]
    difference = features[0] - features[1]
    contextual = np.abs((fake - real).numpy()).mean()
    encoding = ((again - latent).numpy() ** 2).mean()
    expected = (difference**2).mean() + 50 * contextual + encoding
    assert generator.item() == pytest.approx(expected, rel=1e-5)
    real_loss, fake_loss = np.log1p(np.exp(-logits[0])).mean(), np.log1p(np.exp(logits[1])).mean()
    assert discriminator.item() == pytest.approx((real_loss + fake_loss) / 2, rel=1e-5)
    distance = np.abs((again - latent).numpy()).mean(axis=(1, 2, 3))
    scores = ganomaly.score(networks, pixels)
    assert scores["score"].detach().numpy() == pytest.approx(distance, rel=1e-5)
