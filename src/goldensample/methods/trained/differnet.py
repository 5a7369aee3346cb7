"""DifferNet: an invertible network turns good pictures' features into noise, odd ones into more.

Source: Rudolph et al., Same Same But DifferNet: Semi-Supervised Defect Detection with Normalizing
Flows, WACV 2021 (arXiv 2008.12577): 8 coupling blocks, whose scale is clamped softly; trained 192
times on 4 forms of about 242 pictures. Its features are AlexNet's at three sizes of the picture,
averaged over it; here they are the levels of any network, averaged and standardised, so that a
picture is not turned: its 64 forms are windows of 7/8 of its side. The map is the gradient by each
cell times how far the cell is from good pictures' mean there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from goldensample.methods.trained import knobs
from goldensample.methods.trained.detector import TrainedDetector, restore_trained
from goldensample.methods.trained.inputs import gather_levels
from goldensample.methods.trained.recipe import Recipe, Schedule
from goldensample.methods.trained.training import fit
from goldensample.methods.validation import check_integer, check_number
from goldensample.records import Array, Features, Notify, knob

SCHEDULE = Schedule(
    pictures={"paper": 192 * 4 * 242, "quick": 40_000},
    batch=24,
    learning_rate=2e-4,
    betas=(0.8, 0.8),
    weight_decay=1e-5,
)
HIDDEN = {"paper": 2048, "quick": 256, "hand": 2048}
"""Width of the layers within a block, by budget."""
CLAMP = 3.0
"""Alpha: the logarithm of a scale stays within it, so that a scale is at most e^3."""
STEPS = 8
"""Windows along an axis: their starts are equally far from each other."""
WINDOW = 7 / 8
"""Side of a window, as a share of the picture's."""
LEAST_SPREAD = 0.1
"""Least standard deviation of a feature, as a share of the mean one of its level."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DifferNet:
    """The settings of DifferNet; the defaults are the paper's."""

    blocks: int = knob(8, "coupling blocks of the invertible network")
    hidden: int = knob(0, "width of the layers within a block; 0: 2048, or 256 if quick")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    budget: str = knobs.budget_knob()
    epochs: int = knobs.epochs_knob()
    patience: int = knobs.patience_knob()
    device: str = knobs.device_knob()
    seed: int = knobs.seed_knob()

    def __post_init__(self) -> None:
        check_integer(self, "blocks", 1, 64)
        check_integer(self, "hidden", 0, 8192)
        check_number(self, "sigma_px", 0, 1000)
        knobs.check_training(self)

    def fit(self, features: Iterable[Features], notify: Notify) -> TrainedDetector:
        """Train on the good pictures; see `training.fit`."""
        return fit(self, gather_levels(features), features, self.recipe(), notify)

    def recipe(self) -> Recipe:
        """Return what the trainer needs to know of the method."""
        return Recipe(SCHEDULE, self._networks, losses, score)

    def restore(self, arrays: Mapping[str, Array]) -> TrainedDetector:
        """Rebuild the detector from its arrays; see `restore_trained`."""
        return restore_trained(self, arrays)

    def _networks(self, *levels: Any) -> Any:
        import torch
        from torch import nn

        pool = nn.Module()
        for number, level in enumerate(levels):
            for name, size in zip(("rows", "columns"), level.shape[2:], strict=True):
                pool.register_buffer(f"{name}{number}", torch.from_numpy(windows(size)))
            pool.register_buffer(f"usual{number}", level.mean(dim=0))
            means = pooled(pool, number, level)
            spread = means.std(dim=(0, 1), correction=0)
            least = LEAST_SPREAD * spread.mean() + 1e-6
            pool.register_buffer(f"spread{number}", spread.clamp_min(least))
            pool.register_buffer(f"mean{number}", means.mean(dim=(0, 1)))
        depth = sum(level.shape[1] for level in levels)
        hidden = self.hidden or HIDDEN[self.budget]
        return nn.ModuleDict({"pool": pool, "flow": flow(depth, self.blocks, hidden)})


def windows(size: int) -> Array:
    """Return the weight of each cell of an axis in each window, (8, size) float32, sums 1."""
    starts = np.arange(STEPS)[:, None] * (1 - WINDOW) / (STEPS - 1)
    cells = np.arange(size)[None] / size
    overlap = np.minimum(starts + WINDOW, cells + 1 / size) - np.maximum(starts, cells)
    overlap = np.maximum(overlap, 0)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def pooled(pool: Any, number: int, level: Any) -> Any:
    """Return the mean of a level in each window: (n, d, h, w) to (n, 64, d)."""
    rows, columns = getattr(pool, f"rows{number}"), getattr(pool, f"columns{number}")
    return (rows @ (level @ columns.T)).flatten(2).transpose(1, 2)


def standardised(pool: Any, levels: tuple[Any, ...]) -> Any:
    """Return the standardised features of each window, of all levels: (n, 64, depth)."""
    import torch

    parts = [
        (pooled(pool, number, level) - getattr(pool, f"mean{number}"))
        / getattr(pool, f"spread{number}")
        for number, level in enumerate(levels)
    ]
    return torch.cat(parts, dim=2)


