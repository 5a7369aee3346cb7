"""This build beside that of commit 1363fa5, in turns: `python benchmarks/speed.py --before PYTHON`.

Both learn the good bottles at the defaults, then inspect pictures of 512 x 512 pixels, PNG and
JPEG, as a user does: `golden inspect FILE DIR --json`. A command with many pictures less one with
few is the time of the pictures alone. Both also inspect with the file of the earlier build in
fp32: the scores must be equal. The rest: start, help, fit, memory, an export in two runtimes.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from PIL import Image

RESULTS = Path(__file__).parent / "results"
FEW, MANY = 4, 64
"""Pictures of a short and of a long inspection."""
EXPORTED = """
import sys, json, time
import numpy as np
picture = np.load(sys.argv[2])[None]
if sys.argv[3] == "OpenVINO":
    import openvino
    hint = {"INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(sys.argv[1], "CPU", hint)
    run = lambda: model(picture)
else:
    import onnxruntime
    session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
    run = lambda: session.run(None, {"image": picture})
run()
times = []
for _ in range(15):
    start = time.perf_counter()
    run()
    times.append(time.perf_counter() - start)
print(json.dumps(sorted(times)[len(times) // 2] * 1000))
"""


class Build:
    """A build of the package in an environment of its own."""

    def __init__(self, name: str, python: Path) -> None:
        self.name, self.python = name, python
        where = self.run(code="import goldensample; print(*goldensample.__path__)")[1].strip()
        subprocess.run([python, "-m", "compileall", "-q", where], check=True)

    def run(self, *words: object, code: str = "") -> tuple[dict[str, float], str]:
        """Run a command; return seconds, processor seconds, megabytes at most, and its output."""
        program = [self.python, "-c", code] if code else [self.python.with_name("golden")]
        command = [*program, *map(str, words)]
        with tempfile.TemporaryFile("w+") as output:
            start = time.perf_counter()
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
            output.seek(0)
            text = output.read()
        has_defects = status == 256 and "inspect" in words
        if status and not has_defects:
            sys.exit(f"{self.name}: {words} failed with {status}")
        processor_s = usage.ru_utime + usage.ru_stime
        return {"s": seconds, "cpu_s": processor_s, "mb": usage.ru_maxrss / 1024}, text


def in_turns(builds: list[Build], rounds: int, job: Any) -> dict[str, list[Any]]:
    """Do a job with each build, round after round."""
    results: dict[str, list[Any]] = {build.name: [] for build in builds}
    for _ in range(rounds):
        for build in builds:
            results[build.name].append(job(build))
    return results


def write_pictures(source: Path, folder: Path) -> None:
    """Write few and many pictures of 512 x 512 pixels as PNG and as JPEG."""
    paths = sorted(source.rglob("*.png"))
    for ending, options in (("png", {}), ("jpg", {"quality": 95})):
        for count in (FEW, MANY):
            (folder / f"{ending}{count}").mkdir()
            for index in range(count):
                with Image.open(paths[index % len(paths)]) as picture:
                    small = picture.convert("RGB").resize((512, 512))
                small.putpixel((index, 0), (index, 0, 0))  # no two are equal
                small.save(folder / f"{ending}{count}" / f"{index:03}.{ending}", **options)


def per_picture(build: Build, file: Path, pictures: Path, ending: str) -> dict[str, float]:
    """Return the milliseconds of a picture, by the clock and of the processor; the memory."""
    few, many = (
        build.run("inspect", file, pictures / f"{ending}{count}", "--json")[0]
        for count in (FEW, MANY)
    )
    share = 1000 / (MANY - FEW)
    return {
        "ms": (many["s"] - few["s"]) * share,
        "cpu_ms": (many["cpu_s"] - few["cpu_s"]) * share,
        "mb": many["mb"],
    }


def ratios(results: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """Return medians, and how many times the earlier build's the new ones are less."""
    before, now = (
        {key: median(one[key] for one in values) for key in values[0]}
        for values in results.values()
    )
    times = {key: round(before[key] / now[key], 2) for key in before}
    return {"before": before, "now": now, "before / now": times, "raw": results}


def scores(build: Build, file: Path, pictures: Path) -> list[tuple[float, str]]:
    """Return score and verdict of each picture, in fp32."""
    words = "inspect", file, pictures / f"png{MANY}", "--json", "--precision", "fp32"
    lines = map(json.loads, build.run(*words)[1].splitlines())
    return [(line["score"], line["verdict"]) for line in lines if "score" in line]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", type=Path, required=True)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    source = options.shared / "data/mvtec_ad/bottle"
    if not source.is_dir():
        sys.exit(f"the pictures are not at {source}: name the folder above data with --shared")
    builds = [Build("before", options.before), Build("now", Path(sys.executable))]
    report: dict[str, Any] = {"machine": machine(), "pictures": [FEW, MANY]}
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        write_pictures(source / "test", folder)
        fits = {}
        for name, count in (("fit of 50", 50), ("fit of all", 10**6)):
            good = folder / name
            good.mkdir()
            for path in sorted((source / "train/good").iterdir())[:count]:
                (good / path.name).symlink_to(path.resolve())
            fits[name] = in_turns(
                builds,
                1 if count > 50 else options.rounds,
                lambda b, g=good: b.run("fit", g, "-o", folder / f"{b.name}.golden")[0],
            )
            report[name] = ratios(fits[name])
            print(name, report[name]["before / now"], flush=True)
        report |= measure(builds, folder, options.rounds)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "speed.json").write_text(json.dumps(report, indent=1) + "\n")


def measure(builds: list[Build], folder: Path, rounds: int) -> dict[str, Any]:
    """Return all but the fits."""
    report: dict[str, Any] = {}
    for ending in ("png", "jpg"):
        job = in_turns(
            builds,
            rounds,
            lambda b, e=ending: per_picture(b, folder / f"{b.name}.golden", folder, e),
        )
        report[f"512 x 512 {ending}, {MANY - FEW} pictures"] = ratios(job)
        print(
            ending, report[f"512 x 512 {ending}, {MANY - FEW} pictures"]["before / now"], flush=True
        )
    one = folder / f"png{FEW}" / "000.png"
    starts = in_turns(
        builds, rounds, lambda b: b.run("inspect", folder / f"{b.name}.golden", one)[0]
    )
    report["start to the first verdict"] = ratios(starts)
    helps = in_turns(builds, rounds, lambda b: b.run("--help")[0])
    report["golden --help"] = ratios(helps)
    bare = [builds[1].run(code="pass")[0]["cpu_s"] for _ in range(rounds)]
    report["golden --help"]["times a bare interpreter"] = median(
        one["cpu_s"] for one in helps["now"]
    ) / median(bare)
    old, new = (scores(build, folder / "before.golden", folder) for build in builds)
    report["same file, fp32"] = {
        "pictures": len(old),
        "largest relative difference of a score": max(
            abs(a / b - 1) for (a, _), (b, _) in zip(old, new, strict=True)
        ),
        "verdicts changed": sum(a != b for (_, a), (_, b) in zip(old, new, strict=True)),
    }
    report["export, one picture of 512 x 512, ms"] = exports(builds, folder, rounds)
    for name in list(report)[2:]:
        print(name, json.dumps({k: v for k, v in report[name].items() if k != "raw"}), flush=True)
    return report


def exports(builds: list[Build], folder: Path, rounds: int) -> dict[str, Any]:
    """Return the milliseconds of each build's export of the same file, in both runtimes."""
    import numpy as np

    with Image.open(folder / f"png{FEW}" / "000.png") as picture:
        np.save(folder / "picture.npy", np.asarray(picture))
    for build in builds:
        where = folder / f"{build.name}.onnx"
        build.run("export", folder / "before.golden", "--to", "onnx", "--out", where)
    times: dict[str, Any] = {}
    for runtime in ("OpenVINO", "ONNX Runtime"):
        raw = in_turns(  # both in the runtimes of the new environment
            builds,
            rounds,
            lambda b, r=runtime: json.loads(
                builds[1].run(folder / f"{b.name}.onnx", folder / "picture.npy", r, code=EXPORTED)[
                    1
                ]
            ),
        )
        before, now = (median(values) for values in raw.values())
        times[runtime] = {"before": before, "now": now, "before / now": before / now, "raw": raw}
    return times


def machine() -> str:
    """Return processor, cores and what it computes with."""
    flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    kinds = [kind for kind in ("avx2", "avx512f", "avx512_vnni", "amx_tile") if kind in flags]
    model = re.search(r"model name\s*: (.*)", flags)
    name = model.group(1) if model else platform.machine()
    return f"{name}, {os.cpu_count()} cores, {' '.join(kinds)}"


if __name__ == "__main__":
    main()
