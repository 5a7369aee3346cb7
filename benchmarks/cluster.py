"""A fit over a cluster beside the same fit here: `python benchmarks/cluster.py`.

On magnetic_tile's 761 good pictures, with the built-in network and 1 % of the patches:

- the file of `golden fit --runner` on 1, 2 and 4 nodes of one processor, all on this machine,
  against that of `golden fit` without a runner, byte for byte;
- the features of all pictures (read, prepare, network, write) by one worker and by two, in pairs;
- what the simulation of many nodes rests on: times of tasks and rounds, and sizes.

Everything keeps to one thread. With other work on the machine the times mean little.
"""

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np

from goldensample import open_backbone, read_images
from goldensample.coreset.coverage import radius
from goldensample.coreset.greedy import greedy_over
from goldensample.coreset.projection import gathered, project
from goldensample.coreset.shards import Shard
from goldensample.features.extraction import at_a_time, level_shapes
from goldensample.fitting.fit import Looking, look, look_at
from goldensample.fitting.spool import open_spool
from goldensample.methods.bank import Patches
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.ray_runner import open_runner
from goldensample.records import silent
from goldensample.runners import here

RESULTS = Path(__file__).parent / "results"
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
PAIRS, STARTED = 2, 256
"""How often scaling is measured, and after how many pictures all workers have their network."""


@contextmanager
def cluster(nodes: int):
    """Start so many nodes of one processor, and tell commands where."""
    from ray.cluster_utils import Cluster

    made = Cluster(True, head_node_args={**NODE, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            made.add_node(**NODE)
        yield made.address
    finally:
        made.shutdown()


def fitted(pictures: Path, output: Path, address: str = "") -> tuple[str, float]:
    """Fit by the command; return the hash of the file, and the seconds."""
    command = [str(Path(sys.executable).with_name("golden")), "fit", str(pictures), "-o"]
    command += [str(output), "--coreset", "0.01", "--precision", "fp32"]
    began = perf_counter()
    if address:
        command += ["--runner", "auto"]
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"RAY_ADDRESS": address}
    )
    seconds = perf_counter() - began
    return hashlib.sha256(output.read_bytes()).hexdigest(), seconds


def equal(pictures: Path, folder: Path) -> dict[str, object]:
    """Fit here and on 1, 2 and 4 nodes."""
    own, seconds = fitted(pictures, folder / "here.golden")
    found = {"here": {"sha256": own, "seconds": seconds}}
    for nodes in (1, 2, 4):
        with cluster(nodes) as address:
            other, seconds = fitted(pictures, folder / f"{nodes}.golden", address)
        found[f"{nodes} nodes"] = {"sha256": other, "seconds": seconds, "same": own == other}
        print(nodes, found[f"{nodes} nodes"], flush=True)
    return found


def looking(pictures: Path, folder: Path) -> Looking:
    """Return what the features of all pictures are made from, kept in a folder."""
    images, network = read_images(pictures), open_backbone("builtin")
    preparation = Preparation(choose_size(list(images.shapes()), network.network.stride))
    preparation = replace(preparation, white=images.white)
    size = len(images), at_a_time(preparation)
    spool = open_spool(folder, {}, level_shapes(preparation, network), size, False)
    return Looking(images, np.arange(len(images)), preparation, network, spool)


ALONE = """
import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from cluster import looking
from goldensample.backbones.openvino import use_threads
from goldensample.fitting.fit import look_at
use_threads(1)
made = looking(Path(sys.argv[1]), Path(sys.argv[2]))
look_at(made, range(8))
print("ready", flush=True)
sys.stdin.readline()
began = perf_counter()
for start in range(int(sys.argv[3]), int(sys.argv[4]), 8):
    look_at(made, range(start, min(start + 8, len(made.banked))))
print(perf_counter() - began, flush=True)
"""


def alone(pictures: Path, folder: Path, edges: list[int]) -> float:
    """Time the features without a runner, a process of its own for each part, all at once."""
    commands = [
        [sys.executable, "-c", ALONE, pictures, folder / f"{a}", str(a), str(b)]
        for a, b in pairwise(edges)
    ]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda core=core: os.sched_setaffinity(0, {core}),
        )
        for core, command in enumerate(commands)
    ]  # fmt: skip
    for one in running:
        one.stdout.readline()
    for one in running:
        one.stdin.write("go\n")
        one.stdin.flush()
    return max(float(one.communicate()[0]) for one in running)


