"""Who reads an export: `make bench-exports`.

Each reader gets an environment of its own and two exports of one small rendered part, for pictures
of any size and of one size. The table of docs/how-to/who-reads-an-export.md is made from what they
say.
"""

import argparse
import base64
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from goldensample import Inspector, Preparation, fit
from goldensample.demo.families import render
from goldensample.export.export import export

HERE = Path(__file__).parent
RESULTS = HERE / "results/export_readers.json"
PAGE = HERE.parent / "docs/how-to/who-reads-an-export.md"
TABLE = ("<!-- readers: made by `make bench-exports` -->\n", "<!-- end of readers -->")
FORMS = ("any size", "one size")
TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Reader:
    """A program that reads ONNX models.

    Args:
        title: as in the table.
        kind: its function in export_reader.py; "web" is export_reader.mjs.
        packages: what pip (npm for "web") installs, the reader's own package first.
    """

    title: str
    kind: str
    packages: tuple[str, ...]


READERS = (
    Reader("ONNX Runtime", "onnxruntime", ("onnxruntime==1.15.0", "numpy<2")),
    Reader("ONNX Runtime", "onnxruntime", ("onnxruntime",)),
    Reader("OpenVINO", "openvino", ("openvino==2023.3.0",)),
    Reader("OpenVINO", "openvino", ("openvino==2024.4.0",)),
    Reader("OpenVINO", "openvino", ("openvino",)),
    Reader("OpenCV dnn", "opencv", ("opencv-python-headless>=5",)),
    Reader("MNN", "mnn", ("MNN>=3", "numpy")),
    Reader("ONNX Runtime Web (WebAssembly, in Node)", "web", ("onnxruntime-web",)),
    Reader("tract", "tract", ("tract", "numpy")),
)


def write_exports(folder: Path) -> Inspector:
    """Fit a small part and write both exports and two pictures, a good and a defective one."""
    inspector = fit(
        [render("cap", seed, None).pixels for seed in range(40)],
        preparation=Preparation((128, 128)),
        precision="fp32",
    )
    pictures = [render("cap", 100, None).pixels, render("cap", 101, "scratch").pixels]
    for form, size_hw in zip(FORMS, (None, pictures[0].shape[:2]), strict=True):
        export(inspector, folder / f"{form}.onnx", "onnx", size_hw=size_hw)
    np.savez(folder / "pictures.npz", *pictures)
    packed = [
        {"shape": [1, *one.shape], "bytes": base64.b64encode(one.tobytes()).decode()}
        for one in pictures
    ]
    (folder / "pictures.json").write_text(json.dumps(packed))
    return inspector


def run(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )


def set_up(reader: Reader, folder: Path) -> tuple[list[object], str]:
    """Make an environment, unless there is one, and return the command and the reader's version."""
    own = reader.packages[0].split(">")[0].split("=")[0]
    if reader.kind == "web":
        folder.mkdir(parents=True, exist_ok=True)
        done = run("npm", "install", "--ignore-scripts", "--no-audit", own, cwd=folder)
        found = folder / f"node_modules/{own}/package.json"
        version = json.loads(found.read_text())["version"] if found.is_file() else ""
        return [shutil.which("node"), HERE / "export_reader.mjs"], version or fail(done)
    python = folder / "bin/python"
    if not python.is_file():
        run(sys.executable, "-m", "venv", folder)
    done = run(python, "-m", "pip", "install", "--quiet", *reader.packages)
    asked = run(python, "-c", f"import importlib.metadata as m; print(m.version('{own}'))")
    return [python, HERE / "export_reader.py", reader.kind], asked.stdout.strip() or fail(done)


def fail(done: subprocess.CompletedProcess[str]) -> str:
    """Raise what a command said."""
    raise RuntimeError(done.stderr.strip()[-500:])


def ask(command: list[object], folder: Path, form: str, cwd: Path) -> dict[str, object]:
    """Return what one reader makes of one export, on one core: figures, or what it said."""
    pictures = folder / ("pictures.json" if str(command[1]).endswith(".mjs") else "pictures.npz")
    pinned = ["taskset", "--cpu-list", "0"] if shutil.which("taskset") else []
    done = run(*pinned, *command, folder / f"{form}.onnx", pictures, cwd=cwd)
    if done.returncode:
        return {"said": refusal(done.stderr)}
    return {"found": json.loads(done.stdout.splitlines()[-1])}


def refusal(stderr: str) -> str:
    """Return the reader's own words: the last exception and its cause, without a trace."""
    lines = [line.strip() for line in stderr.splitlines()]
    starts = [k for k, line in enumerate(lines) if "Error" in line.split(" ")[0]] or [
        len(lines) - 1
    ]
    causes = [k for k, line in enumerate(lines) if line == "Caused by:"]
    if causes:
        stop = next(
            k for k in range(causes[0] + 1, len(lines) + 1) if not "".join(lines[k : k + 1])
        )
        return f"{lines[starts[-1]]}: {lines[stop - 1].split(': ', 1)[-1]}"
    return lines[starts[-1]]


def row(result: dict[str, object], expected: list[tuple[float, float]]) -> str:
    """Return one line of the table."""
    if "said" in result:
        end = f"no: `{result['said']}` | not measured | not measured"
    else:
        found = result["found"]
        off = max(
            abs(one[key] - want) / want
            for one, wanted in zip(found, expected, strict=True)
            for key, want in zip(("score", "heat"), wanted, strict=True)
        )
        reads = "yes" if off < TOLERANCE else "no: it reads it and computes something else"
        end = f"{reads} | {off:.1e} | {min(one['ms'] for one in found):.0f}"
    return f"| {result['title']} | {result['version']} | {result['form']} | {end} |"


def write_page(results: list[dict[str, object]], expected: list[tuple[float, float]]) -> None:
    """Put the table into the page, between its two marks."""
    head = "| reader | version | pictures of | reads it | largest difference | ms a picture |\n"
    table = head + "|---|---|---|---|---|---|\n"
    table += "".join(row(result, expected) + "\n" for result in results)
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(TABLE[0])
    PAGE.write_text(
        before + TABLE[0] + table + TABLE[1] + rest.split(TABLE[1])[1], encoding="utf-8"
    )


def main() -> None:
    """Ask every reader, write the raw results and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environments", type=Path, default=Path(".venv-readers"))
    environments = parser.parse_args().environments.absolute()
    results: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        inspector = write_exports(folder)
        inspections = map(inspector.inspect, np.load(folder / "pictures.npz").values())
        expected = [(one.score, float(one.heat_map.max())) for one in inspections]
        for reader in READERS:
            home = environments / "".join(c if c.isalnum() else "-" for c in reader.packages[0])
            command, version = set_up(reader, home)
            for form in FORMS:
                told = {"title": reader.title, "version": version, "form": form}
                results.append({**told, **ask(command, folder, form, home)})
                print(row(results[-1], expected), flush=True)
    system = {"processor": processor(), "python": platform.python_version()}
    raw = {**system, "expected": expected, "readers": [asdict(one) for one in READERS]}
    RESULTS.write_text(json.dumps({**raw, "results": results}, indent=1) + "\n")
    write_page(results, expected)


def processor() -> str:
    """Return the processor's name."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split(": ")[1] for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
