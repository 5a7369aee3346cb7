"""The last stage: make the student fit for 8-bit numbers, without leaving float32 for good."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.network import Student

SHARE = 0.99997
"""Of a picture's values that lie below a limit's upper end, on the mean over pictures."""


def simulate(student: Student, rounded: bool) -> None:
    """Switch the rounding of weights and values on or off."""
    for module in student.modules():
        if hasattr(module, "rounded"):
            module.rounded = rounded


def high(values: Tensor) -> Tensor:
    """Return the upper end of (n, ...) values: the mean over pictures of their SHARE quantile."""
    rows = values.flatten(1)
    kept = max(1, round(rows.shape[1] * (1 - SHARE)))
    return rows.topk(kept, dim=1).values[:, -1].mean()


def equalise(first: nn.Conv2d, second: nn.Conv2d, between: Tensor) -> None:
    """Scale the channels between two convolutions to one range; their product stays the same.

    Args:
        first, second: what is changed; between them nothing, or a ReLU without an upper end.
        between: (n, c, h, w) values after `first`; not changed.
    """
    by_channel = between.abs().transpose(0, 1).flatten(1)
    kept = max(1, round(by_channel.shape[1] * (1 - SHARE)))
    size = by_channel.topk(kept, dim=1).values[:, -1]
    # a channel that hardly speaks is not blown up
    scale = size.mean() / size.clamp(min=0.1 * float(size.mean()))
    first.weight.mul_(scale.view(-1, 1, 1, 1))
    first.bias.mul_(scale)
    second.weight.div_(scale.view(1, -1, 1, 1))


@torch.no_grad()
def set_limits(student: Student, pictures: Tensor) -> None:
    """Equalise channels where that changes nothing, then set the upper end of every limit.

    Args:
        student: what is changed; its limits are infinite.
        pictures: (n, 3, H, W) normalised; not changed.
    """
    equalise(student.filters, student.mixed, student.filters(pictures))
    stem = functional.relu(student.mixed(student.filters(pictures)))
    student.stem_limit.top.copy_(high(stem))
    x = student.stem(pictures)
    for block in (*student.near, *student.two, *student.three):
        equalise(block.first, block.second, functional.relu(block.first(x)))
        block.inner.top.copy_(high(functional.relu(block.first(x))))
        block.after.top.copy_(high(block(x)))
        x = block(x)
