"""Memory of a fit over a cluster: `python benchmarks/cluster_memory.py`.

The patches of 50,000 generated pictures (39.2 million of depth 128: 20 GB as the coreset needs
them) go through 4 workers into one bank of 5,000 rows by the streaming coreset. Measured: the
largest resident size of every worker and of the driver, both from the kernel (VmHWM). No features
lie on a disk: a worker generates a picture's as often as the fit asks for them.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from scaling import SHAPES, generate_features

from goldensample.features.store import ArrayStore
from goldensample.fitting.spool import SpoolArrayStore
from goldensample.methods.patchcore import PatchCore
from goldensample.ray_runner import open_runner
from goldensample.records import Features

RESULTS = Path(__file__).parent / "results"
WORKERS, ROWS, PART = 4, 5_000, 8


@dataclass(frozen=True)
class GeneratedStore:
    """A `FeatureStore` of generated features; arrays are stored in a folder."""

    pictures: int
    folder: Path
    start: int = 0
    end: int = -1

    @property
    def total(self) -> int:
        return self.pictures

    def __len__(self) -> int:
        return self.pictures

    def __iter__(self) -> Iterator[Features]:
        end = self.pictures if self.end < 0 else min(self.end, self.pictures)
        for first in range(self.start // PART * PART, end, PART):
            record_peak()
            yield generate_features(first, min(PART, self.pictures - first))

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        return GeneratedStore(self.pictures, self.folder, start, end)

    def array_store(self, name: str) -> ArrayStore:
        return SpoolArrayStore(self.folder, name)

    def has(self, first: int) -> bool:
        return True

    def put(self, features: Features) -> None:
        raise NotImplementedError("nothing is put into generated features")


def peak_mb() -> float:
    """Return the largest resident size of this process so far."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6


def record_peak() -> None:
    """Write a worker's peak memory to a file."""
    directory = os.environ.get("PEAKS")
    if directory:
        Path(directory, f"{os.getpid()}").write_text(str(peak_mb()))


def main() -> None:
    """Fit once and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=50_000)
    pictures = parser.parse_args().pictures
    import ray

    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "peaks").mkdir()
        os.environ["PEAKS"] = str(folder / "peaks")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(here), os.environ.get("PYTHONPATH", "")])
        ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False,
                 object_store_memory=500_000_000)  # fmt: skip
        method = PatchCore(coreset=ROWS, greedy="streaming")
        start, last_report = perf_counter(), 0.0

        def notify(stage: str, done: int, total: int) -> None:
            nonlocal last_report
            if perf_counter() - last_report > 30 or done == total:
                last_report = perf_counter()
                print(f"{last_report - start:6.0f} s  {stage} {done:,} of {total:,}", flush=True)

        with open_runner("auto", folder) as runner:
            store = GeneratedStore(pictures, folder)
            detector = method.fit(store, notify, runner)
            workers = runner.workers
        peaks = sorted(float(path.read_text()) for path in (folder / "peaks").iterdir())
        stored_bytes = sum(path.stat().st_size for path in folder.glob("*.npz"))
        figures = {
            "pictures": pictures,
            "patches": pictures * SHAPES[0][1] * SHAPES[0][2],
            "workers": workers,
            "rows": len(detector.bank),
            "radius": detector.radius,
            "seconds": perf_counter() - start,
            "worker_peaks_mb": peaks,
            "driver_peak_mb": peak_mb(),
            "object_store_limit_mb": 500,
            "aside_mb": stored_bytes / 1e6,
            "cores": os.cpu_count(),
        }
        ray.shutdown()
    assert np.isfinite(detector.radius)
    print(json.dumps(figures, indent=1))
    if pictures >= 50_000:
        (RESULTS / "cluster_memory.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
