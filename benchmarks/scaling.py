"""Time and memory of a fit against the number of pictures: `python benchmarks/scaling.py`.

Feature maps are generated (smooth fields of eight hidden values, mapped to 128), so that any number
of pictures can be had; the bank has 10,000 rows. Each number of pictures is a process of its own.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from goldensample.fitting.machine import resident_bytes
from goldensample.fitting.plan import Load, Machine, choose_greedy, estimate
from goldensample.fitting.spool import open_spool, record_bytes
from goldensample.methods.patchcore import PatchCore
from goldensample.records import Features, silent

RESULTS = Path(__file__).parent / "results"
SHAPES = ((48, 28, 28), (80, 14, 14))
ROWS, LIMIT = 10_000, 1_000_000_000


def generate_features(first: int, count: int) -> Features:
    """Return the features of some pictures: a smooth latent map with noise."""
    rng = np.random.default_rng((5, first))
    mixing = np.random.default_rng(1)
    hidden = rng.normal(0, 1, (count, 8, 5, 5)).astype(np.float32)
    maps = []
    for depth, height, width in SHAPES:
        positions = [np.linspace(0, 4, side).astype(np.float32) for side in (height, width)]
        weights = [np.maximum(0, 1 - np.abs(a[:, None] - np.arange(5))) for a in positions]
        fields = np.einsum("yi,xj,ncij->ncyx", *weights, hidden, optimize=True)
        matrix = mixing.normal(0, 0.7, (depth, 8)).astype(np.float32)
        mixed = np.tanh(np.einsum("dc,ncyx->ndyx", matrix, fields, optimize=True))
        noise = rng.standard_normal(mixed.shape, np.float32)
        maps.append((mixed + 0.03 * noise).astype(np.float32))
    return Features(tuple(maps), np.ones((count, *SHAPES[0][1:]), bool), first)


def fit_once(pictures: int, greedy: str) -> None:
    """Fit on so many pictures, with 1 GB of memory, and print what it took."""
    h, w = SHAPES[0][1:]
    load = Load(pictures, 0, h * w, 128, record_bytes(SHAPES), h * w * 64)
    machine = Machine(resident_bytes(), 0.0, 0.001, 5e10)
    settings = PatchCore(coreset=ROWS)
    method = PatchCore(coreset=ROWS, greedy=greedy) if greedy else choose_greedy(
        settings, load, machine, LIMIT
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        spool = open_spool(Path(folder) / "x.partial", {}, SHAPES, (pictures, 8), False)
        for first in range(0, pictures, 8):
            spool.put(generate_features(first, min(8, pictures - first)))
        memory_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start, cpu_start = perf_counter(), process_time()
        detector = method.fit(spool, silent)
        seconds, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({
        "pictures": pictures, "patches": pictures * h * w, "greedy": method.greedy,
        "seconds": seconds, "cpu_seconds": cpu_seconds,
        "peak_mb": peak * 1024 / 1e6, "before_mb": memory_before * 1024 / 1e6,
        "planned_mb": estimate(method, load, machine).memory_bytes / 1e6,
        "radius": detector.radius, "rows": len(detector.bank),
    }))  # fmt: skip


def main() -> None:
    """Run every number of pictures, and both coresets where both fit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int)
    parser.add_argument("--greedy", default="", help="exact or streaming; the one that fits")
    parser.add_argument("--pictures", type=int, nargs="*", default=[100, 300, 1000, 3000, 20_000])
    options = parser.parse_args()
    if options.one:
        fit_once(options.one, options.greedy)
        return
    runs = []
    for pictures in options.pictures:
        for greedy in ("exact", "streaming") if pictures <= 1000 else ("",):
            command = [sys.executable, __file__, "--one", str(pictures), "--greedy", greedy]
            process = subprocess.run(command, capture_output=True, text=True, check=True)
            runs.append(json.loads(process.stdout))
            print(process.stdout.strip(), flush=True)
            (RESULTS / "scaling.json").write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
