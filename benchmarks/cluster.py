"""A fit on a Ray cluster compared with a local fit: `python benchmarks/cluster.py`.

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
from goldensample.coreset.coverage import Coverage
from goldensample.coreset.greedy import greedy_over
from goldensample.coreset.projection import concatenate, project
from goldensample.coreset.shards import Shard
from goldensample.features.extraction import batch_size, level_shapes
from goldensample.fitting.fit import FeatureJob, extract_batch, extract_features
from goldensample.fitting.spool import open_spool
from goldensample.methods.bank import open_source
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.ray_runner import open_runner
from goldensample.records import silent
from goldensample.runners import local_runner

RESULTS = Path(__file__).parent / "results"
NODE = {"num_cpus": 1, "object_store_memory": 80_000_000}
REPEATS, WARM_UP_PICTURES = 2, 256
"""Repeats of the scaling measurement, and pictures until all workers are warm."""


@contextmanager
def cluster(nodes: int):
    """Start a cluster of single-core nodes; yield its address."""
    from ray.cluster_utils import Cluster

    ray_cluster = Cluster(True, head_node_args={**NODE, "include_dashboard": False})
    try:
        for _ in range(nodes - 1):
            ray_cluster.add_node(**NODE)
        yield ray_cluster.address
    finally:
        ray_cluster.shutdown()


def fit_by_command(pictures: Path, output: Path, address: str = "") -> tuple[str, float]:
    """Fit by the command; return the hash of the file, and the seconds."""
    command = [str(Path(sys.executable).with_name("golden")), "fit", str(pictures), "-o"]
    command += [str(output), "--coreset", "0.01", "--precision", "fp32"]
    start = perf_counter()
    if address:
        command += ["--runner", "auto"]
    subprocess.run(
        command, check=True, capture_output=True, env=os.environ | {"RAY_ADDRESS": address}
    )
    seconds = perf_counter() - start
    return hashlib.sha256(output.read_bytes()).hexdigest(), seconds


def equal(pictures: Path, folder: Path) -> dict[str, object]:
    """Fit here and on 1, 2 and 4 nodes."""
    expected, seconds = fit_by_command(pictures, folder / "here.golden")
    results = {"here": {"sha256": expected, "seconds": seconds}}
    for nodes in (1, 2, 4):
        with cluster(nodes) as address:
            actual, seconds = fit_by_command(pictures, folder / f"{nodes}.golden", address)
        results[f"{nodes} nodes"] = {
            "sha256": actual,
            "seconds": seconds,
            "same": expected == actual,
        }
        print(nodes, results[f"{nodes} nodes"], flush=True)
    return results


def make_feature_job(pictures: Path, folder: Path) -> FeatureJob:
    """Return the feature extraction job of all pictures, with a spool in a folder."""
    images, network = read_images(pictures), open_backbone("builtin")
    preparation = Preparation(choose_size(list(images.shapes()), network.network.stride))
    preparation = replace(preparation, grey_range=images.grey_range)
    size = len(images), batch_size(preparation)
    spool = open_spool(folder, {}, level_shapes(preparation, network), size, False)
    return FeatureJob(images, np.arange(len(images)), preparation, network, spool)


PROCESS_SCRIPT = """
import sys
from itertools import pairwise
from pathlib import Path
from time import perf_counter
from cluster import make_feature_job
from goldensample.native.threads import use_threads
from goldensample.fitting.fit import extract_batch
use_threads(1)
job = make_feature_job(Path(sys.argv[1]), Path(sys.argv[2]))
extract_batch(job, range(8))
print("ready", flush=True)
sys.stdin.readline()
began = perf_counter()
for start in range(int(sys.argv[3]), int(sys.argv[4]), 8):
    extract_batch(job, range(start, min(start + 8, len(job.fitted))))
