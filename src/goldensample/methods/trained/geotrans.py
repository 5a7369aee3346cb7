"""GeoTrans: a classifier that tells how a picture was turned and moved is sure of good pictures.

Source: Golan & El-Yaniv, Deep Anomaly Detection Using Geometric Transformations, NeurIPS 2018
(arXiv 1805.10917). 72 transforms: flipped or not, moved by a quarter of the side or not along each
axis, and turned by quarters; the classifier is a wide residual network, 16 layers deep. The paper
trains three times on each of the 72 forms of 5,000 pictures; here each step draws the forms of its
pictures. The score is the paper's, by a Dirichlet distribution of the answers to each form.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

import numpy as np

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 3 * 72 * 5000, "quick": 100_000},
    batch=128,
    learning_rate=1e-3,
)
QUICK_BATCH = 32
"""Pictures in a step of the smaller schedule, which so takes more steps; its rate falls."""
WIDTHS = {"paper": 8, "quick": 1, "hand": 8}
"""How many times as wide as a plain residual network, by budget."""
STEPS = 200
"""Of the fixed-point iteration for a Dirichlet distribution, at most."""
LARGEST = 100.0
"""Largest concentration: answers that hardly differ would have it without bound."""
LEAST_SPREAD = 10.0
"""Least standard deviation of good pictures' log-likelihoods that a score is measured in."""
LEAST = 1e-7
"""Smallest probability: its logarithm is taken."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeoTrans:
    """The settings of GeoTrans; the defaults are the paper's."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(32)
    width: int = knob(
        0, "how many times as wide as a plain one the residual network is; 0: 8, or 1 if quick"
    )
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        knobs.check_power_of_two(self, "side", 16, 256)
        check_integer(self, "width", 0, 32)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        schedule = SCHEDULE
        if self.budget == "quick":
            schedule = replace(SCHEDULE, batch=QUICK_BATCH, falls=True)
        return Recipe(schedule, self._networks, losses, score, finish)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        import torch
        from torch import nn

        from goldensample.methods.trained.standard_score import StandardScore
        from goldensample.methods.trained.wide_resnet import wide_resnet

        places = torch.from_numpy(transforms(self.side))
        classifier = wide_resnet(self.width or WIDTHS[self.budget], len(places))
        classifier.register_buffer("places", places)
        for name in ("concentrations", "usual_logs"):
            classifier.register_buffer(name, torch.ones(len(places), len(places)))
        return nn.ModuleDict({"classifier": classifier, "standard": StandardScore()})


def transforms(side: int) -> Array:
    """Return where each pixel of each transformed picture comes from.

    Returns:
        (72, side · side) int64, indices into a picture; what comes from beyond the border is the
        picture mirrored there.
    """
    place = np.arange(side * side).reshape(side, side)
    step = side // 4
    mirrored = np.pad(place, step, mode="symmetric")
    found = []
    for flipped, down, right, quarters in product((0, 1), (0, 1, -1), (0, 1, -1), range(4)):
        one = mirrored[:, ::-1] if flipped else mirrored
        rows, columns = step * (1 - down), step * (1 - right)
        one = one[rows : rows + side, columns : columns + side]
        found.append(np.rot90(one, quarters).reshape(-1))
    return np.stack(found)


def transformed(pixels: Any, places: Any) -> Any:
    """Return each picture's pixels at its places: (n, 3, side, side) by (n, side · side)."""
    flat = pixels.flatten(2)
    return flat.gather(2, places[:, None].expand(-1, 3, -1)).reshape(pixels.shape)


def losses(networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
    """Yield the cross-entropy of the classifier on a random form of each picture."""
    import torch
    from torch.nn import functional as F

    classifier = networks["classifier"]
    kinds = torch.randint(len(classifier.places), (len(pixels),)).to(pixels.device)
    forms = transformed(pixels, classifier.places[kinds])
    yield "classifier", F.cross_entropy(classifier(forms), kinds)


def log_probabilities(networks: Any, picture: Any) -> Any:
    """Return the logarithms of the answers to all forms of one picture, (72, 72)."""
    classifier = networks["classifier"]
    forms = picture.flatten(2)[0][:, classifier.places]
    forms = forms.permute(1, 0, 2).reshape(len(classifier.places), *picture.shape[1:])
    return classifier(forms).softmax(dim=1).clamp_min(LEAST).log()


def raw_score(networks: Any, picture: Any) -> Any:
    """Return how much less likely one picture's answers are than good pictures' mean ones, (1,).

    It is the paper's score, but for its sign and a constant, without which float32 would not do.
    """
    classifier = networks["classifier"]
    difference = classifier.usual_logs - log_probabilities(networks, picture)
    return ((classifier.concentrations - 1) * difference).sum().reshape(1)


def finish(networks: Any, pixels: Any) -> None:
    """Fit a Dirichlet distribution to the answers to each form of good pictures."""
    import torch

    logs = [log_probabilities(networks, picture[None]) for picture in pixels]
    networks["classifier"].usual_logs.copy_(torch.stack(logs).mean(dim=0))
    networks["classifier"].concentrations.copy_(concentrations(torch.stack(logs).double()))
    scores = [raw_score(networks, picture[None]) for picture in pixels]
    networks["standard"].keep(torch.cat(scores), LEAST_SPREAD)


def concentrations(logs: Any) -> Any:
    """Return the most likely concentrations of Dirichlet distributions.

    Args:
        logs: (n, m, k) float64, logarithms of n samples of m distributions over k classes.

    Returns:
        (m, k) float64, by Minka's fixed point (Estimating a Dirichlet distribution, 2000), from
        the paper's start.
    """
    import torch

    mean = logs.exp().mean(dim=0)
    target = logs.mean(dim=0)
    classes = logs.shape[-1]
    start = (classes - 1) * -torch.special.digamma(torch.ones((), dtype=logs.dtype))
    gap = (classes * (mean * mean.log() - mean * target)).sum(dim=1, keepdim=True)
    alpha = (mean * start / gap.clamp_min(1e-9) * classes).clamp_max(LARGEST)
    for _ in range(STEPS):
        wanted = torch.special.digamma(alpha.sum(dim=1, keepdim=True)) + target
        new = inverse_digamma(wanted).clamp_max(LARGEST)
        if float((new - alpha).abs().max() / new.abs().max()) < 1e-9:
            return new
        alpha = new
    return alpha


def inverse_digamma(values: Any) -> Any:
    """Return x > 0 with digamma(x) = values: Newton's method from Minka's start."""
    import torch

    one = torch.ones((), dtype=values.dtype)
    low = -1 / (values - torch.special.digamma(one))
    x = torch.where(values >= -2.22, values.exp() + 0.5, low)
    for _ in range(5):
        x = x - (torch.special.digamma(x) - values) / torch.special.polygamma(1, x)
    return x


def score(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return the score of one picture, (1,): that of a batch is not needed."""
    return {"score": networks["standard"](raw_score(networks, pixels))}
