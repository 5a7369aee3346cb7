"""Answering misses: `python benchmarks/teaching.py`.

An inspector is fitted on magnetic_tile's good training pictures (built-in network, 256x256, coreset
of 2 %, false alarms of 5 % on 152 pictures held out). The 10 missed defects with the lowest scores
that have a marked part are taught one at a time, each to the fresh inspector, with its mask; the
cost is counted on the pictures held out (of "limit" on two thirds of them, as one third helps to
choose what is taught), and must be 1 % at most by (alarms + 1) / (counted + 1). Measured: how many
of 8 jittered copies (shift by up to 4 %, light by up to 8 %, noise of 3 grey values) are called
defects, the defects of the same type that were not taught, and the good test pictures, which took
no part. The way is the first that `golden teach-miss` finds to hold, "limit" before "drop".
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from remembering import Remembering
from scipy import ndimage

from goldensample import Inspector, PatchCore, Preparation, fit, load, read_images, save
from goldensample.calibration.conformal import hold_out
from goldensample.images.codec import read_image
from goldensample.learning.revisions import Note
from goldensample.learning.teach_miss import study
from goldensample.records import Picture

RESULTS = Path(__file__).parent / "results"
SQUARE = Preparation((256, 256), "stretch")
RATE, COPIES, TAUGHT = 0.05, 8, 10


def fitted(root: Path, kept: Path | None) -> Inspector:
    """Fit, or read what was fitted before."""
    if kept and kept.is_file():
        return load(kept)
    inspector = fit(
        read_images(root / "train/good"),
        method=PatchCore(coreset=0.02),
        preparation=SQUARE,
        false_alarms=RATE,
        calibration="split",
    )
    if kept:
        save(inspector, kept)
    return inspector


def marked(root: Path, path: Path) -> np.ndarray:
    """Return the mask of a defect."""
    name = f"{path.stem}_mask.png"
    mask: np.ndarray = read_image(root / "ground_truth" / path.parent.name / name).max(axis=2) > 0
    return mask


def jittered(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return a copy, shifted (the edge repeated), lighter or darker, and noisy."""
    most = [round(0.04 * side) for side in pixels.shape[:2]]
    shift = [int(random.integers(-far, far + 1)) for far in most]
    moved = ndimage.shift(pixels.astype(np.float32), (*shift, 0), order=0, mode="nearest")
    moved = moved * random.uniform(0.92, 1.08) + random.normal(0, 3, pixels.shape)
    copy: np.ndarray = np.clip(np.rint(moved), 0, 255).astype(np.uint8)
    return copy


def called(inspector: Inspector, pictures) -> np.ndarray:
    """Return which pictures an inspector calls defects."""
    return np.array([one.verdict == "defect" for one in inspector.inspect_many(pictures)])


def teach(inspector: Inspector, root: Path, path: Path, sets: dict) -> dict[str, object]:
    """Teach one miss and measure what changes."""
    missed = read_images(str(path))[0]
    random = np.random.default_rng(0)
    copies = [Picture(str(k), jittered(missed.pixels, random)) for k in range(COPIES)]
    found = study(inspector, missed, marked(root, path), sets["held"], Note(""))
    ways = {one.way: one for one in found.proposals if one.holds}
    row: dict[str, object] = {
        "defect": f"{path.parent.name}/{path.name}",
        "score": found.score,
        "excuses": len(found.excuses),
        "cost": {one.way: [len(one.alarms), one.score] for one in found.proposals},
        "copies_caught_before": int(called(inspector, copies).sum()),
    }
    chosen = ways.get("limit") or ways.get("drop")
    if chosen is None:
        return {**row, "way": None}
    others = [k for k, p in enumerate(sets["bad"]) if p.parent == path.parent and p != path]
    good, same = (
        called(chosen.taught, sets["good"]),
        called(chosen.taught, read_images([str(sets["bad"][k]) for k in others])),
    )
    return {
        **row,
        "way": chosen.way,
        "copies_caught": int(called(chosen.taught, copies).sum()),
        "untaught_of_type": len(others),
        "untaught_caught_before": int(sets["bad_before"][others].sum()),
        "untaught_caught": int(same.sum()),
        "good": len(good),
        "false_alarms_before": int(sets["good_before"].sum()),
        "false_alarms": int(good.sum()),
    }


def main() -> None:
    """Teach all and write the figures after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--kept", type=Path, help="file to keep the fit in")
    asked = parser.parse_args()
    root = asked.shared.resolve() / "data/magnetic_tile"
    inspector = fitted(root, asked.kept)
    inspector = replace(inspector, backbone=Remembering(inspector.backbone))
    train = read_images(root / "train/good")
    bad = sorted(path for path in (root / "test").glob("*/*") if path.parent.name != "good")
    scores = [one.score for one in inspector.inspect_many(read_images([*map(str, bad)]))]
    good = read_images(root / "test/good")
    assert inspector.threshold
    sets = {
        "held": [train[int(k)] for k in hold_out(len(train), RATE)],
        "good": good,
        "good_before": called(inspector, good),
        "bad": bad,
        "bad_before": np.array(scores) > inspector.threshold.score,
    }
    lowest = [bad[k] for k in np.argsort(scores) if marked(root, bad[k]).any()][:TAUGHT]
    rows: list[dict[str, object]] = []
    for path in lowest:
        rows.append(teach(inspector, root, path, sets))
        print(json.dumps(rows[-1]), flush=True)
        (RESULTS / "teaching.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
