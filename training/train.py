"""Train the built-in backbone: `python -m training.train`.

It may be interrupted: the same command resumes from the last checkpoint.
"""

import argparse
import copy
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn

from training import export, quantised, shards, targets
from training.int8 import set_limits, simulate_quantisation
from training.losses import Weights, agreement, distillation_loss
from training.network import DESIGNS, Student
from training.start import initialise_from_teacher
from training.teachers import RESNET18, normalise, resnet18
from training.validate import PHOTOGRAPHS, photograph_paths

BATCH = 32
PASSES = 6
POOL_START, POOL_GROWTH, POOL_END = 6, 5, shards.SURFACES.start
SURFACE_PASSES = 2


@dataclass(frozen=True)
class Plan:
    """Hyperparameters of one stage of training."""

    name: str
    rounds: int
    rate: float
    averaged_steps: int
    weights: Weights
    surfaces: bool = False
    rounded: bool = False


STAGES = [
    Plan("features", 24, 3e-4, 500, Weights(change=0.3, floor=0.25)),
    Plan("changes", 12, 2e-4, 300, Weights(change=1.5, floor=0.1)),
    Plan("surfaces", 26, 1.5e-4, 300, Weights(change=1.5, floor=0.1), surfaces=True),
    Plan("int8", 10, 5e-5, 200, Weights(change=1.5, floor=0.1), surfaces=True, rounded=True),
    Plan("int8_longer", 12, 5e-5, 300, Weights(change=1.5, floor=0.1), surfaces=True, rounded=True),
]
"""First the feature loss, then more weight on the change loss, then more low-contrast surfaces,
then quantisation-aware training."""


def learning_rate(plan: Plan, done: float) -> float:
    """Return the rate after a share `done` of the run: a short warm-up, then cosine decay."""
    rise = min(1.0, done / 0.03 + 0.05)
    return plan.rate * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def train_on_shard(
    student: Student,
    average: Student,
    optimiser: torch.optim.Optimizer,
    shard: dict[str, Tensor],
    weights: Weights,
    window: int,
) -> float:
    """Take one pass over a shard, averaging over `window` steps; return the mean loss."""
    losses = []
    depths = (student.head2.out_channels, student.head3.out_channels)
    for start in range(0, len(shard["pictures"]), BATCH):
        rows = slice(start, start + BATCH)
        target = (
            shard["level2"][rows, : depths[0]].float(),
            shard["level3"][rows, : depths[1]].float(),
        )
        predicted = student(normalise(shard["pictures"][rows]))
        loss = distillation_loss(predicted, target, weights)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            for averaged, current in zip(average.parameters(), student.parameters(), strict=True):
                averaged.lerp_(current, 1 / window)
        losses.append(loss.item())
    return float(np.mean(losses))


@torch.no_grad()
def held_out_agreement(average: Student, shard: dict[str, Tensor]) -> str:
    """Return the explained variance on held-out pictures, as a line of text."""
    predicted = average(normalise(shard["pictures"]))
    shares = [
        agreement(level, shard[name][:, : level.shape[1]].float())
        for name, level in zip(("level2", "level3"), predicted, strict=True)
    ]
    return " ".join(f"{value:.3f}" for values in shares for value in values)


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint atomically."""
    temporary = path.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, path)


def shard_numbers(number: int, surfaces: bool) -> list[int]:
    """Return the shards of one round, drawn from a pool that grows from round to round.

    With `surfaces`, the last SURFACE_PASSES of them are shards of faint grey surfaces.
    """
    pool = min(POOL_END, POOL_START + POOL_GROWTH * number)
    rng = np.random.default_rng((11, number))
    numbers = list(rng.permutation(pool)[:PASSES])
    if surfaces:
        numbers[-SURFACE_PASSES:] = rng.permutation(shards.SURFACES)[:SURFACE_PASSES]
    return [int(k) for k in numbers]


def prepare_shards(
    folder: Path, shared: Path, photographs_folder: Path | None
) -> tuple[shards.Source, dict]:
    """Return the source of shards, and one shard of held-out pictures; no folder, no photograph."""
    folder.mkdir(parents=True, exist_ok=True)
    photographs = []
    for held_out in (False, True):
        paths = photograph_paths(photographs_folder, held_out) if photographs_folder else []
        photographs.append([Image.open(path).convert("RGB") for path in paths])
    teacher = resnet18(shared / "weights")
    projections = targets.load_projections(folder / "projections.pt", teacher, photographs[0])
    source = shards.Source(folder / "shards", teacher, photographs[0], projections)
    held_out_source = shards.Source(folder / "held_out", teacher, photographs[1], projections)
    return source, shards.load_shard(held_out_source, 100_000)


def initialise_student(
    plan: Plan, design: str, source: shards.Source, shared: Path, previous: Path | None
) -> Student:
    """Return the initial student of a stage: the last stage's average, or a pruned ResNet-18."""
    student = Student(DESIGNS[design]).to(memory_format=torch.channels_last)
    pictures = normalise(shards.load_shard(source, 0)["pictures"][::2])
    if previous is not None:
        student.load_state_dict(torch.load(previous)["average"])
    else:
        state = load_file(shared / "weights" / RESNET18)
        initialise_from_teacher(student, state, pictures, source.projections)
    if plan.rounded:
        if torch.isinf(student.stem_limit.top).any():
            set_limits(student, pictures)
        simulate_quantisation(student, True)
    return student


