"""What the student is trained on: the teachers' features, and how a defect changes them."""

from dataclasses import dataclass

from torch import Tensor

from training.teachers import mean3


@dataclass(frozen=True)
class Weights:
    """How the parts of the loss are weighed.

    Args:
        change: of the change loss against the feature loss.
        floor: added to a picture's spread; the smaller, the more flat pictures count.
    """

    change: float
    floor: float


def feature_loss(predicted: Tensor, target: Tensor, floor: float) -> Tensor:
    """Return the squared error, each picture weighed against its own spread.

    A flat picture, as most industrial ones are, then counts as much as a busy one.
    """
    error = (predicted - target).square().sum(1).mean((1, 2))
    spread = (target - target.mean((2, 3), keepdim=True)).square().sum(1).mean((1, 2))
    return (error / (spread + floor)).mean()


def change_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of what the defect changes, against the size of the change.

    Rows 0, 2, 4, … are pictures, rows 1, 3, 5, … the same with a defect. At 1 the student sees
    nothing of the defect.
    """
    change = target[1::2] - target[0::2]
    error = (predicted[1::2] - predicted[0::2] - change).square().sum((1, 2, 3))
    size = change.square().sum((1, 2, 3))
    return (error / (size + 0.02 * change[0, 0].numel())).mean()


def distillation_loss(
    predicted: tuple[Tensor, Tensor], targets: tuple[Tensor, Tensor], weights: Weights
) -> Tensor:
    """Return the sum over both levels of the feature loss and the weighed change loss."""
    total = predicted[0].new_zeros(())
    for level, target in zip(predicted, targets, strict=True):
        averaged = mean3(level.float())
        total = total + feature_loss(averaged, target, weights.floor)
        total = total + weights.change * change_loss(averaged, target)
    return total


def agreement(predicted: Tensor, target: Tensor) -> tuple[float, float]:
    """Return the explained share of the target's variance, and of its change by defects."""
    averaged = mean3(predicted.float())
    spread = (target - target.mean((0, 2, 3), keepdim=True)).square().sum()
    explained = 1 - (averaged - target).square().sum() / spread
    change = target[1::2] - target[0::2]
    missed = (averaged[1::2] - averaged[0::2] - change).square().sum() / change.square().sum()
    return float(explained), float(1 - missed)
