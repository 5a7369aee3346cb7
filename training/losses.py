"""Distillation losses: the teacher's features, and their change by a defect."""

from dataclasses import dataclass

from torch import Tensor

from training.teachers import mean3


@dataclass(frozen=True)
class Weights:
    """Weights of the terms of the loss.

    Args:
        change: of the change loss relative to the feature loss.
        floor: added to a picture's spread; a smaller one gives more weight to flat pictures.
    """

    change: float
    floor: float


def feature_loss(predicted: Tensor, target: Tensor, floor: float) -> Tensor:
    """Return the squared error, each picture normalised by its variance.

    A flat picture, as most industrial ones are, then has the same weight as a textured one.
    """
    error = (predicted - target).square().sum(1).mean((1, 2))
    spread = (target - target.mean((2, 3), keepdim=True)).square().sum(1).mean((1, 2))
    return (error / (spread + floor)).mean()


def change_loss(predicted: Tensor, target: Tensor) -> Tensor:
    """Return the error of the change by a defect, relative to the size of the change.

    Rows 0, 2, 4, … are pictures, rows 1, 3, 5, … the same with a defect. At 1 the student
    does not respond to the defect.
    """
    change = target[1::2] - target[0::2]
    error = (predicted[1::2] - predicted[0::2] - change).square().sum((1, 2, 3))
    size = change.square().sum((1, 2, 3))
    return (error / (size + 0.02 * change[0, 0].numel())).mean()


def distillation_loss(
    predicted: tuple[Tensor, Tensor], targets: tuple[Tensor, Tensor], weights: Weights
) -> Tensor:
    """Return the sum over both levels of the feature loss and the weighted change loss."""
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
