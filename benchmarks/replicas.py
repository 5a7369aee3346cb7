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
    line = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
    try:
        line.request(method, path, body)
        answer = line.getresponse()
        return answer.status, answer.read()
    except OSError:
        return 0, b""
    finally:
        line.close()


@contextmanager
def fleet(product: Path, most: int):
    """Run replicas; give their process and the seconds until the first answer."""
    began = time.monotonic()
    words = [*GOLDEN, "replicas", str(product), "--most", str(most), "--waiting", str(WAITING)]
    process = subprocess.Popen([*words, "--port", str(PORT)])
    try:
        while ask("GET", "/api/health")[0] != 200:
            assert process.poll() is None, "replicas must start"
            time.sleep(0.2)
        yield process.pid, round(time.monotonic() - began, 1)
    finally:
        process.terminate()
        process.wait()


def ours(pid: int) -> set[int]:
    """Return the processes that a process has started, those of these included, and itself."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
    found, ring = {pid}, [pid]
    while ring:
        ring = [one for one, parent in parents.items() if parent in ring]
        found.update(ring)
    return found


def busy_s(processes: set[int]) -> float:
    """Return the processor seconds that processes have used."""
    total = 0
    for one in processes:
        try:
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
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
    for one in processes:
        try:
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def client(turn: int, pictures: list[bytes], until: float, found: list[tuple[int, float]]) -> None:
    """Post pictures until a time; keep (status, seconds) of each request."""
    while time.monotonic() < until:
        began = time.monotonic()
        status, _ = ask("POST", "/api/inspect/bottle", pictures[turn % len(pictures)])
        found.append((status, time.monotonic() - began))
        turn += 1


def post(pictures: list[bytes], seconds: float) -> list[tuple[int, float]]:
    """Have all clients post pictures for so long; return (status, seconds) of each request."""
    found: list[tuple[int, float]] = []
    until = time.monotonic() + seconds
    threads = [
        threading.Thread(target=client, args=(number * 20, pictures, until, found))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def second_replica(pictures: list[bytes]) -> float:
    """Post pictures until two replicas have judged some; return the seconds it took."""
    began, judged = time.monotonic(), {}
    while len(judged) < 2 and time.monotonic() - began < 180:
        post(pictures, 1)
        for _ in range(8):
            health = json.loads(ask("GET", "/api/health")[1])
            if health["judged"]:
                judged[health["replica"]] = health["judged"]
    assert len(judged) == 2, judged
    return round(time.monotonic() - began, 1)


def measure(product: Path, pictures: list[bytes], most: int, seconds: float) -> dict:
    """Return the figures of so many replicas."""
    with fleet(product, most) as (pid, started_s):
        added_s = second_replica(pictures) if most > 1 else None
        post(pictures, 3)
        before, all_before, began = busy_s(ours(pid)), machine_s(), time.monotonic()
        client_before = time.process_time()
        found = post(pictures, seconds)
        took_s = time.monotonic() - began
        used, clients = busy_s(ours(pid)) - before, time.process_time() - client_before
        others = machine_s() - all_before - used - clients
        waits = np.array([wait for status, wait in found if status == 200])
        return {
            "replicas": most,
            "first_answer_s": started_s,
            "second_replica_s": added_s,
            "seconds": round(took_s, 1),
            "answers": {str(k): n for k, n in sorted(Counter(s for s, _ in found).items())},
            "pictures_per_s": round(len(waits) / took_s, 2),
            "latency_s": {f"p{q}": round(float(np.quantile(waits, q / 100)), 3) for q in (50, 95)},
            "cpu_s_per_picture": round((used + clients) / len(waits), 4),
            "cores_of_others": round(others / took_s, 2),
            "memory_mb": round(memory_mb(ours(pid))),
        }


def main() -> None:
    """Run one replica and two, in turns, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--product", type=Path, help="a fitted bottle.golden, else one is fitted")
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    root = given.shared.resolve() / "data/mvtec_ad/bottle"
    pictures = [path.read_bytes() for path in sorted((root / "test").glob("*/*.png"))]
    figures = []
    with tempfile.TemporaryDirectory() as place:
        product = given.product or Path(place) / "bottle.golden"
        if not given.product:
            words = [*GOLDEN, "fit", str(root / "train/good"), "-o", str(product)]
            subprocess.run(words, check=True)
        for _ in range(given.rounds):
            for most in (1, 2):
                figures.append(measure(product, pictures, most, given.seconds))
                print(json.dumps(figures[-1]))
                about = {
                    "cores": len(os.sched_getaffinity(0)),
                    "clients": CLIENTS,
                    "waiting": WAITING,
                    "picture": "900x900 PNG",
                }
                RESULTS.write_text(json.dumps({**about, "runs": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
