"""CAVGA: a picture is rebuilt by a network that learns to attend to all of a good picture.

Source: Venkataramanan et al., Attention Guided Anomaly Localization in Images, ECCV 2020 (arXiv
1911.08616). Its unsupervised form R_u: a variational autoencoder with residual blocks and a latent
that keeps the places, a discriminator, and a loss that expands the latent's Grad-CAM over the whole
picture. The score is how far the rebuilt picture is, the map how far each of its pixels is. The
paper's map is where attention lacks: its encoder was pretrained, here none is, and such a map
tells defects drawn into good bottles by chance alone (pixel AUROC 0.52, of the residual 0.86).
Size, depth and length are ours, with losses per value. Of Grad-CAM the ReLU is left out, so that
no place stops learning.

Given labelled defects it is the weakly supervised form R_w: one linear layer on the whole latent
tells good from defect, trained by cross-entropy; and in place of the expansion a loss on Grad-CAM
of that layer's two answers: of a good picture that is taken for good, attention for "good" is to
cover all of it, that for "defect" none. The form of the losses is the paper's, read in two
summaries of it. Ours, as the paper itself was not at hand: the weight of the cross-entropy; the
layer has two outputs, and sees the latent's mean, without noise; each step shows DRAWN defects,
drawn with replacement, which count as much as the good pictures; defects are not rebuilt, as the
score rests on what cannot be rebuilt. The score is R_u's plus the probability of a defect, the map
half of 1 - attention for "good" + attention for "defect".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 150 * 209, "quick": 12_000},
    batch=16,
    learning_rate=2e-4,
    betas=(0.5, 0.999),
)
ADVERSARIAL, EXPANSION = 1.0, 0.01
"""The paper's weights of two of the generator's losses, beside 1 for the bound."""
CLASSIFICATION = 0.1
"""Weight of R_w's cross-entropy, whose attention has that of the expansion. With the paper's 0.001
and our losses per value the classifier does not learn even the pictures that it is shown."""
DRAWN = 4
"""Labelled defects in each step."""
LABELS = GOOD, DEFECT = 0, 1
WIDTH = 32
"""Channels after the first convolution; each of the two further halvings has twice as many."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CAVGA:
    """The settings of CAVGA."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(64)
    latent: int = knob(64, "numbers that each place of a picture is described by")
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

    def fit_with_defects(
        self, features: Iterable[Features], defects: Iterable[Features], notify: Notify
    ) -> TrainedDetector:
        """Train on good pictures and on labelled defects: the form R_w; see `training.fit`."""
        (shown,) = gather_pixels(defects, self.side)
        pixels, recipe = gather_pixels(features, self.side), self.recipe(shown)
        return replace(fit(self, pixels, features, recipe, notify), defects=len(shown))

    def recipe(self, defects: Array | None = None) -> Recipe:
        """Return what the trainer needs to know: of R_u, or with defects (n, 3, side, side) R_w."""
        if defects is None:
            return Recipe(SCHEDULE, self._networks, losses, score)
        known, key = partial(losses, defects=defects), sha256(defects.tobytes()).hexdigest()
        return Recipe(SCHEDULE, self._networks_of_two_classes, known, score, key=key)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        """Return the generator, of an encoder and a decoder, and the discriminator."""
        from torch import nn

        generator = nn.ModuleDict(
            {
                "encoder": encoder(),
                "mean": nn.Conv2d(4 * WIDTH, self.latent, 1),
                "log_variance": nn.Conv2d(4 * WIDTH, self.latent, 1),
                "decoder": decoder(self.latent),
            }
        )
        return nn.ModuleDict({"generator": generator, "discriminator": discriminator()})

    def _networks_of_two_classes(self, pixels: Any) -> Any:
        """Return the same, the generator with a classifier of the latent."""
        from torch import nn

        networks, places = self._networks(pixels), (self.side // 8) ** 2
        linear = nn.Linear(self.latent * places, len(LABELS))
        networks["generator"]["classifier"] = nn.Sequential(nn.Flatten(), linear)
        return networks


def encoder() -> Any:
    """Return the network from (n, 3, side, side) to (n, 4 · WIDTH, side / 8, side / 8)."""
    from torch import nn

    from goldensample.methods.trained.wide_resnet import Block

    return nn.Sequential(
        nn.Conv2d(3, WIDTH, 4, 2, 1),
        Block(WIDTH, 2 * WIDTH, 2),
        Block(2 * WIDTH, 4 * WIDTH, 2),
        nn.BatchNorm2d(4 * WIDTH),
        nn.ReLU(),
    )


def decoder(latent: int) -> Any:
    """Return the network from the latent to the logits of a picture's values."""
    from torch import nn

    layers: list[Any] = [nn.Conv2d(latent, 4 * WIDTH, 1), nn.ReLU()]
    for width in (2 * WIDTH, WIDTH):
        layers += [nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1))


