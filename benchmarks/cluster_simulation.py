"""Up to 64 machines, simulated: `python benchmarks/cluster_simulation.py`.

Times and sizes are those that `cluster.py` and `inspect_table.py` measured on one machine; the
network and the shared disk are assumed (see `ASSUMED`). Tasks are simulated one by one: the
command hands them out one after the other, keeps two on their way for each core, and the shared
disk serves bytes in the order in which they are asked for. Rounds of the exact coreset are added
up, each from its parts. What is busy for the largest share of a stage is its bottleneck.

Not simulated: machines that differ, that fail, or that share their network with others.
"""

import argparse
import heapq
import json
from dataclasses import dataclass
from pathlib import Path

from goldensample.coreset.shards import shard_count

RESULTS = Path(__file__).parent / "results"
ASSUMED = {
    "cores_per_machine": 16,
    "network_bytes_s": 1.25e9,  # 10 Gb/s, each way, of each machine
    "disk_bytes_s": 1.0e9,  # of the shared disk, of all machines together
    "core_hour_price": 0.04,  # in any currency: a rented core, an hour
}
MACHINES = (1, 2, 4, 8, 16, 32, 64)
FIT = {"pictures": 50_000, "rows": 10_000}
INSPECT = {"pictures": 1_000_000, "bank": 10_000}
PART, PIECE, DEPTH = 8, 32, 128


@dataclass(frozen=True)
class Task:
    """Cost of a task: seconds of a core, bytes read from and written to the shared disk."""

    core_s: float
    read: float
    written: float = 0.0


def run(count: int, task: Task, cores: int, dispatch_s: float) -> dict[str, object]:
    """Simulate many equal tasks; return the seconds, and how busy each part was."""
    network = ASSUMED["network_bytes_s"] * max(1, cores / ASSUMED["cores_per_machine"])
    transferred_bytes = task.read + task.written
    disk_s = transferred_bytes / min(ASSUMED["disk_bytes_s"], network)
    core_free_at = [0.0] * cores  # when each core is free
    heapq.heapify(core_free_at)
    in_flight: list[float] = []
    dispatch_time = disk = end = 0.0
    for _ in range(count):
        dispatch_time += dispatch_s
        if len(in_flight) == 2 * cores:
            dispatch_time = max(dispatch_time, heapq.heappop(in_flight))
        start = max(dispatch_time, heapq.heappop(core_free_at))
        disk = max(disk, start) + disk_s
        finished = max(start + disk_s, disk) + task.core_s
        heapq.heappush(core_free_at, finished)
        heapq.heappush(in_flight, finished)
        end = max(end, finished)
    busy = {
        "cores": count * task.core_s / cores / end,
        "shared disk": count * disk_s / end,
        "command": count * dispatch_s / end,
    }
    return {"seconds": end, "busy": busy, "bottleneck": max(busy, key=busy.__getitem__)}


