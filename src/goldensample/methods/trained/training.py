"""The trainer of all trained methods: it needs torch, which scoring does not.

Epochs in a fixed order, so that a training that was stopped ends as one that was not; checkpoints
beside the output; clipped gradients; a loss that is not finite is an error; and, with patience, an
early stop on good pictures that are kept out.
"""

from collections.abc import Callable, Iterable
from hashlib import sha256
from importlib.util import find_spec
from math import ceil
from typing import Any

import numpy as np

from goldensample.errors import TrainingError
from goldensample.features.store import ArrayStore, array_store_of
from goldensample.methods.trained.checkpoints import Progress, load_checkpoint, save_checkpoint
from goldensample.methods.trained.detector import TrainedDetector
from goldensample.methods.trained.exporting import Inputs, check_export, export, torch_outputs
from goldensample.methods.trained.recipe import Recipe
from goldensample.records import Array, Features, Notify

CHECKPOINTS = 20
"""How often a training is saved, about."""
HELD_OUT_STEP = 10
"""With patience, every so manieth picture is kept out of training."""


def fit(
    settings: Any, inputs: Inputs, features: Iterable[Features], recipe: Recipe, notify: Notify
) -> TrainedDetector:
    """Train a method on good pictures; the same ones give the same detector on one machine.

    Args:
        settings: of the method, with all knobs of `knobs`.
        inputs: of the pictures, see `inputs.gather_pixels` and `gather_levels`; not changed.
        features: of the fit, whose store keeps the checkpoints.
        recipe: of the method.
        notify: told ("training", epochs done, epochs).

    Raises:
        TrainingError: torch is not installed, or a loss is not finite.
        ValueError: the device is cuda, and torch sees no GPU.
    """
    networks, losses = fit_networks(settings, inputs, features, recipe, notify)
    example = tuple(level[:1] for level in inputs)
    expected = torch_outputs(networks, recipe.score, example)
    graph = export(networks, recipe.score, example, list(expected))
    detector = TrainedDetector(settings, np.frombuffer(graph, np.uint8), losses)
    check_export(detector.runner.run(*(level[0] for level in example)), expected)
    return detector


def fit_networks(
    settings: Any, inputs: Inputs, features: Iterable[Features], recipe: Recipe, notify: Notify
) -> tuple[Any, Array]:
    """Return the trained networks, on the CPU in evaluation mode, and the losses; see `fit`."""
    torch = open_torch(settings)
    key = sha256(f"{settings}{recipe.schedule}{recipe.key}".encode()).hexdigest()[:16]
    store = array_store_of(features, f"training-{key}")
    tensors = [torch.from_numpy(level) for level in inputs]
    with torch.random.fork_rng(), _fixed_order(torch):
        _seed(settings, 0)
        networks = recipe.networks(*tensors).to(settings.device)
        losses = train(settings, networks, tensors, recipe, store, notify)
        networks.eval()
        if recipe.finish:
            with torch.no_grad():
                recipe.finish(networks, *(level.to(settings.device) for level in tensors))
    return networks.cpu(), losses


def _fixed_order(torch: Any) -> Any:
    """Return a context in which a GPU sums in the same order every time."""
    return torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )


def open_torch(settings: Any) -> Any:
    """Return torch, or refuse to train without it, or without the GPU that was asked for."""
    if find_spec("torch") is None:
        raise TrainingError(
            f"{type(settings).__name__} must have torch to be trained; it is not installed; "
            'pip install "goldensample[torch]"'
        )
    import torch

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device must be cpu where torch can use no GPU; got 'cuda'")
    return torch


