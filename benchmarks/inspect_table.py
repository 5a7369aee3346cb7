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


def golden(cores: set[int], *arguments: str) -> dict[str, float]:
    """Run `golden inspect` on some cores; return its seconds and processor seconds."""
    usage_before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(
        [str(Path(sys.executable).with_name("golden")), "inspect", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **ONE_THREAD},
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
        check=True,
    )
    seconds = time.perf_counter() - start
    usage_after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = (
        usage_after.ru_utime + usage_after.ru_stime - usage_before.ru_utime - usage_before.ru_stime
    )
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(cpu_s, 2),
        "load": round(os.getloadavg()[0], 1),
    }


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared.resolve() / "data/mvtec_ad/bottle"
    one_core, two_cores = {1}, {0, 1}
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        file = str(folder / "bottle.golden")
        save(fit(read_images(root / "train/good"), precision="fp32"), file)
        all_pictures = [file, str(root / "test"), str(root / "train/good")]
        single = [file, str(root / "test/good/000.png")]
        tables = {name: str(folder / f"{name}.parquet") for name in ("here", "ray", "single")}
        ray = ["--runner", "ray"]
        runs = {
            "json_one_core": (one_core, [*all_pictures, "--json"]),
            "table_one_core": (one_core, [*all_pictures, "-o", tables["here"]]),
            "table_ray_two_cores": (two_cores, [*all_pictures, "-o", tables["ray"], *ray]),
            "one_picture_here": (one_core, [*single, "-o", tables["single"]]),
            "one_picture_ray": (two_cores, [*single, "-o", tables["single"], *ray]),
        }
        count = len(read_images([*all_pictures[1:]]))
        for name, (cores, arguments) in runs.items():
            figures[name] = golden(cores, *arguments)
            print(name, figures[name], flush=True)
            (RESULTS / "inspect_table.json").write_text(json.dumps(figures, indent=1) + "\n")
        table_bytes = [Path(tables[name]).read_bytes() for name in ("here", "ray")]
        figures |= {
            "pictures": count,
            "bytes_per_row": round(len(table_bytes[0]) / count, 1),
            "same_bytes": table_bytes[0] == table_bytes[1],
        }
    print(json.dumps(figures, indent=1))
    (RESULTS / "inspect_table.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
