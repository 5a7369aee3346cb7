"""Training data contaminated with defects: `python benchmarks/dirty.py`.

A tenth of magnetic_tile's real defects (seed 0) is moved from the test set into the good pictures.
Measured: image AUROC on the rest of the test set with clean, dirty and denoised fits, and the share
of the moved ones that `golden audit` puts among the worst 15 %.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from goldensample import PatchCore, Preparation, fit, read_images
from goldensample.evaluation.metrics import auroc

RESULTS = Path(__file__).parent / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))
WORST = 0.15


def link_contaminated(root: Path, folder: Path) -> tuple[list[Path], list[Path]]:
    """Link good and moved pictures into a folder; return the moved and the remaining defects."""
    defects = sorted(path for path in (root / "test").glob("*/*") if path.parent.name != "good")
    order = np.random.default_rng(0).permutation(len(defects))
    moved = [defects[k] for k in sorted(order[: round(0.1 * len(defects))])]
    folder.mkdir()
    for path in (root / "train/good").iterdir():
        os.symlink(path, folder / path.name)
    for path in moved:
        os.symlink(path, folder / f"moved_{path.parent.name}_{path.name}")
    return moved, [path for path in defects if path not in moved]


def evaluate_fit(source: Path, good: list[Path], defects: list[Path], denoise: bool) -> float:
    """Fit on a folder and return the image AUROC on other pictures."""
    method = PatchCore(coreset=0.02, denoise=denoise)
    inspector = fit(
        read_images(source),
        method=method,
        preparation=SQUARE,
        false_alarms=None,
        precision="fp32",
    )
    inspections = inspector.inspect_many(read_images([*map(str, good), *map(str, defects)]))
    scores = np.array([inspection.score for inspection in inspections])
    return auroc(scores, np.arange(len(scores)) >= len(good))


def audit_recall(folder: Path) -> float:
    """Return the share of the moved pictures among the worst of `golden audit`."""
    command = [str(Path(sys.executable).with_name("golden")), "audit", str(folder), "--json"]
    command += ["--resize", "256x256", "--crop", "224"]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    ranking = [json.loads(line) for line in process.stdout.splitlines()]
    worst = ranking[: round(WORST * len(ranking))]
    is_moved = [Path(entry["picture"]).name.startswith("moved_") for entry in ranking]
    return sum(Path(entry["picture"]).name.startswith("moved_") for entry in worst) / sum(is_moved)


def main() -> None:
    """Run all four and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared.resolve() / "data/magnetic_tile"
    good = sorted((root / "test/good").iterdir())
    with tempfile.TemporaryDirectory() as directory:
        dirty = Path(directory) / "dirty"
        moved, defects = link_contaminated(root, dirty)
        figures = {
            "moved": len(moved),
            "clean": evaluate_fit(root / "train/good", good, defects, False),
            "dirty": evaluate_fit(dirty, good, defects, False),
            "denoised": evaluate_fit(dirty, good, defects, True),
            "audit: moved among the worst 15 %": audit_recall(dirty),
        }
    print(json.dumps(figures, indent=1))
    (RESULTS / "dirty.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
