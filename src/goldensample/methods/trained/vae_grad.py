"""VAE with a gradient: a picture is moved, step by step, to where the network can rebuild it.

Source: Dehaene et al., Iterative Energy-Based Projection on a Normal Data Manifold for Anomaly
Localization, ICLR 2020 (arXiv 2002.03734). Its γ-VAE also learns γ, how far rebuilt pixels are from
the true ones: here γ is at each step what would be best there, the root mean squared error. What
could not be looked up in the paper: the numbers `steps`, `step_size` and `l1_weight`, the network,
which is AE-SSIM's with a mean and a variance of each latent number, and how long was trained. Ours
are the map's blur, and that a moved picture stays in [0, 1]: else the steps from a large defect may
grow without bound.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import log, pi
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.ae_ssim import SLOPE, decoder, encoder
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.exporting import looped
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 200 * 10_000, "quick": 20_000},
    batch=8,
    learning_rate=1e-4,
)
QUICK_RATE = 1e-3
"""The learning rate that the smaller schedule, which has few steps, begins with."""
LEAST_ERROR = 1e-8
"""Least mean squared error that γ is computed from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class VAEGrad:
    """The settings of the VAE and of the steps at inspection."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(128)
    latent: int = knob(100, "numbers that a picture is described by")
    steps: int = knob(100, "how often a picture under inspection is moved")
    step_size: float = knob(0.5, "how far each step goes, times gradient and squared error")
    l1_weight: float = knob(0.05, "how much a moved picture is held back at the one it was")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        check_integer(self, "latent", 1, 4096)
        check_integer(self, "steps", 1, 10_000)
        check_number(self, "step_size", 1e-6, 10)
        check_number(self, "l1_weight", 0, 1000)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)
        knobs.check_power_of_two(self, "side", 16, 512)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        schedule = SCHEDULE
        if self.budget == "quick":
            schedule = replace(SCHEDULE, learning_rate=QUICK_RATE, falls=True)
        return Recipe(schedule, self._networks, losses, score, self._finish)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        from torch import nn

        layers = {
            "encoder": encoder(self.side, 2 * self.latent),
            "decoder": decoder(self.side, self.latent),
        }
        return nn.ModuleDict({"vae": nn.ModuleDict(layers)})

    def _finish(self, networks: Any, pixels: Any) -> None:
        """Keep the steps as one function, which is exported as a loop."""
        networks.cpu().requires_grad_(False)

        def step(moved: Any, start: Any) -> Any:
            gradient, difference = energy_gradient(networks["vae"], moved)
            gradient = gradient + self.l1_weight * (moved - start).sign()
            return (moved - self.step_size * gradient * difference.square()).clamp(0, 1)

        networks.project = looped(step, pixels[:1].cpu(), self.steps)


def losses(networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
    """Yield the negative evidence lower bound a number of the pictures, with the best γ."""
    import torch

    vae = networks["vae"]
    mean, log_variance = vae["encoder"](pixels).chunk(2, dim=1)
    latent = mean + (log_variance / 2).exp() * torch.randn_like(mean)
    rebuilt = vae["decoder"](latent)
    gamma2 = (rebuilt - pixels).square().mean().clamp_min(LEAST_ERROR)
    bound = evidence_bound(pixels, rebuilt, mean, log_variance, gamma2)
    yield "vae", -bound.mean() / pixels[0].numel()


def evidence_bound(pixels: Any, rebuilt: Any, mean: Any, log_variance: Any, gamma2: Any) -> Any:
    """Return log p(x|z) - KL(q(z|x) ‖ p(z)) of each picture in nats, (n,).

    Args:
        pixels, rebuilt: (n, 3, side, side), x and what the decoder makes of one z drawn from q.
        mean, log_variance: (n, latent, 1, 1), of q.
        gamma2: variance of a pixel about the rebuilt one.
    """
    dims = (1, 2, 3)
    error = (rebuilt - pixels).square().sum(dim=dims)
    likelihood = -(error / gamma2 + pixels[0].numel() * (gamma2.log() + log(2 * pi))) / 2
    divergence = (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=dims) / 2
    return likelihood - divergence


def score(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return how far each pixel was moved; colours are averaged."""
    return {"map": (networks.project(pixels) - pixels).abs().mean(dim=1)}


def energy_gradient(vae: Any, pixels: Any) -> tuple[Any, Any]:
    """Return ∇‖x - x̂‖², and x - x̂, each as the pixels; x̂ is rebuilt from the mean of q.

    Written as operations that ONNX has.
    """
    import torch

    code, encoded = _run(vae["encoder"], pixels)
    mean, log_variance = code.chunk(2, dim=1)
    rebuilt, decoded = _run(vae["decoder"], mean)
    difference = pixels - rebuilt
    back = _run_back(vae["decoder"], decoded, -2 * difference)
    back = torch.cat([back, 0 * log_variance], dim=1)
    return 2 * difference + _run_back(vae["encoder"], encoded, back), difference


def _run(layers: Any, values: Any) -> tuple[Any, list[Any]]:
    """Return what the last layer gives, and what each layer gives."""
    outputs = []
    for layer in layers:
        values = layer(values)
        outputs.append(values)
    return values, outputs


def _run_back(layers: Any, outputs: list[Any], gradient: Any) -> Any:
    """Return the gradient by the values that `_run` was given, from that by what it gave."""
    import torch
    from torch import nn
    from torch.nn import functional as F

    for layer, output in zip(reversed(layers), reversed(outputs), strict=True):
        if isinstance(layer, nn.LeakyReLU):
            gradient = torch.where(output > 0, gradient, SLOPE * gradient)
        elif isinstance(layer, nn.Sigmoid):
            gradient = gradient * output * (1 - output)
        else:
            transposed = isinstance(layer, nn.ConvTranspose2d)
            back = F.conv2d if transposed else F.conv_transpose2d
            gradient = back(gradient, layer.weight, None, layer.stride, layer.padding)
    return gradient
