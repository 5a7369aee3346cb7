"""The papers of docs/qualification, made anew, and the order of difficulty on bottle.

    python benchmarks/qualify_papers.py [--shared FOLDER]

No picture of the data sets goes into a paper. The order: what sets a kind of bottle's real defects
apart is its score, in limits, since all are found; beside it stand synthetic defects of the same
length, drawn onto the rim.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from goldensample import read_images
from goldensample.artifact.store import load
from goldensample.inspection.inspector import Inspector
from goldensample.qualification.pictures import defect_items
from goldensample.qualification.trials import run_trials
from goldensample.records import Array, Picture, silent
from goldensample.synthetic.defects import paste_defect

PAPERS = Path(__file__).parents[1] / "docs/qualification"
SETS = {"bottle": "mvtec_ad/bottle", "magnetic_tile": "magnetic_tile"}
LIKE = {
    "broken_large": ("missing", 255.0),
    "broken_small": ("missing", 255.0),
    "contamination": ("stain", 64.0),
}
"""The synthetic kind and contrast that resembles each real kind."""
RIM_PX = 90, 200
"""Distance of the rim from the middle of a picture."""


def golden(*arguments: object) -> None:
    """Run a command of this environment."""
    command = [sys.executable, "-m", "goldensample.cli", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def rim_point(shape_hw: tuple[int, ...], seed: int) -> tuple[int, int]:
    """Draw a pixel of the rim."""
    rows, columns = np.indices(shape_hw[:2]) - np.array(shape_hw[:2])[:, None, None] // 2
    distance = np.hypot(rows, columns)
    inside = np.flatnonzero((distance > RIM_PX[0]) & (distance < RIM_PX[1]))
    row, column = divmod(int(np.random.default_rng(seed).choice(inside)), shape_hw[1])
    return row, column


def synthetic_scores(inspector: Inspector, good: Path, real: str, length_px: float) -> Array:
    """Return the scores of good pictures with a defect like a real kind, one on each."""
    kind, contrast = LIKE[real]
    pictures = []
    for seed, picture in enumerate(read_images(good)):
        pixels, _ = paste_defect(
            picture.pixels,
            kind,
            np.random.default_rng(seed),
            size_px=length_px,
            contrast=contrast,
            middle=rim_point(picture.pixels.shape, seed),
        )
        pictures.append(Picture(picture.name, pixels))
    return np.array([inspection.score for inspection in inspector.inspect_many(pictures)])


def order(inspector: Inspector, test: Path) -> None:
    """Print the median score of each kind, in limits, real and synthetic."""
    assert inspector.threshold
    trials = run_trials(inspector, defect_items(test), silent, "inspect")
    for kind, (like, contrast) in LIKE.items():
        own = [trial for trial in trials if trial.kind == kind and trial.size]
        length = float(np.median([trial.size.length_px for trial in own if trial.size]))
        real = np.median([trial.score for trial in own]) / inspector.threshold.score
        scores = synthetic_scores(inspector, test / "good", kind, length)
        drawn = np.median(scores) / inspector.threshold.score
        print(
            f"{kind}: real {real:.2f} limits; {like} of {length:.0f} px, contrast {contrast:g}: "
            f"{drawn:.2f} limits"
        )


def main() -> None:
    """Fit, qualify and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    shared = parser.parse_args().shared.resolve() / "data"
    with tempfile.TemporaryDirectory() as folder:
        for name, place in SETS.items():
            file, test = Path(folder) / f"{name}.golden", shared / place / "test"
            golden("fit", shared / place / "train/good", "-o", file)
            what = "--good", test / "good", "--defects", test, "--synthetic", "-o", PAPERS / name
            golden("qualify", file, *what)
        order(load(Path(folder) / "bottle.golden"), shared / SETS["bottle"] / "test")


if __name__ == "__main__":
    main()
