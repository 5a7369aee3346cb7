"""How long a qualification takes: `python benchmarks/qualify_speed.py`.

200 good and 60 defect pictures of 512x512 with masks (rendered flanges, enlarged), as PNG files, on
two cores: `golden qualify` from its start to its end, without synthetic defects and with them.
Nothing else may run; the processor time is told for when something does.
"""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from PIL import Image

from goldensample.demo.families import render
from goldensample.records import Array

GOOD, DEFECTS, LEARNED, SIDE_PX, CORES = 200, 60, 50, 512, 2
TARGET_S = 120.0
KINDS = ("scratch", "dent", "chip", "rust")


def save(path: Path, pixels: Array, resample: Image.Resampling) -> None:
    """Write a picture of SIDE_PX."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).resize((SIDE_PX, SIDE_PX), resample).save(path)


def draw(folder: Path) -> None:
    """Write the pictures of a fit, and of a qualification."""
    for seed in range(LEARNED + GOOD):
        name = "learned" if seed < LEARNED else "good"
        pixels = render("washer", seed).pixels
        save(folder / name / f"{seed:04}.png", pixels, Image.Resampling.BICUBIC)
    for seed in range(DEFECTS):
        kind = KINDS[seed % len(KINDS)]
        part = render("washer", 5000 + seed, kind)
        save(folder / "defects" / kind / f"{seed:04}.png", part.pixels, Image.Resampling.BICUBIC)
        mask = np.asarray(part.mask, np.uint8) * np.uint8(255)
        path = folder / "ground_truth" / kind / f"{seed:04}_mask.png"
        save(path, mask, Image.Resampling.NEAREST)


def golden(*arguments: object) -> tuple[float, float]:
    """Run a command on CORES; return the seconds it took, by the clock and of the processor."""
    command = [sys.executable, "-m", "goldensample.cli", *map(str, arguments)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return perf_counter() - start, spent


def main() -> None:
    """Print the seconds, and whether they are below the target."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw(folder)
        file = folder / "flange.golden"
        golden("fit", folder / "learned", "-o", file)
        pictures = "--good", folder / "good", "--defects", folder / "defects"
        for option in ("--no-synthetic", "--synthetic"):
            taken, spent = golden("qualify", file, *pictures, option, "-o", folder / "paper")
            verdict = "within" if taken <= TARGET_S else "above"
            print(
                f"{GOOD} good and {DEFECTS} defect pictures of {SIDE_PX}x{SIDE_PX}, {option}: "
                f"{taken:.1f} s on {len(cores)} cores, {verdict} {TARGET_S:g} s; {spent:.1f} s of "
                "the processor"
            )


if __name__ == "__main__":
    main()
