"""What a method file gives the trainer: how long, at what rate, which networks and losses."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, cos, pi
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """How a method is trained.

    Args:
        pictures: how many pictures are trained on in all, each as often as it is, by budget.
        batch: pictures in a step, at most.
        learning_rate, betas, weight_decay: of Adam.
        clip: largest norm of a step's gradient; a larger one is scaled down to it.
        falls: whether the learning rate falls to 0 along a half cosine, epoch by epoch. Source:
            Loshchilov & Hutter, SGDR, ICLR 2017, without its restarts.
    """

    pictures: Mapping[str, int]
    batch: int
    learning_rate: float
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    clip: float = 10.0
    falls: bool = False

    def epochs(self, settings: Any, count: int) -> int:
        """Return the number of epochs on `count` pictures; fewer pictures are trained on as long.

        At a batch of 64, 6,400 pictures are 32 epochs of 200 pictures, or 100 of 10.
        """
        if settings.budget == "hand":
            return int(settings.epochs)
        return ceil(self.pictures[settings.budget] / max(count, self.batch))

    def rate(self, epoch: int, epochs: int) -> float:
        """Return the learning rate in an epoch, of 1 to `epochs`."""
        share = (1 + cos(pi * (epoch - 1) / epochs)) / 2 if self.falls else 1.0
        return self.learning_rate * share


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a method file gives the trainer; n pictures, torch tensors of float32.

    Args:
        schedule: of the training.
        networks: builds a `ModuleDict` from all inputs of the fit, on the CPU, each (n, ...).
        losses: of networks and a batch of the inputs: yields (name, loss), and the trainer updates
            the network of that name, alone, before it asks for the next one.
        score: of networks and inputs: returns outputs by name, "score" (n,), "map" (n, h, w).
        finish: called with the trained networks and all inputs, to keep statistics of good
            pictures as buffers; None where the method keeps none.
        key: of what else the losses depend on; a checkpoint with another key is not taken up.
    """

    schedule: Schedule
    networks: Callable[..., Any]
    losses: Callable[..., Iterator[tuple[str, Any]]]
    score: Callable[..., dict[str, Any]]
    finish: Callable[..., None] | None = None
    key: str = ""