print(perf_counter() - began, flush=True)
"""


def time_processes(pictures: Path, folder: Path, edges: list[int]) -> float:
    """Time feature extraction without a runner, in parallel processes."""
    commands = [
        [sys.executable, "-c", PROCESS_SCRIPT, pictures, folder / f"{a}", str(a), str(b)]
        for a, b in pairwise(edges)
    ]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            preexec_fn=lambda core=core: os.sched_setaffinity(0, {core}),
        )
        for core, command in enumerate(commands)
    ]  # fmt: skip
    for process in running:
        process.stdout.readline()
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    return max(float(process.communicate()[0]) for process in running)


def scaling(pictures: Path, folder: Path) -> dict[str, object]:
    """Time the features of all pictures with one worker and with two, in pairs.

    The scaling of two independent processes is measured for comparison.
    """
    import ray

    seconds: dict[int, list[float]] = {1: [], 2: []}
    count = len(list(pictures.iterdir()))
    bare: dict[int, list[float]] = {1: [], 2: []}
    steady: dict[int, list[float]] = {1: [], 2: []}
    for pair in range(REPEATS):
        for workers in (1, 2):
            ray.init(num_cpus=workers, include_dashboard=False, log_to_driver=False)
            with open_runner("auto", folder) as runner:
                warm_up_job = make_feature_job(pictures, folder / f"warm{pair}{workers}")
                warm_up = replace(warm_up_job, fitted=warm_up_job.fitted[:32])
                extract_features(warm_up, runner, silent)  # starts the workers
                job = make_feature_job(pictures, folder / f"all{pair}{workers}")
                progress: list[tuple[float, int]] = []

                def notify(stage: str, done: int, total: int) -> None:
                    progress.append((perf_counter(), done))  # noqa: B023

                start = perf_counter()
                extract_features(job, runner, notify)
                seconds[workers].append(perf_counter() - start)
                (first_time, first_done), (last_time, last_done) = (
                    next(s for s in progress if s[1] >= WARM_UP_PICTURES),
                    progress[-1],
                )
                steady[workers].append((last_time - first_time) / (last_done - first_done) * count)
            ray.shutdown()
            edges = [0, count] if workers == 1 else [0, count // 16 * 8, count]
            bare[workers].append(time_processes(pictures, folder / f"bare{pair}{workers}", edges))
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


def empty_task(shared: None, item: bytes) -> None:
    """Do nothing: an empty task."""


def make_state(shared: None, item: int) -> int:
    """Make a trivial state."""
    return item


def echo(state: int, message: bytes) -> bytes:
    """Return the message."""
    return message


def round_s(states, size: int) -> float:
    """Return the seconds of a message of some bytes to all states, and of their answers."""
    states.update(echo, b"")
    start = perf_counter()
    for _ in range(50):
        states.update(echo, b"x" * size)
    return (perf_counter() - start) / 50


def pieces(pictures: Path, folder: Path) -> dict[str, float]:
    """Measure the stages of a fit: single-threaded times, and sizes."""
    job = make_feature_job(pictures, folder / "pieces")
    images = job.images
    figures = {"picture_bytes": statistics.mean(path.stat().st_size for path in images.paths)}
    extract_batch(job, range(8))
    began = perf_counter()
    for start in range(8, 168, 8):
        extract_batch(job, range(start, start + 8))
    figures["features_s"] = (perf_counter() - began) / 160
    parts = list(job.store.path.glob("*.features"))
    figures["features_bytes"] = sum(part.stat().st_size for part in parts) / 168
    knobs = PatchCore()
    source = open_source(knobs, list(job.store.read_range(0, 168)), silent, local_runner)
    began = perf_counter()
    halves = [half for half, _ in source.patches(range(168))]
    figures["patches_s"] = (perf_counter() - began) / 168
    rows = sum(map(len, halves))
    figures["patches"] = rows / 168
    points = concatenate((project(half, knobs.projection, 0) for half in halves), rows)
    rounds = 0

    def tell(done: int) -> None:
        nonlocal rounds
        rounds += 1

    began = perf_counter()
    with local_runner.create_states(
        lambda shared, item: Shard(points.copy(), 0), None, [0]
    ) as shards:
        chosen = greedy_over(shards, round(0.01 * rows), tell)
    figures["greedy_s_per_row_and_pick"] = (perf_counter() - began) / rows / len(chosen.picks)
    figures["picks_per_round"] = len(chosen.picks) / rounds
    bank = np.concatenate(halves)[chosen.picks].astype(np.float32)
    began = perf_counter()
    Coverage(bank).add(np.concatenate(halves).astype(np.float32), chosen.nearest)
    figures["coverage_s"] = (perf_counter() - began) / 168
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    with open_runner("auto", folder) as runner:
        list(runner.run(empty_task, None, [b""] * 20))
        began = perf_counter()
        list(runner.run(empty_task, None, [b"x" * 1000] * 1000))
        figures["task_s"] = (perf_counter() - began) / 1000
        for count in (1, 8):
            with runner.create_states(make_state, None, range(count)) as states:
                figures[f"round_of_{count}_s"] = round_s(states, 1000)
                figures[f"round_of_{count}_and_100_kb_s"] = round_s(states, 100_000)
    ray.shutdown()
    return figures


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
