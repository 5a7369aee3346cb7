"""Verdicts as a table, here and on a cluster: `python benchmarks/inspect_table.py`.

All 292 pictures of bottle are inspected with an inspector fitted on its good ones: printed as JSON
on one core, as a table on one core, and as a table with `--runner ray` on two. Measured: pictures
per second (whole commands, with their start), the processor time of one picture, bytes of the file,
what Ray takes to start (one picture with and without it), and whether the tables are the same.
The load of the machine is written down beside them: other work on it slows all of this.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from goldensample import fit, read_images, save

RESULTS = Path(__file__).parent / "results"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def golden(cores: set[int], *words: str) -> dict[str, float]:
    """Run `golden inspect` on some cores; return its seconds and processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).with_name("golden")), "inspect", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        check=True,
    )
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(used, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared.resolve() / "data/mvtec_ad/bottle"
    one, two = {1}, {0, 1}
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = str(folder / "bottle.golden")
        save(fit(read_images(root / "train/good")), file)
        all_of_it = [file, str(root / "test"), str(root / "train/good")]
        single = [file, str(root / "test/good/000.png")]
        tables = {name: str(folder / f"{name}.parquet") for name in ("here", "ray", "single")}
        ray = ["--runner", "ray"]
        runs = {
            "json_one_core": (one, [*all_of_it, "--json"]),
            "table_one_core": (one, [*all_of_it, "-o", tables["here"]]),
            "table_ray_two_cores": (two, [*all_of_it, "-o", tables["ray"], *ray]),
            "one_picture_here": (one, [*single, "-o", tables["single"]]),
            "one_picture_ray": (two, [*single, "-o", tables["single"], *ray]),
        }
        count = len(read_images([*all_of_it[1:]]))
        for name, (cores, words) in runs.items():
            found[name] = golden(cores, *words)
            print(name, found[name], flush=True)
            (RESULTS / "inspect_table.json").write_text(json.dumps(found, indent=1) + "\n")
        made = [Path(tables[name]).read_bytes() for name in ("here", "ray")]
        found |= {
            "pictures": count,
            "bytes_per_row": round(len(made[0]) / count, 1),
            "same_bytes": made[0] == made[1],
        }
    print(json.dumps(found, indent=1))
    (RESULTS / "inspect_table.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