def scaling(pictures: Path, folder: Path) -> dict[str, object]:
    """Time the features of all pictures with one worker and with two, in pairs.

    What the machine gives two processes that know nothing of each other is measured beside it.
    """
    import ray

    seconds: dict[int, list[float]] = {1: [], 2: []}
    count = len(list(pictures.iterdir()))
    bare: dict[int, list[float]] = {1: [], 2: []}
    steady: dict[int, list[float]] = {1: [], 2: []}
    for pair in range(PAIRS):
        for workers in (1, 2):
            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
            with open_runner("auto", folder) as runner:
                few = looking(pictures, folder / f"warm{pair}{workers}")
                look(replace(few, banked=few.banked[:32]), runner, silent)  # starts the workers
                all_of_them = looking(pictures, folder / f"all{pair}{workers}")
                seen: list[tuple[float, int]] = []
                began = perf_counter()
                look(all_of_them, runner, lambda _, done, __: seen.append((perf_counter(), done)))  # noqa: B023
                seconds[workers].append(perf_counter() - began)
                (early, before), (late, after) = next(s for s in seen if s[1] >= STARTED), seen[-1]
                steady[workers].append((late - early) / (after - before) * count)
            ray.shutdown()
            edges = [0, count] if workers == 1 else [0, count // 16 * 8, count]
            bare[workers].append(alone(pictures, folder / f"bare{pair}{workers}", edges))
            print(workers, seconds[workers][-1], steady[workers][-1], bare[workers][-1], flush=True)
    ratios = [one / two for one, two in zip(seconds[1], seconds[2], strict=True)]
    limits = [one / two for one, two in zip(bare[1], bare[2], strict=True)]
    rates = [one / two for one, two in zip(steady[1], steady[2], strict=True)]
    return {
        "one_worker_once_started_s": steady[1],
        "two_workers_once_started_s": steady[2],
        "ratio_once_started": statistics.median(rates),
        "one_process_s": bare[1],
        "two_processes_s": bare[2],
        "ratio_of_processes": statistics.median(limits),
        "one_worker_s": seconds[1],
        "two_workers_s": seconds[2],
        "ratios": ratios,
        "ratio": statistics.median(ratios),
    }


def nothing(shared: None, item: bytes) -> None:
    """Do nothing: a task."""


def state(shared: None, item: int) -> int:
    """Make a state of nothing."""
    return item


def answer(kept: int, message: bytes) -> bytes:
    """Answer a message with as much."""
    return message


def round_s(states, size: int) -> float:
    """Return the seconds of a message of some bytes to all states, and of their answers."""
    states.tell(answer, b"")
    began = perf_counter()
    for _ in range(50):
        states.tell(answer, b"x" * size)
    return (perf_counter() - began) / 50


def pieces(pictures: Path, folder: Path) -> dict[str, float]:
    """Measure what a fit is made of: times of one thread, and sizes."""
    made = looking(pictures, folder / "pieces")
    images = made.images
    found = {"picture_bytes": statistics.mean(path.stat().st_size for path in images.paths)}
    look_at(made, range(8))
    began = perf_counter()
    for start in range(8, 168, 8):
        look_at(made, range(start, start + 8))
    found["features_s"] = (perf_counter() - began) / 160
    parts = list(made.kept.path.glob("*.features"))
    found["features_bytes"] = sum(part.stat().st_size for part in parts) / 168
    knobs = PatchCore()
    read = Patches(list(made.kept.between(0, 168)), knobs.patches_of, 168, silent)
    began = perf_counter()
    halves = [half for half, _ in read.read()]
    found["patches_s"] = (perf_counter() - began) / 168
    rows = sum(map(len, halves))
    found["patches"] = rows / 168
    points = gathered((project(half, knobs.projection, 0) for half in halves), rows)
    rounds = 0

    def tell(done: int) -> None:
        nonlocal rounds
        rounds += 1

    began = perf_counter()
    with here.keep(lambda shared, item: Shard(points.copy(), 0), None, [0]) as shards:
        chosen = greedy_over(shards, round(0.01 * rows), tell)
    found["greedy_s_per_row_and_pick"] = (perf_counter() - began) / rows / len(chosen.picks)
    found["picks_per_round"] = len(chosen.picks) / rounds
    bank = np.concatenate(halves)[chosen.picks].astype(np.float32)
    began = perf_counter()
    radius(bank, [(np.concatenate(halves).astype(np.float32), chosen.nearest)])
    found["coverage_s"] = (perf_counter() - began) / 168
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with open_runner("auto", folder) as runner:
        list(runner.run(nothing, None, [b""] * 20))
        began = perf_counter()
        list(runner.run(nothing, None, [b"x" * 1000] * 1000))
        found["task_s"] = (perf_counter() - began) / 1000
        for count in (1, 8):
            with runner.keep(state, None, range(count)) as states:
                found[f"round_of_{count}_s"] = round_s(states, 1000)
                found[f"round_of_{count}_and_100_kb_s"] = round_s(states, 100_000)
    ray.shutdown()
    return found


def main() -> None:
    """Measure all, or what is named, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", choices=["equal", "scaling", "pieces"])
    asked = parser.parse_args()
    pictures = asked.shared.resolve() / "data/magnetic_tile/train/good"
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    )
    output = RESULTS / "cluster.json"
    figures = json.loads(output.read_text()) if output.exists() else {}
    for measured in (pieces, scaling, equal):
        if asked.only in (None, measured.__name__):
            with tempfile.TemporaryDirectory() as place:
                figures[measured.__name__] = measured(pictures, Path(place))
            figures["cores"] = os.cpu_count()
            output.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
