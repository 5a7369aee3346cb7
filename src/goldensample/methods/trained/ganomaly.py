"""GANomaly: encode, decode, encode again; good pictures come back to where they were.

Source: Akcay et al., GANomaly: Semi-Supervised Anomaly Detection via Adversarial Training, ACCV
2018 (arXiv 1805.06725). Its smallest set, 4,680 X-rays, was trained on 25 times: as many pictures
are trained on here. The map, the residual of the picture, is not from the paper.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 25 * 4680, "quick": 25_000},
    batch=64,
    learning_rate=2e-4,
    betas=(0.5, 0.999),
)
QUICK_BATCH = 16
"""Pictures in a step of the smaller schedule, which so takes four times as many steps."""
ADVERSARIAL, CONTEXTUAL, ENCODER = 1.0, 50.0, 1.0
"""The paper's weights of the generator's three losses."""
WIDTH = 64
"""Channels of the first convolution; each further one has twice as many as the one before."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GANomaly:
    """The settings of GANomaly; the defaults are the paper's."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(64)
    latent: int = knob(100, "numbers that a picture is described by")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        knobs.check_power_of_two(self, "side", 16, 256)
        check_integer(self, "latent", 1, 4096)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        schedule = SCHEDULE
        if self.budget == "quick":
            schedule = replace(SCHEDULE, batch=QUICK_BATCH)
        return Recipe(schedule, self._networks, losses, score)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        """Return the generator, of two encoders and a decoder, and the discriminator."""
        from torch import nn

        generator = nn.ModuleDict(
            {
                "encoder": encoder(self.side, self.latent),
                "decoder": decoder(self.side, self.latent),
                "second": encoder(self.side, self.latent),
            }
        )
        networks = nn.ModuleDict({"generator": generator, "discriminator": encoder(self.side, 1)})
        return networks.apply(set_first_weights)


def encoder(side: int, outputs: int) -> Any:
    """Return convolutions of stride 2 down to 4x4 cells, and one to (n, outputs, 1, 1)."""
    from torch import nn

    layers: list[Any] = [nn.Conv2d(3, WIDTH, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    width = WIDTH
    for _ in range((side // 8).bit_length() - 1):  # from side / 2 to 4
        layers += [nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width)]
        layers += [nn.LeakyReLU(0.2)]
        width *= 2
    return nn.Sequential(*layers, nn.Conv2d(width, outputs, 4, bias=False))


def decoder(side: int, inputs: int) -> Any:
    """Return the encoder's mirror image: (n, inputs, 1, 1) to (n, 3, side, side) in (-1, 1)."""
    from torch import nn

    width = WIDTH * side // 8
    layers: list[Any] = [nn.ConvTranspose2d(inputs, width, 4, bias=False)]
    layers += [nn.BatchNorm2d(width), nn.ReLU()]
    while width > WIDTH:
        layers += [nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False)]
        layers += [nn.BatchNorm2d(width // 2), nn.ReLU()]
        width //= 2
    return nn.Sequential(*layers, nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False), nn.Tanh())


def set_first_weights(layer: Any) -> None:
    """Draw the first weights of a layer as DCGAN does."""
    from torch import nn

    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(layer.weight, 0.0, 0.02)
    elif isinstance(layer, nn.BatchNorm2d):
        nn.init.normal_(layer.weight, 1.0, 0.02)


def losses(networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
    """Yield the losses of the generator and of the discriminator, (n, 3, side, side) in [0, 1]."""
    from torch.nn import functional as F

    real = 2 * pixels - 1
    discriminator = networks["discriminator"]
    latent, fake, again = reconstruct(networks, real)
    adversarial = F.mse_loss(discriminator[:-1](fake), discriminator[:-1](real).detach())
    contextual, encoding = F.l1_loss(fake, real), F.mse_loss(again, latent)
    yield "generator", ADVERSARIAL * adversarial + CONTEXTUAL * contextual + ENCODER * encoding
    on_real, on_fake = (discriminator(one).flatten() for one in (real, fake.detach()))
    targets = on_real.new_ones(len(on_real))
    yield (
        "discriminator",
        (
            F.binary_cross_entropy_with_logits(on_real, targets)
            + F.binary_cross_entropy_with_logits(on_fake, 0 * targets)
        )
        / 2,
    )


def reconstruct(networks: Any, real: Any) -> tuple[Any, Any, Any]:
    """Return the latent, the picture from it, and that picture's latent."""
    generator = networks["generator"]
    latent = generator["encoder"](real)
    fake = generator["decoder"](latent)
    return latent, fake, generator["second"](fake)


def score(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return the mean distance of the two latents, and the residual of each pixel."""
    real = 2 * pixels - 1
    latent, fake, again = reconstruct(networks, real)
    return {
        "score": (again - latent).abs().mean(dim=(1, 2, 3)),
        "map": (fake - real).abs().mean(dim=1),
    }