def train_round(
    plan: Plan,
    number: int,
    rounds_before: int,
    source: shards.Source,
    students: tuple[Student, Student],
    optimiser: torch.optim.Optimizer,
) -> float:
    """Train `students` (the one trained, its average) for one round; return the mean loss."""
    window = min(plan.averaged_steps, 10 + 10 * number)
    losses = []
    for index, shard_number in enumerate(shard_numbers(rounds_before + number, plan.surfaces)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(plan, (number + index / PASSES) / plan.rounds)
        shard = shards.load_shard(source, shard_number)
        losses.append(train_on_shard(*students, optimiser, shard, plan.weights, window))
    return float(np.mean(losses))


def run(
    plan: Plan,
    rounds_before: int,
    source: shards.Source,
    held_out: dict[str, Tensor],
    student: Student,
    path: Path,
) -> None:
    """Train one stage, resuming from its checkpoint at `path` if there is one."""
    average, start = copy.deepcopy(student), 0
    optimiser = torch.optim.AdamW(student.parameters(), plan.rate, weight_decay=1e-4)
    if path.exists():
        state = torch.load(path)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        start = state["round"]
    began = time.monotonic()
    for number in range(start, plan.rounds):
        loss = train_round(plan, number, rounds_before, source, (student, average), optimiser)
        state = {"round": number + 1, "optimiser": optimiser.state_dict()}
        state |= {"student": student.state_dict(), "average": average.state_dict()}
        save(path, state)
        round_s = (time.monotonic() - began) / (number + 1 - start)
        remaining_s = round_s * (plan.rounds - number - 1)
        line = f"{plan.name} {number + 1}/{plan.rounds} loss {loss:.4f}, "
        line += f"{remaining_s / 60:.1f} min left"
        if number % 5 == 4 or number == start:
            line += f", held out {held_out_agreement(average, held_out)}"
        print(line, flush=True)


def main() -> None:
    """Read the command line, train, and write the ONNX file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--folder", type=Path, help="for the cache and the checkpoints")
    parser.add_argument("--design", choices=DESIGNS, default="thin")
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--without-photographs", action="store_true")
    parser.add_argument("--out", type=Path, help="the ONNX file; FOLDER/builtin.onnx if not given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--fill", action="store_true", help="only fill the cache, beside a run")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    photographs = None if options.without_photographs else options.photographs
    # a cache of one folder's pictures is never used for another's
    name = f"backbone_{photographs.name if photographs else 'without_photographs'}"
    folder = options.folder or Path("runs") / name
    source, held_out = prepare_shards(folder, options.shared, photographs)
    if options.fill:
        shards.fill_cache(source)
        return
    torch.manual_seed(0)
    previous, rounds_before = None, 0
    for plan in STAGES:
        path = folder / f"{options.design}_{plan.name}.pt"
        student = initialise_student(plan, options.design, source, options.shared, previous)
        run(plan, rounds_before, source, held_out, student, path)
        previous, rounds_before = path, rounds_before + plan.rounds
    student = Student(DESIGNS[options.design])
    student.load_state_dict(torch.load(previous)["average"])
    out = options.out or folder / "builtin.onnx"
    export.write(student, out)
    quantised.write(out, source.photographs)


if __name__ == "__main__":
    main()
