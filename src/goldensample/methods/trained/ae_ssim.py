"""Autoencoder: good pictures are rebuilt from few numbers, and what is not rebuilt is odd.

Source: Bergmann et al., Improving Unsupervised Defect Segmentation by Applying Structural
Similarity to Autoencoders, VISAPP 2019 (arXiv 1807.02011); `loss` "l2" is the form it improves on.
It trained 200 times on 10,000 crops: as many pictures are trained on here, in batches of 16 and not
of 128, since they are a few hundred whole pictures; nothing is turned or shifted.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check, check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 200 * 10_000, "quick": 50_000},
    batch=16,
    learning_rate=2e-4,
    weight_decay=1e-5,
)
LOSSES = ("ssim", "l2")
LAYERS = (
    *((32, 4, 2), (32, 4, 2), (32, 3, 1), (64, 4, 2)),
    *((64, 3, 1), (128, 4, 2), (64, 3, 1), (32, 3, 1)),
)
"""Channels, kernel and stride of the encoder's layers but the last, from the paper's table."""
SLOPE = 0.2
"""Of the leaky ReLU after each layer."""
C1, C2 = 0.01**2, 0.03**2
"""Constants of SSIM for values in [0, 1]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AutoencoderSSIM:
    """The settings of the autoencoder; the defaults are the paper's, but for the batch."""

    BACKBONE: ClassVar[str] = "pixels"

    loss: str = knob("ssim", "how pictures are compared with rebuilt ones: ssim or l2")
    window: int = knob(11, "side in pixels of the windows that ssim compares")
    side: int = knobs.side_knob(128)
    latent: int = knob(100, "numbers that a picture is described by")
    sigma_px: float = knob(0.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        check(self.loss in LOSSES, "loss", f"one of {', '.join(LOSSES)}", self)
        check_integer(self, "window", 3, 15)
        check(self.window % 2 == 1, "window", "odd, from 3 to 15", self)
        knobs.check_power_of_two(self, "side", 16, 512)
        check_integer(self, "latent", 1, 4096)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        return Recipe(SCHEDULE, self._networks, self._losses, self._score)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        from torch import nn

        return nn.ModuleDict({"autoencoder": autoencoder(self.side, self.latent)})

    def _losses(self, networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
        yield "autoencoder", self._residual(networks, pixels).mean()

    def _score(self, networks: Any, pixels: Any) -> dict[str, Any]:
        return {"map": self._residual(networks, pixels).clamp(min=0)}

    def _residual(self, networks: Any, pixels: Any) -> Any:
        """Return how far each pixel is from the rebuilt one, (n, side, side)."""
        rebuilt = networks["autoencoder"](pixels)
        if self.loss == "l2":
            return ((rebuilt - pixels) ** 2).mean(dim=1)
        return 1 - ssim(rebuilt, pixels, self.window)


def autoencoder(side: int, latent: int) -> Any:
    """Return the encoder and its mirror image: (n, 3, side, side) in [0, 1] to the same."""
    from torch import nn

    return nn.Sequential(*encoder(side, latent), *decoder(side, latent))


def encoder(side: int, outputs: int) -> Any:
    """Return a `Sequential`, (n, 3, side, side) in [0, 1] to (n, outputs, 1, 1)."""
    from torch import nn

    layers: list[Any] = []
    widths = (3, *(width for width, _, _ in LAYERS))
    for before, (width, kernel, stride) in zip(widths, LAYERS, strict=False):
        layers += [nn.Conv2d(before, width, kernel, stride, 1), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], outputs, side // 16))


def decoder(side: int, latent: int) -> Any:
    """Return the encoder's mirror image, (n, latent, 1, 1) to (n, 3, side, side) in [0, 1]."""
    from torch import nn

    widths = (3, *(width for width, _, _ in LAYERS))
    layers = [nn.ConvTranspose2d(latent, widths[-1], side // 16), nn.LeakyReLU(SLOPE)]
    for before, (width, kernel, stride) in zip(widths[-2::-1], LAYERS[::-1], strict=True):
        layers += [nn.ConvTranspose2d(width, before, kernel, stride, 1), nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers[:-1], nn.Sigmoid())


def ssim(first: Any, second: Any, window: int) -> Any:
    """Return the structural similarity of (n, c, h, w) pictures in [0, 1], (n, h, w), at most 1.

    Every pixel of a square window counts the same; channels are averaged, and beyond its edge a
    picture is mirrored.
    """
    from torch.nn import functional as F

    def mean(values: Any) -> Any:
        margin = window // 2
        return F.avg_pool2d(F.pad(values, (margin,) * 4, mode="reflect"), window, 1)

    means = mean(first), mean(second)
    products = means[0] * means[1]
    squares = means[0] ** 2 + means[1] ** 2
    covariance = mean(first * second) - products
    variances = mean(first**2 + second**2) - squares
    luminance = (2 * products + C1) / (squares + C1)
    return (luminance * (2 * covariance + C2) / (variances + C2)).mean(dim=1)
