"""Patch SVDD: patches near each other look alike, and where a neighbour lies can be told from both.

Source: Yi & Yoon, Patch SVDD: Patch-level SVDD for Anomaly Detection and Segmentation, ACCV 2020
(arXiv 2006.16067). Its authors trained 300 times on 100 pairs of patches of each of some 209
pictures: as many pairs are trained on here. One thing differs: the patches of a step are cells of
dense maps of a part of each picture, noise and a change of colour included, and so begin at even
pixels; each is what its patch alone would give. The weight of what near patches have in common is
not 1 but 0.001: with 1, and as short a training, all patches came to be alike.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from goldensample.errors import TrainingError
from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector
from goldensample.methods.trained.first_weights import set_first_weights
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.patch_distances import PatchDetector, make_patch_detector
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check, check_arrays, check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

PAIRS = 16
"""Pairs of patches of each size that are drawn from a picture in a step."""
SCHEDULE = Schedule(
    pictures={"paper": 300 * 100 * 209 // PAIRS, "quick": 12_000},
    batch=4,
    learning_rate=1e-4,
)
QUICK_RATE = 1e-3
"""The learning rate of the smaller schedule, which has few steps."""
WIDTHS = {"paper": 128, "quick": 64, "hand": 128}
STRIDES = {"paper": 4, "quick": 8, "hand": 4}
"""Channels of the widest layers, and pixels between the small patches, by budget."""
SMALL, LARGE = 32, 64
"""Sides of the patches in pixels."""
CELL = 2
"""Pixels between the cells of the dense maps of both."""
LEAST_CROP = 2 * LARGE
"""Side in pixels that two large patches beside each other need."""
NOISE = 0.02
"""Standard deviation of the noise on each pixel, and on each colour of a picture."""
LEAST_SPREAD = 1e-3
"""Standard deviation that one of the numbers of a descriptor, in [-1, 1], has at least."""
NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchSVDD:
    """The settings of Patch SVDD; the defaults are the paper's."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(256)
    latent: int = knob(64, "numbers that a patch is described by")
    width: int = knob(0, "channels of the widest layers; 0: 128, or 64 if quick")
    stride: int = knob(
        0, "pixels between the patches of 32 that are compared: 4, 8 or 16; 0: 4, or 8 if quick"
    )
    crop: int = knob(
        LEAST_CROP, "side in pixels of the random part of a picture that a step sees, at most"
    )
    svdd_weight: float = knob(
        0.001, "how much it counts that near patches look alike; too much, and all look alike"
    )
    sigma_px: float = knob(0.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        knobs.check_power_of_two(self, "side", LEAST_CROP, 1024)
        check_integer(self, "latent", 1, 4096)
        check_integer(self, "width", 0, 1024)
        check(self.width % 4 == 0, "width", "a multiple of 4", self)
        check_integer(self, "stride", 0, 16)
        check(self.stride in (0, 4, 8, 16), "stride", "0, 4, 8 or 16", self)
        check_integer(self, "crop", LEAST_CROP, 1024)
        check_number(self, "svdd_weight", 0, 1000)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> PatchDetector:
        """Train on the good pictures, see `training.fit`, and keep the patches of all of them."""
        inputs = gather_pixels(features, self.side)
        encoder = fit(self, inputs, features, self.recipe(), notify)
        detector = make_patch_detector(encoder, inputs[0])
        if max(detector.small.std(axis=0).max(), detector.large.std(axis=0).max()) < LEAST_SPREAD:
            raise TrainingError(
                "the descriptors of the patches must differ; training made them all alike; "
                "lower --svdd-weight, and see whether the pictures show anything"
            )
        return detector

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        schedule = SCHEDULE
        if self.budget == "quick":
            schedule = replace(SCHEDULE, learning_rate=QUICK_RATE)
        return Recipe(schedule, self._networks, self._losses, self._score)

    def restore(self, arrays: Mapping[str, Array]) -> PatchDetector:
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or of another kind.
        """
        axes = {"model": ("bytes",), "losses": ("epochs", "parts")}
        banks = {"small": ("n", "latent"), "large": ("m", "latent")}
        check_arrays(arrays, axes | banks, {"model": "uint8"})
        encoder = TrainedDetector(self, *(arrays[name] for name in axes))
        return PatchDetector(encoder, *(arrays[name] for name in banks))

    def _networks(self, pixels: Any) -> Any:
        from torch import nn

        encoders = {
            "small": small_encoder(self.width or WIDTHS[self.budget], self.latent),
            "large": large_encoder(self.latent),
        }
        positions = {f"position_{name}": position_classifier(self.latent) for name in encoders}
        networks = nn.ModuleDict({"patches": nn.ModuleDict(encoders | positions)})
        return networks.apply(set_first_weights)

    def _losses(self, networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
        from torch.nn import functional as F

        total = 0.0
        for name, cells in dense(networks, noisy_crops(pixels, self.crop)).items():
            first, second, kinds = draw_neighbours(cells, {"small": SMALL, "large": LARGE}[name])
            answers = networks["patches"][f"position_{name}"](first - second)
            near, beside = draw_near(cells)
            alike = (near - beside).norm(dim=1).mean()
            total = total + F.cross_entropy(answers, kinds) + self.svdd_weight * alike
        yield "patches", total

    def _score(self, networks: Any, pixels: Any) -> dict[str, Any]:
        """Return descriptors of the patches, (n, latent, h, w) for each size."""
        steps = {"small": (self.stride or STRIDES[self.budget]) // CELL, "large": 16 // CELL}
        return {
            name: cells[:, :, :: steps[name], :: steps[name]]
            for name, cells in dense(networks, pixels).items()
        }


def small_encoder(width: int, latent: int) -> Any:
    """Return eight convolutions that make one cell of 32 pixels, all others by steps of 2."""
    from torch import nn

    half, quarter = width // 2, width // 4
    layers: list[Any] = []
    before = 3
    for index, after in enumerate((quarter, half, width, width, half, quarter, quarter)):
        layers += [nn.Conv2d(before, after, 3, stride=1 if index else 2), nn.LeakyReLU(0.1)]
        before = after
    return nn.Sequential(*layers, nn.Conv2d(before, latent, 3), nn.Tanh())


def large_encoder(latent: int) -> Any:
    """Return what joins the four cells of the small patches that a large one is made of."""
    from torch import nn

    join = nn.Conv2d(latent, 128, 2, dilation=SMALL // CELL)
    return nn.Sequential(join, nn.LeakyReLU(0.1), nn.Conv2d(128, latent, 1), nn.Tanh())


def position_classifier(latent: int) -> Any:
    """Return the network that tells which of eight neighbours a patch is."""
    from torch import nn

    first, second = nn.Linear(latent, 128), nn.Linear(128, 128)
    return nn.Sequential(first, nn.LeakyReLU(0.1), second, nn.LeakyReLU(0.1), nn.Linear(128, 8))


def dense(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return the descriptors of all patches of (n, 3, h, w) in [0, 1], by size."""
    small = networks["patches"]["small"](2 * pixels - 1)
    return {"small": small, "large": networks["patches"]["large"](small)}


def noisy_crops(pixels: Any, most: int) -> Any:
    """Return the same random part of each picture, with other colours and noise."""
    import torch

    crop = min(most, pixels.shape[-1])
    top, left = torch.randint(pixels.shape[-1] - crop + 1, (2,)).tolist()
    crops = pixels[:, :, top : top + crop, left : left + crop]
    colours = NOISE * torch.randn_like(crops[:, :, :1, :1])
    return crops + colours + NOISE * torch.randn_like(crops)


def draw_neighbours(cells: Any, patch: int) -> tuple[Any, Any, Any]:
    """Draw PAIRS pairs of neighbours of each picture.

    Args:
        cells: (n, latent, m, m) descriptors of patches.
        patch: side of these in pixels; neighbours are three to four quarters of it apart.

    Returns:
        The descriptors of both, (n · PAIRS, latent), and which neighbour the second is of the
        first, (n · PAIRS,) of 0 to 7.
    """
    import torch

    count = len(cells) * PAIRS
    kinds = torch.randint(len(NEIGHBOURS), (count,))
    quarter = patch // CELL // 4
    shifts = torch.tensor(NEIGHBOURS)[kinds] * (3 * quarter + torch.randint(quarter, (count, 2)))
    return *_draw(cells, shifts), kinds.to(cells.device)


def draw_near(cells: Any) -> tuple[Any, Any]:
    """Draw PAIRS pairs of patches a cell apart of each picture, each (n · PAIRS, latent)."""
    import torch

    kinds = torch.randint(len(NEIGHBOURS), (len(cells) * PAIRS,))
    return _draw(cells, torch.tensor(NEIGHBOURS)[kinds])


def _draw(cells: Any, shifts: Any) -> tuple[Any, Any]:
    """Return descriptors at random places, and those at the shifts from there, all inside."""
    import torch

    room = cells.shape[-1] - shifts.abs()
    first = (torch.rand(shifts.shape) * room).long().clamp_max(room - 1) - shifts.clamp_max(0)
    pictures = torch.arange(len(cells)).repeat_interleave(PAIRS)
    by_place = cells.permute(0, 2, 3, 1)
    second = first + shifts
    return (
        by_place[pictures, first[:, 0], first[:, 1]],
        by_place[pictures, second[:, 0], second[:, 1]],
    )
