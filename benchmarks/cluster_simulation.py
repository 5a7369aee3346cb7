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

from goldensample.coreset.shards import shards_for

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
    """What a task takes: seconds of a core, bytes from the shared disk and to it."""

    core_s: float
    read: float
    written: float = 0.0


def run(count: int, task: Task, cores: int, hand_out_s: float) -> dict[str, object]:
    """Simulate many equal tasks; return the seconds, and how busy each part was."""
    network = ASSUMED["network_bytes_s"] * max(1, cores / ASSUMED["cores_per_machine"])
    moved = task.read + task.written
    disk_s = moved / min(ASSUMED["disk_bytes_s"], network)
    free = [0.0] * cores  # when each core is free
    heapq.heapify(free)
    on_their_way: list[float] = []
    command = disk = end = 0.0
    for _ in range(count):
        command += hand_out_s
        if len(on_their_way) == 2 * cores:
            command = max(command, heapq.heappop(on_their_way))
        began = max(command, heapq.heappop(free))
        disk = max(disk, began) + disk_s
        done = max(began + disk_s, disk) + task.core_s
        heapq.heappush(free, done)
        heapq.heappush(on_their_way, done)
        end = max(end, done)
    busy = {
        "cores": count * task.core_s / cores / end,
        "shared disk": count * disk_s / end,
        "command": count * hand_out_s / end,
    }
    return {"seconds": end, "busy": busy, "bottleneck": max(busy, key=busy.__getitem__)}


def rounds(known: dict[str, float], cores: int, every: bool = False) -> dict[str, object]:
    """Add up the rounds of the exact greedy coreset."""
    rows = FIT["pictures"] * known["patches"]
    cores = shards_for(cores, int(rows)) if not every else cores
    picks = known["picks_per_round"]
    count = FIT["rows"] / picks
    machines = max(1, cores // ASSUMED["cores_per_machine"])
    own = rows / cores * picks * known["greedy_s_per_row_and_pick"]
    one_more = max(0.0, (known["round_of_8_s"] - known["round_of_1_s"]) / 7)
    command = known["round_of_1_s"] + one_more * (cores - 1)
    sent = picks * 4 * DEPTH * machines + 4 * picks * (4 * DEPTH + 12)
    network = sent / ASSUMED["network_bytes_s"] if machines > 1 else 0.0
    whole = own + command + network
    busy = {"cores": own / whole, "command": command / whole, "network": network / whole}
    return {
        "seconds": count * whole,
        "rounds": count,
        "shards": cores,
        "busy": busy,
        "bottleneck": max(busy, key=busy.__getitem__),
    }


def fit(known: dict[str, float], cores: int) -> dict[str, object]:
    """Simulate a fit's stages."""
    pictures, hand_out = FIT["pictures"], known["task_s"]
    size = known["features_bytes"]
    features = Task(PART * known["features_s"], PART * known["picture_bytes"], PART * size)
    read = Task(PIECE * known["patches_s"], PIECE * size)
    cover = Task(PIECE * (known["patches_s"] + known["coverage_s"]), PIECE * size)
    stages = {
        "features": run(pictures // PART, features, cores, hand_out),
        "counting": run(pictures // PIECE, Task(0.0, PIECE * size), cores, hand_out),
        "shards": run(
            cores, Task(pictures / cores * known["patches_s"], pictures / cores * size), cores,
            hand_out,
        ),
        "coreset": rounds(known, cores),
        "coreset with a shard on every core": rounds(known, cores, every=True),
        "bank rows": run(pictures // PIECE, read, cores, hand_out),
        "coverage": run(pictures // PIECE, cover, cores, hand_out),
    }  # fmt: skip
    beside = stages.pop("coreset with a shard on every core")
    slowest = max(stages, key=lambda name: stages[name]["seconds"])
    return {
        "stages": stages,
        "coreset with a shard on every core": beside,
        "seconds": sum(stage["seconds"] for stage in stages.values()),
        "slowest": slowest,
        "bottleneck": stages[slowest]["bottleneck"],
    }


def inspect(known: dict[str, float], cores: int) -> dict[str, object]:
    """Simulate an inspection into a table, in parts of so many pictures."""
    part = known["inspect_part"]
    task = Task(part * known["inspect_s"], part * known["picture_bytes"], part * known["row_bytes"])
    found = run(INSPECT["pictures"] // part, task, cores, known["task_s"])
    found["pictures_s"] = INSPECT["pictures"] / found["seconds"]
    price = found["seconds"] * cores / 3600 * ASSUMED["core_hour_price"]
    return {**found, "price_of_a_million": price * 1e6 / INSPECT["pictures"]}


def main() -> None:
    """Simulate all numbers of machines and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    known = json.loads((RESULTS / "cluster.json").read_text())["pieces"]
    tables = json.loads((RESULTS / "inspect_table.json").read_text())
    table, start = tables["table_one_core"], tables["one_picture_here"]
    seconds = table["processor_seconds"] - start["processor_seconds"]
    known |= {"inspect_s": seconds / tables["pictures"], "row_bytes": tables["bytes_per_row"]}
    known |= {"inspect_part": 64}
    found: dict[str, object] = {"assumed": ASSUMED, "measured": known, "fit of": FIT}
    found["inspection of"] = INSPECT
    for machines in MACHINES:
        cores = machines * ASSUMED["cores_per_machine"]
        one = {"fit": fit(known, cores), "inspect": inspect(known, cores)}
        found[f"{machines} machines"] = one
        stages = ", ".join(
            f"{name} {stage['seconds']:.0f} s ({stage['bottleneck']})"
            for name, stage in one["fit"]["stages"].items()
        )
        print(f"{machines:3} machines: fit {one['fit']['seconds']:.0f} s: {stages}")
        seen = one["inspect"]
        price = f"{seen['price_of_a_million']:.2f} a million"
        print(f"{'':14}inspect {seen['pictures_s']:.0f} a second ({seen['bottleneck']}), {price}")
    (RESULTS / "cluster_simulation.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
