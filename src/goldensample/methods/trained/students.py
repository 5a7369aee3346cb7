"""Uninformed students: small networks learn to describe patches as a teacher does, good ones alone.

Source: Bergmann et al., Uninformed Students: Student-Teacher Anomaly Detection with Discriminative
Latent Embeddings, CVPR 2020 (arXiv 1911.02357): 100 epochs of some 209 pictures, one at a time. Its
teacher is a network of its own with 128 components, distilled from ResNet-18 on ImageNet, which
cannot be had: here the levels of any network stand in, brought to the students' grid, all channels
together. So a descriptor looks further than the students' patch, and there is one for each 8 pixels
(4 for smaller patches), not for each. At the picture's border the patches see its edge repeated.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from goldensample.backbones.network import IMAGENET_MEAN, IMAGENET_STD
from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_levels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check, check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 100 * 209, "quick": 36 * 209},
    batch=1,
    learning_rate=1e-4,
    weight_decay=1e-5,
    clip=1000.0,  # the loss is a sum over hundreds of components
)
QUICK_RATE = 1e-3
"""The learning rate of the smaller schedule, which has few steps."""
WIDTHS = {"paper": 128, "quick": 32, "hand": 128}
"""Channels of the first layer, by budget."""
QUICK_CELLS = 16
"""Side, in cells of the grid, of the random part of a picture that a quick step sees, at most."""
LAYERS = {
    17: ((1, 6, 1), (2, 5, 1), (2, 5, 1), (0, 4, 1)),
    33: ((1, 5, 2), (2, 5, 2), (2, 2, 1), (0, 4, 1)),
    65: ((1, 5, 2), (1, 5, 2), (1, 5, 2), (2, 4, 1), (0, 1, 1)),
}
"""The network by side of its patch in pixels: of each layer the channels, in those of the first (0:
as many as the teacher's), the side of its convolution, and of the largest values taken after it."""
STRIDES = {17: 4, 33: 4, 65: 8}
"""Pixels between the patches, by their side."""
SLOPE = 5e-3
"""Of the leaky ReLU below 0."""
STATISTICS = 50
"""Good pictures, at most, on which it is measured what error and variance are usual."""
LEAST_SPREAD = 1e-3
"""Least standard deviation that something is divided by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Students:
    """The settings of the uninformed students; the defaults are the paper's."""

    LEVELS: ClassVar[str] = "pixels,2,3"

    patch: int = knob(65, "side in pixels of the patch that a student sees: 17, 33 or 65")
    students: int = knob(3, "networks that learn from the teacher, each for itself")
    width: int = knob(0, "channels of a student's first layer; 0: 128, or 32 if quick")
    sigma_px: float = knob(0.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        check_integer(self, "patch", 17, 65)
        check(self.patch in LAYERS, "patch", "17, 33 or 65", self)
        check_integer(self, "students", 1, 64)
        check_integer(self, "width", 0, 1024)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`.

        Raises:
            ValueError: the features are not of the pixels and at least one level of a network.
        """
        inputs = gather_levels(features)
        depths = [level.shape[1] for level in inputs]
        if depths[0] != 3 or len(depths) < 2:
            raise ValueError(
                "students must see the pixels and have levels of a network to learn: --levels "
                f"pixels,2,3; got levels of depth {', '.join(map(str, depths))}"
            )
        return fit(self, inputs, features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        schedule = SCHEDULE
        if self.budget == "quick":
            schedule = replace(SCHEDULE, learning_rate=QUICK_RATE)
        return Recipe(schedule, self._networks, self._losses, self._score, self._finish)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any, *levels: Any) -> Any:
        import torch
        from torch import nn

        size = grid_of(pixels, self.patch)
        described = (describe(size, *one) for one in zip(*map(_singly, levels), strict=True))
        sums: Any = sum(
            torch.stack([one, one.square()]).double().mean((1, 3, 4)) for one in described
        )
        mean, square = sums / len(pixels)
        teacher = nn.Module()
        teacher.register_buffer("mean", mean.float())
        spread = (square - mean.square()).clamp_min(0).sqrt()
        teacher.register_buffer("spread", spread.float().clamp_min(LEAST_SPREAD))
        teacher.register_buffer("usual", torch.ones(2))
        width = self.width or WIDTHS[self.budget]
        students = {
            f"student{number}": student(self.patch, width, len(mean))
            for number in range(1, self.students + 1)
        }
        return nn.ModuleDict({"teacher": teacher, **students})

    def _losses(self, networks: Any, pixels: Any, *levels: Any) -> Iterator[tuple[str, Any]]:
        """Yield each student's squared error on the pictures, or on a random part of them."""
        size = grid_of(pixels, self.patch)
        wanted = standardised(networks["teacher"], describe(size, *levels))
        seen = around(pixels, self.patch)
        for name in _names(networks):
            part, cells = seen, wanted
            if self.budget == "quick":
                part, cells = draw_part(seen, wanted, self.patch)
            yield name, (networks[name](part) - cells).square().sum(dim=1).mean()

    def _score(self, networks: Any, pixels: Any, *levels: Any) -> dict[str, Any]:
        """Return error plus variance, each in its standard deviations on good pictures."""
        error, variance = self._judged(networks, pixels, *levels)
        usual = networks["teacher"].usual
        return {"map": error / usual[0] + variance / usual[1]}

    def _finish(self, networks: Any, *inputs: Any) -> None:
        """Keep the standard deviations of error and variance on good pictures."""
        import torch

        step = -(-len(inputs[0]) // STATISTICS)
        pictures = zip(*(_singly(level[::step]) for level in inputs), strict=True)
        judged = [torch.stack(self._judged(networks, *one)) for one in pictures]
        spread = torch.stack(judged).transpose(0, 1).flatten(1).std(dim=1, correction=0)
        networks["teacher"].usual.copy_(spread.clamp_min(LEAST_SPREAD))

    def _judged(self, networks: Any, pixels: Any, *levels: Any) -> tuple[Any, Any]:
        """Return the error of the students' mean, and their variance about it, each (n, h, w)."""
        import torch

        size = grid_of(pixels, self.patch)
        seen = around(pixels, self.patch)
        answers = torch.stack([networks[name](seen) for name in _names(networks)])
        mean = answers.mean(dim=0)
        wanted = standardised(networks["teacher"], describe(size, *levels))
        error = (mean - wanted).square().sum(dim=1)
        return error, (answers - mean).square().mean(dim=0).sum(dim=1)


def _names(networks: Any) -> list[str]:
    return [name for name in networks if name != "teacher"]


def _singly(level: Any) -> Any:
    return level.split(1)


def student(patch: int, width: int, depth: int) -> Any:
    """Return a network from (n, 3, H, W) to (n, depth, h, w): one cell for each patch."""
    from torch import nn

    layers: list[Any] = []
    before, stride = 3, STRIDES[patch]
    for factor, side, pool in LAYERS[patch]:
        stride //= pool
        if factor:
            layers += [nn.Conv2d(before, factor * width, side), nn.LeakyReLU(SLOPE)]
            layers += [nn.MaxPool2d(pool)] if pool > 1 else []
            before = factor * width
        else:
            layers.append(nn.Conv2d(before, depth, side, stride=stride))
    return nn.Sequential(*layers)


def grid_of(pixels: Any, patch: int) -> tuple[int, int]:
    """Return how many patches of a picture lie below and beside each other."""
    height, width = (max(1, size // STRIDES[patch]) for size in pixels.shape[2:])
    return height, width


def around(pixels: Any, patch: int) -> Any:
    """Return pictures in [0, 1] normalised, with as much of their edge repeated as patches need."""
    import torch
    from torch.nn import functional as F

    mean, spread = (
        torch.tensor(values, device=pixels.device)[:, None, None]
        for values in (IMAGENET_MEAN, IMAGENET_STD)
    )
    pads: list[int] = []
    for cells, size in zip(grid_of(pixels, patch), pixels.shape[2:], strict=True):
        missing = STRIDES[patch] * (cells - 1) + patch - size
        pads = [missing // 2, missing - missing // 2, *pads]
    return F.pad((pixels - mean) / spread, pads, mode="replicate")


def describe(size: tuple[int, int], *levels: Any) -> Any:
    """Return the levels, each (n, d, h, w), on one grid: (n, depth, *size)."""
    import torch
    from torch.nn import functional as F

    return torch.cat([F.interpolate(level, size, mode="bilinear") for level in levels], dim=1)


def standardised(teacher: Any, described: Any) -> Any:
    """Return descriptors with each component's mean and deviation on good pictures 0 and 1."""
    return (described - teacher.mean[:, None, None]) / teacher.spread[:, None, None]


def draw_part(seen: Any, wanted: Any, patch: int) -> tuple[Any, Any]:
    """Return a random square of at most QUICK_CELLS cells, and the pixels of its patches."""
    import torch

    stride = STRIDES[patch]
    for axis in (2, 3):
        cells = min(QUICK_CELLS, wanted.shape[axis])
        start = int(torch.randint(wanted.shape[axis] - cells + 1, ()))
        wanted = wanted.narrow(axis, start, cells)
        seen = seen.narrow(axis, stride * start, stride * (cells - 1) + patch)
    return seen, wanted
