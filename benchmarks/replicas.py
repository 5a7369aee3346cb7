"""One replica against two: `taskset -c 0,1 python benchmarks/replicas.py`.

`golden replicas` serves a product fitted on bottle (256x256) with at most one replica, then with at
most two, each on one core of two. Four clients post bottle's test pictures (900x900 PNG), one after
the other each. Measured: pictures a second, latency, seconds from the start of the command to the
first answer and from the first load until the second replica judges. The cores that other
processes of the machine took meanwhile are told beside: they are missing here.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent / "results" / "replicas.json"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
TICKS = os.sysconf("SC_CLK_TCK")
PORT, CLIENTS, WAITING = 8931, 4, 1


def ask(method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request; return status, 0 for no answer, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, response.read()
    except OSError:
        return 0, b""
    finally:
        connection.close()


@contextmanager
def running_replicas(product: Path, most: int):
    """Run replicas; give their process and the seconds until the first answer."""
    start = time.monotonic()
    command = [*GOLDEN, "replicas", str(product), "--most", str(most), "--waiting", str(WAITING)]
    process = subprocess.Popen([*command, "--port", str(PORT)])
    try:
        while ask("GET", "/api/health")[0] != 200:
            assert process.poll() is None, "replicas must start"
            time.sleep(0.2)
        yield process.pid, round(time.monotonic() - start, 1)
    finally:
        process.terminate()
        process.wait()


def process_tree(pid: int) -> set[int]:
    """Return the processes that a process has started, those of these included, and itself."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    processes, generation = {pid}, [pid]
    while generation:
        generation = [child for child, parent in parents.items() if parent in generation]
        processes.update(generation)
    return processes


def busy_s(processes: set[int]) -> float:
    """Return the processor seconds that processes have used."""
    total = 0
    for pid in processes:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def machine_s() -> float:
    """Return the processor seconds that all processes have used."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return sum(int(fields[k]) for k in (0, 1, 2, 5, 6)) / TICKS


def memory_mb(processes: set[int]) -> float:
    """Return the memory of processes, each page once."""
    total = 0
    for pid in processes:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def client(
    index: int, pictures: list[bytes], deadline: float, answers: list[tuple[int, float]]
) -> None:
    """Post pictures until a deadline; append (status, seconds) of each request."""
    while time.monotonic() < deadline:
        start = time.monotonic()
        status, _ = ask("POST", "/api/inspect/bottle", pictures[index % len(pictures)])
        answers.append((status, time.monotonic() - start))
        index += 1


def post(pictures: list[bytes], seconds: float) -> list[tuple[int, float]]:
    """Have all clients post pictures for so long; return (status, seconds) of each request."""
    answers: list[tuple[int, float]] = []
    deadline = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(number * 20, pictures, deadline, answers))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def second_replica(pictures: list[bytes]) -> float:
    """Post pictures until two replicas have judged some; return the seconds it took."""
    start, counts = time.monotonic(), {}
    while len(counts) < 2 and time.monotonic() - start < 180:
        post(pictures, 1)
        for _ in range(8):
            health = json.loads(ask("GET", "/api/health")[1])
            if health["judged"]:
                counts[health["replica"]] = health["judged"]
    assert len(counts) == 2, counts
    return round(time.monotonic() - start, 1)


def measure(product: Path, pictures: list[bytes], most: int, seconds: float) -> dict:
    """Return the figures of so many replicas."""
    with running_replicas(product, most) as (pid, started_s):
        added_s = second_replica(pictures) if most > 1 else None
        post(pictures, 3)
        before, all_before, start = busy_s(process_tree(pid)), machine_s(), time.monotonic()
        client_before = time.process_time()
        answers = post(pictures, seconds)
        elapsed_s = time.monotonic() - start
        cpu_s, client_cpu_s = (
            busy_s(process_tree(pid)) - before,
            time.process_time() - client_before,
        )
        other_cpu_s = machine_s() - all_before - cpu_s - client_cpu_s
        waits = np.array([wait for status, wait in answers if status == 200])
        return {
            "replicas": most,
            "first_answer_s": started_s,
            "second_replica_s": added_s,
            "seconds": round(elapsed_s, 1),
            "answers": {str(k): n for k, n in sorted(Counter(s for s, _ in answers).items())},
            "pictures_per_s": round(len(waits) / elapsed_s, 2),
            "latency_s": {f"p{q}": round(float(np.quantile(waits, q / 100)), 3) for q in (50, 95)},
            "cpu_s_per_picture": round((cpu_s + client_cpu_s) / len(waits), 4),
            "cores_of_others": round(other_cpu_s / elapsed_s, 2),
            "memory_mb": round(memory_mb(process_tree(pid))),
        }


def main() -> None:
    """Run one replica and two, in turns, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--product", type=Path, help="a fitted bottle.golden, else one is fitted")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    root = options.shared.resolve() / "data/mvtec_ad/bottle"
    pictures = [path.read_bytes() for path in sorted((root / "test").glob("*/*.png"))]
    figures = []
    with tempfile.TemporaryDirectory() as directory:
        product = options.product or Path(directory) / "bottle.golden"
        if not options.product:
            command = [*GOLDEN, "fit", str(root / "train/good"), "-o", str(product)]
            subprocess.run(command, check=True)
        for _ in range(options.rounds):
            for most in (1, 2):
                figures.append(measure(product, pictures, most, options.seconds))
                print(json.dumps(figures[-1]))
                settings = {
                    "cores": len(os.sched_getaffinity(0)),
                    "clients": CLIENTS,
                    "waiting": WAITING,
                    "picture": "900x900 PNG",
                }
                RESULTS.write_text(json.dumps({**settings, "runs": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