def train(
    settings: Any,
    networks: Any,
    tensors: list[Any],
    recipe: Recipe,
    store: ArrayStore,
    notify: Notify,
) -> Array:
    """Train networks in place, on from a checkpoint if there is one; return a detector's losses."""
    held_out, chosen = _split(settings, len(tensors[0]))
    epochs = recipe.schedule.epochs(settings, len(chosen))
    trainer = _Trainer(settings, networks, recipe, tensors)
    progress = Progress(trainer.optimizers, patience=settings.patience)
    if not load_checkpoint(store, networks, progress):
        progress.add(networks, trainer.measure(chosen) + trainer.measure(held_out)[:1])
    while len(progress.losses) <= epochs and not progress.is_over():
        epoch = len(progress.losses)
        _seed(settings, epoch)
        losses = trainer.run_epoch(chosen, epoch, recipe.schedule.rate(epoch, epochs))
        progress.add(networks, losses + trainer.measure(held_out)[:1])
        if epoch % max(1, epochs // CHECKPOINTS) == 0 or epoch == epochs:
            save_checkpoint(store, networks, progress)
        notify("training", epoch, epochs)
    notify("training", max(epochs, 1), max(epochs, 1))
    progress.restore_best(networks)
    return np.asarray(progress.losses, np.float32)


def _split(settings: Any, count: int) -> tuple[Array, Array]:
    """Return the indices of the pictures kept out of training, and of the others."""
    indices = np.arange(count)
    kept = indices % HELD_OUT_STEP == HELD_OUT_STEP - 1 if settings.patience else indices < 0
    return indices[kept], indices[~kept]


def _seed(settings: Any, epoch: int) -> None:
    """Seed torch for an epoch, or for the first weights: no state has to be kept."""
    import torch

    seed = np.random.SeedSequence((settings.seed, epoch)).generate_state(1, np.uint64)
    torch.manual_seed(int(seed[0]))


class _Trainer:
    """The steps of a training, with an optimizer for each network that `losses` names."""

    def __init__(self, settings: Any, networks: Any, recipe: Recipe, tensors: list[Any]) -> None:
        import torch

        self._settings, self._networks, self._recipe = settings, networks, recipe
        self._tensors = tensors
        schedule = recipe.schedule
        self.optimizers = {
            name: torch.optim.Adam(
                parameters,
                lr=schedule.learning_rate,
                betas=schedule.betas,
                weight_decay=schedule.weight_decay,
            )
            for name, network in networks.items()
            if (parameters := [one for one in network.parameters() if one.requires_grad])
        }

    def run_epoch(self, indices: Array, epoch: int, rate: float) -> list[float]:
        """Train on each picture once, in a random order; return the mean of each loss."""
        import torch

        for optimizer in self.optimizers.values():
            optimizer.param_groups[0]["lr"] = rate
        self._networks.train()
        order = indices[torch.randperm(len(indices)).numpy()]
        return self._run(order, lambda name, loss: self._update(name, loss, epoch))

    def measure(self, indices: Array) -> list[float]:
        """Return the mean of each loss without training; nothing for no pictures."""
        self._networks.eval()
        return self._run(indices, lambda name, loss: None)

    def _run(self, order: Array, update: Callable[[str, Any], None]) -> list[float]:
        """Compute the losses of all batches, none of them much smaller than another."""
        sums: dict[str, float] = {}
        for batch in np.array_split(order, ceil(len(order) / self._recipe.schedule.batch) or 1):
            if not len(batch):
                continue
            inputs = [level[batch].to(self._settings.device) for level in self._tensors]
            for name, loss in self._recipe.losses(self._networks, *inputs):
                update(name, loss)
                sums[name] = sums.get(name, 0.0) + float(loss.detach()) * len(batch)
        return [total / len(order) for total in sums.values()]

    def _update(self, name: str, loss: Any, epoch: int) -> None:
        """Take one step of the optimizer of a network."""
        import torch

        if not torch.isfinite(loss):
            raise TrainingError(
                f"the loss of the {name} must stay finite; it was {loss.item():g} in epoch "
                f"{epoch}; train with another --seed, or on fewer --epochs"
            )
        parameters = self.optimizers[name].param_groups[0]["params"]
        self.optimizers[name].zero_grad()
        loss.backward(inputs=parameters)
        torch.nn.utils.clip_grad_norm_(parameters, self._recipe.schedule.clip)
        self.optimizers[name].step()
