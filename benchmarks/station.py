"""A station under load: `python benchmarks/station.py`.

Eight clients post bottle's test pictures (900x900 PNG) for 60 s, one after the other each; a
picture answered 429 is posted again after the time that was asked for. Before and after, `golden
inspect` judges the same pictures in batches on the same cores, so that what others do on the
machine strikes both. Measured: pictures a second, by the clock and by processor time (clients,
station and storing together), latency, answers by status, and the station's memory.
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
from urllib.parse import urlsplit

import numpy as np

RESULTS = Path(__file__).parent / "results"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
TICKS = os.sysconf("SC_CLK_TCK")
PORT = 8917
CLIENTS = 8


def busy_s(pid: int) -> float:
    """Return the processor seconds a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


@contextmanager
def station(product: Path, folder: Path, waiting: int):
    """Run a station and give its process."""
    command = [*GOLDEN, "serve", str(product), "--folder", str(folder), "--port", str(PORT)]
    process = subprocess.Popen([*command, "--waiting", str(waiting)])
    try:
        while ask("GET", "/api/health", b"", http.client.HTTPConnection("127.0.0.1", PORT))[0] == 0:
            assert process.poll() is None, "the station must start"
            time.sleep(0.2)
        yield process
    finally:
        process.terminate()
        process.wait()


def ask(
    method: str, path: str, body: bytes, connection: http.client.HTTPConnection
) -> tuple[int, float, bytes]:
    """Send a request; return status, 0 for no answer, the seconds to wait, and the body."""
    try:
        connection.request(method, path, body)
        response = connection.getresponse()
        return response.status, float(response.headers.get("retry-after", 0)), response.read()
    except OSError:
        connection.close()
        return 0, 0.1, b""


def client(
    number: int, url: str, pictures: list[Path], deadline: float, answers: list[tuple[int, float]]
) -> None:
    """Post pictures until a deadline; append (status, seconds) of each request."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.netloc, timeout=120)
    index = number * len(pictures) // CLIENTS
    while time.monotonic() < deadline:
        path = pictures[index % len(pictures)]
        start = time.monotonic()
        # a byte behind the picture makes each file a new one to be stored
        body = path.read_bytes() + f"{number}.{index}".encode()
        status, wait_s, _ = ask("POST", f"{address.path}?name={path.name}", body, connection)
        answers.append((status, time.monotonic() - start))
        index += status != 429
        if status == 429:
            time.sleep(wait_s)
    connection.close()


def load(pid: int, url: str, pictures: list[Path], seconds: float) -> dict:
    """Put clients on a running station; return what was measured."""
    cpu_before, client_cpu_before = busy_s(pid), time.process_time()
    answers: list[tuple[int, float]] = []
    memory = [memory_mb(pid)]
    start = time.monotonic()
    threads = [
        threading.Thread(target=client, args=(number, url, pictures, start + seconds, answers))
        for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        time.sleep(min(5, seconds / 4))
        memory.append(memory_mb(pid))
    elapsed_s = time.monotonic() - start
    cpu_s = busy_s(pid) - cpu_before, time.process_time() - client_cpu_before
    waits = np.array([wait for status, wait in answers if status == 200])
    return {
        "seconds": round(elapsed_s, 2),
        "answers": {
            str(key): n for key, n in sorted(Counter(value for value, _ in answers).items())
        },
        "pictures_per_s": round(len(waits) / elapsed_s, 3),
        "cpu_s_per_picture": round(sum(cpu_s) / len(waits), 4),
        "cpu_s_per_picture_clients": round(cpu_s[1] / len(waits), 4),
        "latency_s": {f"p{q}": round(float(np.quantile(waits, q / 100)), 3) for q in (50, 95, 99)},
        "memory_mb": [round(value) for value in memory],
    }


def time_inspect(product: Path, pictures: list[Path], run: Path) -> dict:
    """Judge pictures with `golden inspect`, less what it takes to start."""
    figures = []
    for batch in (pictures[:1], pictures):
        folder = run / f"inspect{len(batch)}"
        folder.mkdir(exist_ok=True)
        for number, path in enumerate(batch):
            link = folder / f"{number:05}{path.suffix}"
            if not link.exists():
                link.symlink_to(path)
        start, before = time.monotonic(), os.times()
        command = [*GOLDEN, "inspect", str(product), str(folder), "--json"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        cpu_s = after[2] + after[3] - before[2] - before[3]
        figures.append((time.monotonic() - start, cpu_s))
    (wall_1, cpu_1), (wall, cpu) = figures
    return {
        "pictures_per_s": round((len(pictures) - 1) / (wall - wall_1), 3),
        "cpu_s_per_picture": round((cpu - cpu_1) / (len(pictures) - 1), 4),
    }


def main() -> None:
    """Run inspect, station, inspect, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument(
        "--product", type=Path, help="a fitted bottle.golden; fitted where left out"
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--waiting", type=int, default=64)
    parser.add_argument("--quiet", action="store_true", help="print alone, write no result")
    options = parser.parse_args()
    root = options.shared.resolve() / "data/mvtec_ad/bottle"
    pictures = sorted((root / "test").glob("*/*.png"))
    with tempfile.TemporaryDirectory() as directory:
        run = Path(directory)
        product = run / "bottle.golden"
        if options.product:
            product.write_bytes(options.product.read_bytes())
        else:
            command = [*GOLDEN, "fit", str(root / "train/good"), "-o", str(product)]
            subprocess.run(command, check=True)
        before = time_inspect(product, pictures, run)
        with station(product, run / "kept", options.waiting) as process:
            url = f"http://127.0.0.1:{PORT}/api/inspect/{product.stem}"
            load(process.pid, url, pictures, 5)  # warm
            under_load = load(process.pid, url, pictures, options.seconds)
        after = time_inspect(product, pictures, run)
    cpu = (before["cpu_s_per_picture"] + after["cpu_s_per_picture"]) / 2
    clock = (before["pictures_per_s"] + after["pictures_per_s"]) / 2
    figures = {
        "cores": len(os.sched_getaffinity(0)),
        "golden inspect before": before,
        "station, 8 clients": under_load,
        "golden inspect after": after,
        "throughput against golden inspect, by processor time": round(
            cpu / under_load["cpu_s_per_picture"], 3
        ),
        "throughput against golden inspect, by the clock": round(
            under_load["pictures_per_s"] / clock, 3
        ),
    }
    print(json.dumps(figures, indent=1))
    if not options.quiet:
        (RESULTS / "station.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
