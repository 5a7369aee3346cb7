"""Quantisation-aware training of the last stage: simulated int8 in float32."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network import Student

SHARE = 0.99997
"""Quantile of a picture's values that is the upper end of a limit, averaged over pictures."""


def simulate_quantisation(student: Student, rounded: bool) -> None:
    """Switch the rounding of weights and values on or off."""
    for module in student.modules():
        if hasattr(module, "rounded"):
            module.rounded = rounded


def upper_limit(values: Tensor) -> Tensor:
    """Return the upper end of (n, ...) values: the mean over pictures of their SHARE quantile."""
    rows = values.flatten(1)
    count = max(1, round(rows.shape[1] * (1 - SHARE)))
    return rows.topk(count, dim=1).values[:, -1].mean()


def equalise(first: nn.Conv2d, second: nn.Conv2d, between: Tensor) -> None:
    """Scale the channels between two convolutions to one range; their product stays the same.

    Args:
        first, second: changed in place; between them nothing, or a ReLU without an upper end.
        between: (n, c, h, w) values after `first`; not changed.
    """
    by_channel = between.abs().transpose(0, 1).flatten(1)
    count = max(1, round(by_channel.shape[1] * (1 - SHARE)))
    size = by_channel.topk(count, dim=1).values[:, -1]
    # a nearly inactive channel is not amplified
    scale = size.mean() / size.clamp(min=0.1 * float(size.mean()))
    first.weight.mul_(scale.view(-1, 1, 1, 1))
    first.bias.mul_(scale)
    second.weight.div_(scale.view(1, -1, 1, 1))


@torch.no_grad()
def set_limits(student: Student, pictures: Tensor) -> None:
    """Equalise channels where that changes nothing, then set the upper end of every limit.

    Args:
        student: changed in place; its limits are infinite.
        pictures: (n, 3, H, W) normalised; not changed.
    """
    equalise(student.filters, student.mixed, student.filters(pictures))
    stem = functional.relu(student.mixed(student.filters(pictures)))
    student.stem_limit.top.copy_(upper_limit(stem))
    x = student.stem(pictures)
    for block in (*student.near, *student.two, *student.three):
        equalise(block.first, block.second, functional.relu(block.first(x)))
        block.inner.top.copy_(upper_limit(functional.relu(block.first(x))))
        block.after.top.copy_(upper_limit(block(x)))
        x = block(x)
