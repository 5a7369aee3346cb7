"""How far a training is, and its checkpoints: arrays of numbers, in the store of the fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from goldensample.features.store import ArrayStore
from goldensample.records import Array

NAME = "checkpoint"


@dataclass
class Progress:
    """How far a training is.

    Args:
        optimizers: by name of their network.
        patience: epochs without a better held-out loss after which training is over; 0 for never.
        losses: of each epoch, that before training first; with patience the held-out one is last.
        best: weights after the epoch with the least held-out loss; empty without patience.
    """

    optimizers: Mapping[str, Any]
    patience: int
    losses: list[list[float]] = field(default_factory=list)
    best: dict[str, Array] = field(default_factory=dict)

    def add(self, networks: Any, losses: list[float]) -> None:
        """Add the losses of an epoch, and keep the weights if they are the best so far."""
        self.losses.append(losses)
        if self.patience and self._best_epoch() == len(self.losses) - 1:
            self.best = weights_of(networks)

    def is_over(self) -> bool:
        """Return whether patience has run out."""
        return bool(self.patience) and len(self.losses) - 1 - self._best_epoch() >= self.patience

    def restore_best(self, networks: Any) -> None:
        """Give the networks the weights with the least held-out loss, where one was measured."""
        if self.best:
            load_weights(networks, self.best)

    def _best_epoch(self) -> int:
        return int(np.argmin([row[-1] for row in self.losses]))


def weights_of(networks: Any) -> dict[str, Array]:
    """Return copies of all weights and buffers by name."""
    return {key: _to_array(value) for key, value in networks.state_dict().items()}


def load_weights(networks: Any, weights: Mapping[str, Array]) -> None:
    """Give networks the weights and buffers that `weights_of` returned."""
    import torch

    networks.load_state_dict({key: torch.from_numpy(value) for key, value in weights.items()})


def save_checkpoint(store: ArrayStore, networks: Any, progress: Progress) -> None:
    """Keep networks, optimizers and losses, in place of an earlier checkpoint."""
    arrays = {"losses": np.asarray(progress.losses)}
    arrays |= {f"network/{key}": value for key, value in weights_of(networks).items()}
    arrays |= {f"best/{key}": value for key, value in progress.best.items()}
    for name, optimizer in progress.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            for key, value in state.items():
                arrays[f"optimizer/{name}/{index}/{key}"] = _to_array(value)
    store.put(NAME, arrays)


def load_checkpoint(store: ArrayStore, networks: Any, progress: Progress) -> bool:
    """Go on from a checkpoint; return whether there is one."""
    import torch

    if not store.has(NAME):
        return False
    arrays = store.get(NAME)
    load_weights(networks, _below(arrays, "network/"))
    progress.losses = arrays["losses"].tolist()
    progress.best = _below(arrays, "best/")
    for name, optimizer in progress.optimizers.items():
        state: dict[int, dict[str, Any]] = {}
        for path, value in _below(arrays, f"optimizer/{name}/").items():
            index, key = path.split("/")
            state.setdefault(int(index), {})[key] = torch.from_numpy(value)
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return True


def _below(arrays: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {k.removeprefix(prefix): value for k, value in arrays.items() if k.startswith(prefix)}


def _to_array(value: Any) -> Array:
    return value.detach().cpu().numpy().copy()