def flow(depth: int, blocks: int, hidden: int) -> Any:
    """Return the blocks: each has an order of the features, the way back, and two networks."""
    import torch
    from torch import nn

    half = depth // 2

    def layers(inputs: int, outputs: int) -> Any:
        widths = (inputs, hidden, hidden, hidden, 2 * outputs)
        return nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(widths))

    found = []
    for _ in range(blocks):
        block = nn.ModuleDict(
            {"first": layers(half, depth - half), "second": layers(depth - half, half)}
        )
        block.register_buffer("order", torch.randperm(depth))
        block.register_buffer("back", torch.argsort(block.order))
        found.append(block)
    return nn.ModuleList(found)


def _run(layers: Any, values: Any) -> tuple[Any, Any, list[Any]]:
    """Return the clamped logarithm of the scale, the shift, and what each layer gave."""
    import torch

    outputs = []
    for number, layer in enumerate(layers):
        values = layer(values.relu() if number else values)
        outputs.append(values)
    raw, shift = values.chunk(2, dim=-1)
    return 2 * CLAMP / torch.pi * torch.atan(raw / CLAMP), shift, outputs


def _run_back(layers: Any, outputs: list[Any], by_log: Any, by_shift: Any) -> Any:
    """Return the gradient by the values that `_run` was given."""
    import torch

    raw = outputs[-1].chunk(2, dim=-1)[0]
    gradient = torch.cat([by_log * (2 / torch.pi) / (1 + (raw / CLAMP) ** 2), by_shift], dim=-1)
    for number in range(len(layers) - 1, -1, -1):
        # in halves: where a square weight is shared, OpenVINO takes it for its transpose
        parts = zip(gradient.chunk(2, dim=-1), layers[number].weight.chunk(2), strict=True)
        gradient = sum(part @ weight for part, weight in parts)
        if number:
            gradient = gradient * (outputs[number - 1] > 0).to(gradient.dtype)
    return gradient


def forward(blocks: Any, values: Any) -> tuple[Any, Any, list[Any]]:
    """Return z, (n, depth); the logarithm of the Jacobian's determinant, (n,); and a trace."""
    import torch

    log_determinant: Any = 0
    trace: list[Any] = []
    for block in blocks:
        values = values[:, block.order]
        half = values.shape[1] // 2
        first, second = values[:, :half], values[:, half:]
        log1, shift1, outputs1 = _run(block["first"], first)
        new_second = second * log1.exp() + shift1
        log2, shift2, outputs2 = _run(block["second"], new_second)
        trace.append((first, second, log1, outputs1, log2, outputs2))
        values = torch.cat([first * log2.exp() + shift2, new_second], dim=1)
        log_determinant = log_determinant + log1.sum(dim=1) + log2.sum(dim=1)
    return values, log_determinant, trace


def backward(blocks: Any, trace: list[Any], gradient: Any) -> Any:
    """Return the gradient by the values of `forward`, from that by z, as operations of ONNX."""
    import torch

    for block, kept in zip(reversed(blocks), reversed(trace), strict=True):
        first, second, log1, outputs1, log2, outputs2 = kept
        half = first.shape[1]
        by_first, by_second = gradient[:, :half], gradient[:, half:]
        scaled = by_first * log2.exp()
        by_second = by_second + _run_back(block["second"], outputs2, scaled * first, by_first)
        by_first, scaled = scaled, by_second * log1.exp()
        by_first = by_first + _run_back(block["first"], outputs1, scaled * second, by_second)
        gradient = torch.cat([by_first, scaled], dim=1)[:, block.back]
    return gradient


def losses(networks: Any, *levels: Any) -> Iterator[tuple[str, Any]]:
    """Yield the negative log-likelihood of a random window of each picture, by feature."""
    import torch

    values = standardised(networks["pool"], levels)
    chosen = torch.randint(values.shape[1], (len(values),)).to(values.device)
    values = values[torch.arange(len(values), device=values.device), chosen]
    z, log_determinant, _ = forward(networks["flow"], values)
    yield "flow", (z.square().sum(dim=1) / 2 - log_determinant).mean() / z.shape[1]


def score(networks: Any, *levels: Any) -> dict[str, Any]:
    """Return the mean of z² / 2 over the windows of one picture, and what each cell adds to it."""
    from torch.nn import functional as F

    pool = networks["pool"]
    z, _, trace = forward(networks["flow"], standardised(pool, levels)[0])
    gradient = backward(networks["flow"], trace, z / z.numel())
    added: Any = 0
    start = 0
    for number, level in enumerate(levels):
        depth, size = level.shape[1], level.shape[2:]
        part = gradient[:, start : start + depth] / getattr(pool, f"spread{number}")
        part = part.T.reshape(depth, STEPS, STEPS)
        rows, columns = getattr(pool, f"rows{number}"), getattr(pool, f"columns{number}")
        by_cell = (rows.T @ part @ columns) * (size[0] * size[1])
        cells = (by_cell * (level[0] - getattr(pool, f"usual{number}"))).sum(dim=0)
        added = added + F.interpolate(cells[None, None], levels[0].shape[2:], mode="nearest")
        start += depth
    return {"score": (z.square().mean() / 2).reshape(1), "map": added[:, 0].relu()}
