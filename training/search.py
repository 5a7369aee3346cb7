"""Compare network designs before training: `python -m training.search`.

Each design is initialised from ResNet-18 by least squares (`training.start`), in seconds, and
evaluated by the explained variance of the teacher's features on held-out pictures, and by its time.
"""

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import openvino
import torch
from safetensors.torch import load_file

from training import shards
from training.export import build
from training.losses import agreement
from training.measure import teacher_bytes
from training.network import DESIGNS, Student
from training.start import initialise_from_teacher
from training.teachers import RESNET18, normalise
from training.train import prepare_shards
from training.validate import PHOTOGRAPHS

THIN = DESIGNS["thin"]
CANDIDATES = {
    "thin": THIN,
    "small": DESIGNS["small"],
    "rank 16": replace(THIN, rank=16),
    "rank 24": replace(THIN, rank=24),
    "no block at 1/4": replace(THIN, near=()),
    "near 32": replace(THIN, near=(32,)),
    "near 24, 24": replace(THIN, near=(24, 24)),
    "near 64": replace(THIN, near=(64,)),
    "two 48, 48": replace(THIN, two=(48, 48)),
    "two 80, 80": replace(THIN, two=(80, 80)),
    "one block of 96 at 1/8": replace(THIN, two=(96,)),
    "three 128, 128": replace(THIN, three=(128, 128)),
    "three 96, 48": replace(THIN, three=(96, 48)),
    "one block of 192 at 1/16": replace(THIN, three=(192,)),
}


def compiled(model: bytes) -> openvino.CompiledModel:
    """Compile a network at 256x256 in float32."""
    core = openvino.Core()
    graph = core.read_model(model, b"")
    graph.reshape([1, 3, 256, 256])
    settings = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    return core.compile_model(graph, "CPU", settings)


def min_times_ms(networks: dict[str, openvino.CompiledModel], rounds: int) -> dict[str, float]:
    """Return each network's minimum time over interleaved rounds."""
    picture = np.random.default_rng(0).standard_normal((1, 3, 256, 256)).astype(np.float32)
    min_times = dict.fromkeys(networks, np.inf)
    for _ in range(rounds):
        for name, network in networks.items():
            start = time.perf_counter()
            network(picture)
            min_times[name] = min(min_times[name], 1e3 * (time.perf_counter() - start))
    return min_times


def main() -> None:
    """Print a line for each design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--folder", type=Path, default=Path("runs/backbone_photographs"))
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    source, held_out = prepare_shards(options.folder, options.shared, options.photographs)
    pictures = normalise(shards.load_shard(source, 0)["pictures"][::4])
    state = load_file(options.shared / "weights" / RESNET18)
    networks = {"ResNet-18": compiled(teacher_bytes(options.shared / "weights"))}
    quality, megabytes = {}, {}
    for name, design in CANDIDATES.items():
        student = Student(design).to(memory_format=torch.channels_last)
        initialise_from_teacher(student, state, pictures, source.projections)
        with torch.no_grad():
            predicted = student(normalise(held_out["pictures"]))
        quality[name] = [
            value
            for level, key in zip(predicted, ("level2", "level3"), strict=True)
            for value in agreement(level, held_out[key][:, : level.shape[1]].float())
        ]
        model = build(student).SerializeToString()
        networks[name], megabytes[name] = compiled(model), len(model) / 1e6
    times = min_times_ms(networks, options.rounds)
    print("| design | level 2 | its change | level 3 | its change | MB | ms | of ResNet-18 |")
    print("|---|---|---|---|---|---|---|---|")
    for name, values in quality.items():
        shares = " | ".join(f"{value:.3f}" for value in values)
        share = times[name] / times["ResNet-18"]
        print(f"| {name} | {shares} | {megabytes[name]:.1f} | {times[name]:.1f} | {share:.0%} |")


if __name__ == "__main__":
    main()
