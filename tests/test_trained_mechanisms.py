"""What each trained method is about, shown on something that can be computed another way."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from goldensample.methods.trained import ae_ssim, ganomaly

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


def test_ssim_is_that_of_a_loop_over_windows():
    """Wang et al. 2004, with means over a square window, and pictures mirrored at their edges."""
    rng = np.random.default_rng(0)
    first = rng.random((1, 2, 12, 17)).astype(np.float32)
    second = np.clip(first + rng.normal(0, 0.2, first.shape), 0, 1).astype(np.float32)
    padded = [np.pad(one, ((0, 0), (0, 0), (3, 3), (3, 3)), "reflect") for one in (first, second)]
    expected = np.zeros((12, 17))
    for row, column, channel in np.ndindex(12, 17, 2):
        x, y = (one[0, channel, row : row + 7, column : column + 7].ravel() for one in padded)
        (vx, cov), (_, vy) = np.cov(x, y, bias=True)
        top = (2 * x.mean() * y.mean() + 0.01**2) * (2 * cov + 0.03**2)
        bottom = (x.mean() ** 2 + y.mean() ** 2 + 0.01**2) * (vx + vy + 0.03**2)
        expected[row, column] += top / bottom / 2
    actual = ae_ssim.ssim(torch.from_numpy(first), torch.from_numpy(second), 7)[0].numpy()
    assert actual == pytest.approx(expected, abs=1e-4)


def test_ssim_is_that_of_scikit_image():
    """Where no window looks past the picture's edge: there each mirrors it in its own way."""
    rng = np.random.default_rng(1)
    first = rng.random((3, 32, 40)).astype(np.float32)
    second = np.clip(first + rng.normal(0, 0.1, first.shape), 0, 1).astype(np.float32)
    whole, window = slice(5, -5), 11
    _, expected = structural_similarity(
        first, second, win_size=window, data_range=1, channel_axis=0, full=True,
        use_sample_covariance=False,
    )  # fmt: skip
    actual = ae_ssim.ssim(torch.from_numpy(first)[None], torch.from_numpy(second)[None], window)
    inside = actual[0].numpy()[whole, whole]
    assert inside == pytest.approx(expected.mean(axis=0)[whole, whole], abs=1e-4)


def test_the_autoencoder_learns_to_rebuild_and_l2_is_the_squared_error():
    torch.manual_seed(0)
    method = ae_ssim.AutoencoderSSIM(side=16, loss="l2")
    networks = method._networks(None)
    pixels = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        rebuilt = networks["autoencoder"](pixels)
        residual = method._score(networks, pixels)["map"].numpy()
    assert rebuilt.shape == pixels.shape
    assert residual == pytest.approx(((rebuilt - pixels) ** 2).numpy().mean(axis=1), rel=1e-5)
    whole = ae_ssim.AutoencoderSSIM(side=128)._networks(None)["autoencoder"]
    assert whole[: 2 * len(ae_ssim.LAYERS) + 1](torch.zeros(1, 3, 128, 128)).shape == (1, 100, 1, 1)
