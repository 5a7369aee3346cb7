"""DSEBM: an energy that is low where good pictures are, trained to undo noise.

Source: Zhai et al., Deep Structured Energy Based Models for Anomaly Detection, ICML 2016 (arXiv
1605.07717): E(x) = ‖x − b‖² / 2 − Σ h, where h are the last units of a network with softplus after
each layer; score matching makes x − ∇E(x) an autoencoder that undoes Gaussian noise. The paper
tells neither how long it trained on pictures nor all of the network: here are convolutions of
stride 2 in place of pooling, as many pictures as GANomaly's, and batches of 16, since they are a
few hundred. The map, |∇E| at each pixel, is not from the paper.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.first_weights import set_first_weights
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 25 * 4680, "quick": 60_000},
    batch=16,
    learning_rate=1e-3,
    falls=True,
)
SCORES = ("energy", "reconstruction")
WIDTH = 32
"""Channels of the first convolution; each further one has twice as many as the one before."""
LEAST_SPREAD = 0.1
"""Least standard deviation of good pictures' scores that a score is measured in."""
UNITS = 128
"""Units of the last layer, whose sum is taken from the energy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DSEBM:
    """The settings of DSEBM."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(64)
    criterion: str = knob(
        "energy", "a picture's score: its energy, or how far the reconstruction is (reconstruction)"
    )
    noise: float = knob(0.1, "standard deviation of the noise that training undoes, of 0 to 1")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        knobs.check_power_of_two(self, "side", 16, 256)
        check(self.criterion in SCORES, "criterion", f"one of {', '.join(SCORES)}", self)
        check_number(self, "noise", 1e-3, 1)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        return Recipe(SCHEDULE, self._networks, self._losses, self._score, self._finish)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        from torch import nn

        from goldensample.methods.trained.standard_score import StandardScore

        return nn.ModuleDict({"energy": energy_network(pixels), "standard": StandardScore()})

    def _losses(self, networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
        import torch

        noisy = pixels + self.noise * torch.randn_like(pixels)
        error = noisy - energy_and_gradient(networks["energy"], noisy)[1] - pixels
        yield "energy", error.square().sum(dim=(1, 2, 3)).mean()

    def _raw_score(self, energy: Any, gradient: Any) -> Any:
        if self.criterion == "energy":
            return energy
        return gradient.square().sum(dim=(1, 2, 3))

    def _finish(self, networks: Any, pixels: Any) -> None:
        import torch

        batches = pixels.split(SCHEDULE.batch)
        scores = [
            self._raw_score(*energy_and_gradient(networks["energy"], batch)) for batch in batches
        ]
        networks["standard"].keep(torch.cat(scores), LEAST_SPREAD)

    def _score(self, networks: Any, pixels: Any) -> dict[str, Any]:
        energy, gradient = energy_and_gradient(networks["energy"], pixels)
        return {
            "score": networks["standard"](self._raw_score(energy, gradient)),
            "map": gradient.abs().mean(dim=1),
        }


def energy_network(pixels: Any) -> Any:
    """Return the layers, and b, at first the mean of the pictures, (n, 3, side, side)."""
    from torch import nn

    side = pixels.shape[-1]
    widths = [3, *(WIDTH << k for k in range((side // 4).bit_length() - 1))]  # down to 4x4
    convolutions = nn.ModuleList(
        nn.Conv2d(before, after, 4, 2, 1) for before, after in pairwise(widths)
    )
    network = nn.ModuleDict(
        {"convolutions": convolutions, "last": nn.Linear(16 * widths[-1], UNITS)}
    )
    network.apply(set_first_weights)
    network.register_parameter("b", nn.Parameter(pixels.mean(dim=0)))
    return network


def energy_and_gradient(network: Any, pixels: Any) -> tuple[Any, Any]:
    """Return E(x), (n,), and ∇E(x), (n, 3, side, side), as operations that ONNX has.

    The gradient of softplus is the logistic function, that of a convolution its transpose.
    """
    import torch
    from torch.nn import functional as F

    hidden, slopes = pixels, []
    for layer in network["convolutions"]:
        before = layer(hidden)
        hidden = F.softplus(before)
        slopes.append(torch.sigmoid(before))
    last = network["last"](hidden.flatten(1))
    difference = pixels - network.b
    energy = difference.square().sum(dim=(1, 2, 3)) / 2 - F.softplus(last).sum(dim=1)
    back = (torch.sigmoid(last) @ network["last"].weight).reshape(hidden.shape)
    for layer, slope in zip(reversed(network["convolutions"]), reversed(slopes), strict=True):
        back = F.conv_transpose2d(back * slope, layer.weight, stride=2, padding=1)
    return energy, difference - back
