"""Train the built-in backbone: `python -m training.train`.

Interrupt it when you like: the same command goes on from the last checkpoint.
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
from training.int8 import set_limits, simulate
from training.losses import Weights, agreement, distillation_loss
from training.network import DESIGNS, Student
from training.start import start_from
from training.teachers import RESNET18, normalised, resnet18
from training.validate import photograph_paths

BATCH = 32
PASSES = 6
POOL_START, POOL_GROWTH, POOL_END = 6, 5, shards.SURFACES.start
SURFACE_PASSES = 2


@dataclass(frozen=True)
class Plan:
    """The settings of one stage of training."""

    name: str
    rounds: int
    rate: float
    averaged_steps: int
    weights: Weights
    surfaces: bool = False
    rounded: bool = False


STAGES = [
    Plan("features", 60, 3e-4, 500, Weights(change=0.3, floor=0.25)),
    Plan("changes", 24, 2e-4, 300, Weights(change=1.5, floor=0.1)),
    Plan("surfaces", 50, 1.5e-4, 300, Weights(change=1.5, floor=0.1), surfaces=True),
    Plan("int8", 14, 5e-5, 200, Weights(change=1.5, floor=0.1), surfaces=True, rounded=True),
]
"""First all features alike, then with weight on what defects change, then with more flat grey
pictures, then under int8's rounding."""


def learning_rate(plan: Plan, done: float) -> float:
    """Return the rate after a share `done` of the run: a short rise, then half a cosine."""
    rise = min(1.0, done / 0.03 + 0.05)
    return plan.rate * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def train_on(
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
    for low in range(0, len(shard["pictures"]), BATCH):
        part = slice(low, low + BATCH)
        wanted = (
            shard["level2"][part, : depths[0]].float(),
            shard["level3"][part, : depths[1]].float(),
        )
        predicted = student(normalised(shard["pictures"][part]))
        loss = distillation_loss(predicted, wanted, weights)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimiser.step()
        with torch.no_grad():
            for kept, new in zip(average.parameters(), student.parameters(), strict=True):
                kept.lerp_(new, 1 / window)
        losses.append(loss.item())
    return float(np.mean(losses))


@torch.no_grad()
def held_out_agreement(average: Student, shard: dict[str, Tensor]) -> str:
    """Return the explained shares on held-out pictures, as a line of text."""
    predicted = average(normalised(shard["pictures"]))
    shares = [
        agreement(level, shard[name][:, : level.shape[1]].float())
        for name, level in zip(("level2", "level3"), predicted, strict=True)
    ]
    return " ".join(f"{value:.3f}" for pair in shares for value in pair)


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint so that an interruption leaves the old or the new one."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def shard_numbers(number: int, surfaces: bool) -> list[int]:
    """Return the shards of one round, drawn from a pool that grows from round to round.

    With `surfaces`, the last SURFACE_PASSES of them are shards of faint grey surfaces.
    """
    pool = min(POOL_END, POOL_START + POOL_GROWTH * number)
    random = np.random.default_rng((11, number))
    chosen = list(random.permutation(pool)[:PASSES])
    if surfaces:
        chosen[-SURFACE_PASSES:] = random.permutation(shards.SURFACES)[:SURFACE_PASSES]
    return [int(k) for k in chosen]


def prepared(folder: Path, shared: Path, with_photographs: bool) -> tuple[shards.Source, dict]:
    """Return the source of shards, and one shard of held-out pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    sides = []
    for held_out in (False, True):
        paths = photograph_paths(shared, held_out) if with_photographs else []
        sides.append([Image.open(path).convert("RGB") for path in paths])
    teacher = resnet18(shared / "weights")
    projections = targets.projections(folder / "projections.pt", teacher, sides[0])
    source = shards.Source(folder / "shards", teacher, sides[0], projections)
    held = shards.Source(folder / "held_out", teacher, sides[1], projections)
    return source, shards.shard(held, 100_000)


def started(
    plan: Plan, design: str, source: shards.Source, shared: Path, before: Path | None
) -> Student:
    """Return the student a stage starts from: the last stage's average, or a thinned ResNet-18."""
    student = Student(DESIGNS[design]).to(memory_format=torch.channels_last)
    pictures = normalised(shards.shard(source, 0)["pictures"][::2])
    if before is not None:
        student.load_state_dict(torch.load(before)["average"])
    else:
        state = load_file(shared / "weights" / RESNET18)
        start_from(student, state, pictures, source.projections)
    if plan.rounded:
        set_limits(student, pictures)
        simulate(student, True)
    return student


def one_round(
    plan: Plan,
    number: int,
    earlier: int,
    source: shards.Source,
    students: tuple[Student, Student],
    optimiser: torch.optim.Optimizer,
) -> float:
    """Train `students` (the one trained, its average) for one round; return the mean loss."""
    window = min(plan.averaged_steps, 10 + 10 * number)
    losses = []
    for index, chosen in enumerate(shard_numbers(earlier + number, plan.surfaces)):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(plan, (number + index / PASSES) / plan.rounds)
        shard = shards.shard(source, chosen)
        losses.append(train_on(*students, optimiser, shard, plan.weights, window))
    return float(np.mean(losses))


def run(
    plan: Plan,
    earlier: int,
    source: shards.Source,
    held_out: dict[str, Tensor],
    student: Student,
    path: Path,
) -> None:
    """Train one stage to its end, from its checkpoint at `path` if there is one."""
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
        loss = one_round(plan, number, earlier, source, (student, average), optimiser)
        state = {"round": number + 1, "optimiser": optimiser.state_dict()}
        state |= {"student": student.state_dict(), "average": average.state_dict()}
        save(path, state)
        left = (time.monotonic() - began) / (number + 1 - start) * (plan.rounds - number - 1)
        line = f"{plan.name} {number + 1}/{plan.rounds} loss {loss:.4f}, {left / 60:.1f} min left"
        if number % 5 == 4 or number == start:
            line += f", held out {held_out_agreement(average, held_out)}"
        print(line, flush=True)


def main() -> None:
    """Read the command line, train, and write the ONNX file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--folder", type=Path, help="for the cache and the checkpoints")
    parser.add_argument("--design", choices=DESIGNS, default="thin")
    parser.add_argument("--without-photographs", action="store_true")
    parser.add_argument("--out", type=Path, help="the ONNX file; FOLDER/builtin.onnx if not given")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--fill", action="store_true", help="only fill the cache, beside a run")
    chosen = parser.parse_args()
    torch.set_num_threads(chosen.threads)
    name = "backbone_without_photographs" if chosen.without_photographs else "backbone"
    folder = chosen.folder or Path("runs") / name
    source, held_out = prepared(folder, chosen.shared, not chosen.without_photographs)
    if chosen.fill:
        shards.fill(source)
        return
    torch.manual_seed(0)
    before, earlier = None, 0
    for plan in STAGES:
        path = folder / f"{chosen.design}_{plan.name}.pt"
        student = started(plan, chosen.design, source, chosen.shared, before)
        run(plan, earlier, source, held_out, student, path)
        before, earlier = path, earlier + plan.rounds
    student = Student(DESIGNS[chosen.design])
    student.load_state_dict(torch.load(before)["average"])
    out = chosen.out or folder / "builtin.onnx"
    export.write(student, out)
    quantised.write(out, source.photographs)


if __name__ == "__main__":
    main()
