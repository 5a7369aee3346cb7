"""ITAE, or ARNet: good pictures are restored from grey and turned ones, and odd ones badly.

Source: Fei, Huang et al., Attribute Restoration Framework for Anomaly Detection, 2020 (arXiv
1911.10676). Colour and the way up are taken from a picture, and a U-Net learns to bring them back;
a picture's score is its error in each of the four turns over that of good pictures, summed.
Trained by Adam on pictures of 64 x 64 as often as 500 epochs of 209 pictures: size, optimizer,
batches, which are small since pictures are few, and length are ours. The map, the mean error of
each pixel, is not from the paper.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_pixels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 500 * 209, "quick": 24_000},
    batch=8,
    learning_rate=1e-3,
    falls=True,
)
WIDTHS = {"paper": 64, "quick": 16, "hand": 16}
"""Channels at the finest level, by budget; each further level has twice as many."""
LEVELS = 4
"""How often the U-Net halves a picture."""
LEAST = 1e-3
"""Least mean error of good pictures that a score is measured in."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ITAE:
    """The settings of ITAE."""

    BACKBONE: ClassVar[str] = "pixels"

    side: int = knobs.side_knob(64)
    width: int = knob(
        0, "channels of the network at its finest level; 0: 64 with --budget paper, or else 16"
    )
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        knobs.check_power_of_two(self, "side", 32, 256)
        check_integer(self, "width", 0, 256)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_pixels(features, self.side), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        return Recipe(SCHEDULE, self._networks, losses, score, finish)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, pixels: Any) -> Any:
        import torch
        from torch import nn

        network = unet(self.width or WIDTHS[self.budget])
        network.register_buffer("usual", torch.ones(4))
        return nn.ModuleDict({"restorer": network})


def unet(width: int) -> Any:
    """Return the parts of the U-Net that `restore` runs."""
    from torch import nn

    def block(before: int, after: int) -> Any:
        layers: list[Any] = []
        for inputs in (before, after):
            layers += [nn.Conv2d(inputs, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)]
            layers += [nn.ReLU()]
        return nn.Sequential(*layers)

    widths = [width << level for level in range(LEVELS + 1)]
    ups = [nn.ConvTranspose2d(low, high, 2, 2) for high, low in pairwise(widths)]
    return nn.ModuleDict(
        {
            "down": nn.ModuleList(block(*pair) for pair in pairwise([1, *widths])),
            "up": nn.ModuleList(ups[::-1]),
            "join": nn.ModuleList(block(2 * one, one) for one in widths[-2::-1]),
            "last": nn.Conv2d(width, 3, 1),
        }
    )


def erase(pixels: Any, quarters: int) -> Any:
    """Return what is left of (n, 3, side, side) pictures: grey and turned, (n, 1, side, side)."""
    turned = pixels.mean(dim=1, keepdim=True)
    for _ in range(quarters):
        turned = turned.transpose(2, 3).flip(2)  # ONNX has no rot90
    return turned


def restore(network: Any, erased: Any) -> Any:
    """Return pictures in colour and upright, (n, 3, side, side) in (0, 1)."""
    import torch
    from torch.nn import functional as F

    hidden, kept = erased, []
    for level, block in enumerate(network["down"]):
        hidden = block(F.max_pool2d(hidden, 2) if level else hidden)
        kept.append(hidden)
    for up, join, finer in zip(network["up"], network["join"], kept[-2::-1], strict=True):
        hidden = join(torch.cat([finer, up(hidden)], dim=1))
    return torch.sigmoid(network["last"](hidden))


def losses(networks: Any, pixels: Any) -> Iterator[tuple[str, Any]]:
    """Yield the mean absolute error of pictures in [0, 1], each restored from a random turn."""
    import torch

    turns = torch.randint(4, (len(pixels),)).to(pixels.device)
    erased = torch.stack([erase(pixels, turn) for turn in range(4)])
    chosen = erased[turns, torch.arange(len(pixels), device=pixels.device)]
    yield "restorer", (restore(networks["restorer"], chosen) - pixels).abs().mean()


def errors(networks: Any, pixels: Any) -> Any:
    """Return each pixel's error in each of the four turns, (n, 4, side, side)."""
    import torch

    turns = torch.cat([erase(pixels, turn) for turn in range(4)])  # together: one small graph
    restored = restore(networks["restorer"], turns).unflatten(0, (4, -1))
    return (restored - pixels).abs().mean(dim=2).transpose(0, 1)


def finish(networks: Any, pixels: Any) -> None:
    """Keep the mean error of good pictures in each turn."""
    import torch

    batches = [errors(networks, batch).mean(dim=(2, 3)) for batch in pixels.split(SCHEDULE.batch)]
    networks["restorer"].usual.copy_(torch.cat(batches).mean(dim=0).clamp_min(LEAST))


def score(networks: Any, pixels: Any) -> dict[str, Any]:
    """Return how many times as large as a good picture's errors are, and their map."""
    relative = errors(networks, pixels) / networks["restorer"].usual[:, None, None]
    return {"score": relative.mean(dim=(1, 2, 3)), "map": relative.mean(dim=1)}