def rounds(measured: dict[str, float], cores: int, every_core: bool = False) -> dict[str, object]:
    """Add up the rounds of the exact greedy coreset."""
    rows = FIT["pictures"] * measured["patches"]
    cores = shard_count(cores, int(rows)) if not every_core else cores
    picks = measured["picks_per_round"]
    count = FIT["rows"] / picks
    machines = max(1, cores // ASSUMED["cores_per_machine"])
    core_s = rows / cores * picks * measured["greedy_s_per_row_and_pick"]
    per_shard = max(0.0, (measured["round_of_8_s"] - measured["round_of_1_s"]) / 7)
    command_s = measured["round_of_1_s"] + per_shard * (cores - 1)
    sent = picks * 4 * DEPTH * machines + 4 * picks * (4 * DEPTH + 12)
    network_s = sent / ASSUMED["network_bytes_s"] if machines > 1 else 0.0
    total_s = core_s + command_s + network_s
    busy = {
        "cores": core_s / total_s,
        "command": command_s / total_s,
        "network": network_s / total_s,
    }
    return {
        "seconds": count * total_s,
        "rounds": count,
        "shards": cores,
        "busy": busy,
        "bottleneck": max(busy, key=busy.__getitem__),
    }


def fit(measured: dict[str, float], cores: int) -> dict[str, object]:
    """Simulate a fit's stages."""
    pictures, dispatch_s = FIT["pictures"], measured["task_s"]
    size = measured["features_bytes"]
    features = Task(PART * measured["features_s"], PART * measured["picture_bytes"], PART * size)
    read = Task(PIECE * measured["patches_s"], PIECE * size)
    coverage = Task(PIECE * (measured["patches_s"] + measured["coverage_s"]), PIECE * size)
    stages = {
        "features": run(pictures // PART, features, cores, dispatch_s),
        "counting": run(pictures // PIECE, Task(0.0, PIECE * size), cores, dispatch_s),
        "shards": run(
            cores, Task(pictures / cores * measured["patches_s"], pictures / cores * size), cores,
            dispatch_s,
        ),
        "coreset": rounds(measured, cores),
        "coreset with a shard on every core": rounds(measured, cores, every_core=True),
        "bank rows": run(pictures // PIECE, read, cores, dispatch_s),
        "coverage": run(pictures // PIECE, coverage, cores, dispatch_s),
    }  # fmt: skip
    every_core = stages.pop("coreset with a shard on every core")
    slowest = max(stages, key=lambda name: stages[name]["seconds"])
    return {
        "stages": stages,
        "coreset with a shard on every core": every_core,
        "seconds": sum(stage["seconds"] for stage in stages.values()),
        "slowest": slowest,
        "bottleneck": stages[slowest]["bottleneck"],
    }


def inspect(measured: dict[str, float], cores: int) -> dict[str, object]:
    """Simulate an inspection into a table, in parts of so many pictures."""
    part_size = measured["inspect_part"]
    task = Task(
        part_size * measured["inspect_s"],
        part_size * measured["picture_bytes"],
        part_size * measured["row_bytes"],
    )
    result = run(INSPECT["pictures"] // part_size, task, cores, measured["task_s"])
    result["pictures_s"] = INSPECT["pictures"] / result["seconds"]
    price = result["seconds"] * cores / 3600 * ASSUMED["core_hour_price"]
    return {**result, "price_of_a_million": price * 1e6 / INSPECT["pictures"]}


def main() -> None:
    """Simulate all numbers of machines and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    measured = json.loads((RESULTS / "cluster.json").read_text())["pieces"]
    tables = json.loads((RESULTS / "inspect_table.json").read_text())
    table, start = tables["table_one_core"], tables["one_picture_here"]
    seconds = table["processor_seconds"] - start["processor_seconds"]
    measured |= {"inspect_s": seconds / tables["pictures"], "row_bytes": tables["bytes_per_row"]}
    measured |= {"inspect_part": 64}
    results: dict[str, object] = {"assumed": ASSUMED, "measured": measured, "fit of": FIT}
    results["inspection of"] = INSPECT
    for machines in MACHINES:
        cores = machines * ASSUMED["cores_per_machine"]
        simulation = {"fit": fit(measured, cores), "inspect": inspect(measured, cores)}
        results[f"{machines} machines"] = simulation
        stages = ", ".join(
            f"{name} {stage['seconds']:.0f} s ({stage['bottleneck']})"
            for name, stage in simulation["fit"]["stages"].items()
        )
        print(f"{machines:3} machines: fit {simulation['fit']['seconds']:.0f} s: {stages}")
        inspection = simulation["inspect"]
        price = f"{inspection['price_of_a_million']:.2f} a million"
        rate = f"{inspection['pictures_s']:.0f} a second ({inspection['bottleneck']})"
        print(f"{'':14}inspect {rate}, {price}")
    (RESULTS / "cluster_simulation.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