def discriminator() -> Any:
    """Return the network from a picture to the logit of its being real, (n, 1)."""
    from torch import nn

    layers: list[Any] = [nn.Conv2d(3, WIDTH, 4, 2, 1), nn.LeakyReLU(0.2)]
    for width in (WIDTH, 2 * WIDTH):
        layers += [nn.Conv2d(width, 2 * width, 4, 2, 1), nn.BatchNorm2d(2 * width)]
        layers += [nn.LeakyReLU(0.2)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * WIDTH, 1)]
    return nn.Sequential(*layers)


def attention(generator: Any, features: Any, label: int | None = None) -> Any:
    """Return the Grad-CAM of the latent's mean, or of one answer to it, in (0, 1), (n, h, w).

    The mean is a 1x1 convolution of the features: the gradient of its sum is the same everywhere.
    That of an answer is averaged over the places, as Grad-CAM does.
    """
    import torch

    weights = generator["mean"].weight  # (latent, channels, 1, 1)
    if label is not None:
        answer = generator["classifier"][1].weight[label]
        weights = weights * answer.view(len(weights), -1).mean(dim=1)[:, None, None, None]
    return torch.sigmoid((weights.sum(dim=0, keepdim=True) * features).sum(dim=1))


def guidance(generator: Any, features: Any, mean: Any, count: int) -> Any:
    """Return the losses that R_w has beside R_u's: of its classifier, and of attention.

    Args:
        features, mean: of `count` good pictures, and of defects after them.
    """
    import torch
    from torch.nn import functional as F

    answers = generator["classifier"](mean)
    truth = (torch.arange(len(answers), device=answers.device) >= count).long()
    entropies = F.cross_entropy(answers, truth, reduction="none")
    mistaken = torch.stack([part.mean() for part in entropies.tensor_split([count]) if len(part)])
    taken_for_good = answers[:count].argmax(dim=1) == GOOD
    good, defect = (attention(generator, features[:count], label) for label in LABELS)
    attended = (1 - good + defect).mean(dim=(1, 2)) * taken_for_good
    return CLASSIFICATION * mistaken.mean() + EXPANSION * attended.mean()


def losses(networks: Any, pixels: Any, defects: Array | None = None) -> Iterator[tuple[str, Any]]:
    """Yield the losses of the generator and of the discriminator, (n, 3, side, side) in [0, 1].

    Labelled defects, if there are any, are shown in training alone: what is measured on good
    pictures is of these.
    """
    import torch
    from torch.nn import functional as F

    generator, critic = networks["generator"], networks["discriminator"]
    shown, count = pixels, len(pixels)
    if defects is not None and generator.training:
        drawn = torch.from_numpy(defects)[torch.randint(len(defects), (DRAWN,))]
        shown = torch.cat([pixels, drawn.to(pixels.device)])
    features = generator["encoder"](shown)
    mean, log_variance = generator["mean"](features), generator["log_variance"](features)
    attended = (
        EXPANSION * (1 - attention(generator, features)).mean()
        if defects is None
        else guidance(generator, features, mean, count)
    )
    mean, log_variance = mean[:count], log_variance[:count]
    latent = mean + torch.randn_like(mean) * (log_variance / 2).exp()
    logits = generator["decoder"](latent)
    divergence = (mean**2 + log_variance.exp() - 1 - log_variance).sum() / 2
    bound = F.binary_cross_entropy_with_logits(logits, pixels) + divergence / pixels.numel()
    fake = logits.sigmoid()
    adversarial = F.softplus(-critic(fake)).mean()
    yield "generator", bound + ADVERSARIAL * adversarial + attended
    on_real, on_fake = critic(pixels), critic(fake.detach())
    yield "discriminator", (F.softplus(-on_real).mean() + F.softplus(on_fake).mean()) / 2


def score(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return how far rebuilt pictures are, and where; see the header for the map of R_w."""
    generator = networks["generator"]
    features = generator["encoder"](pixels)
    mean = generator["mean"](features)
    residual = (generator["decoder"](mean).sigmoid() - pixels).abs().mean(dim=1)
    distance = residual.mean(dim=(1, 2))
    if "classifier" not in generator:
        return {"score": distance, "map": residual}
    probability = generator["classifier"](mean).softmax(dim=1)[:, DEFECT]
    good, defect = (attention(generator, features, label) for label in LABELS)
    return {"score": distance + probability, "map": (1 - good + defect) / 2}
