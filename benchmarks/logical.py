"""Logical defects, whose every place looks usual: `python benchmarks/logical.py`.

The demo's kit (`goldensample.demo.LOGICAL`): a part missing, one too many, two swapped between
compartments, a lead cut off. Fits on 60 good pictures, with `composition` off, auto and on,
judged on 60 good and 30 of each defect. Measured: image AUROC of all defects and of each kind,
false alarms and misses at the fit's limit. `--split validation` renders other pictures, for choices
that must not see the reported ones.
"""

import argparse
import json
from functools import cache
from pathlib import Path

import numpy as np

from goldensample import PatchCore, fit
from goldensample.demo import LOGICAL, render
from goldensample.demo.line import picture_seed
from goldensample.evaluation.metrics import auroc
from goldensample.inspection.inspector import Inspector
from goldensample.records import Array

RESULTS = Path(__file__).parent / "results"
TRAIN, GOOD, PER_DEFECT = 60, 60, 30


@cache
def pictures(split: str, kind: str, count: int) -> list[Array]:
    """Render pictures of a split: good ones, or of one defect."""
    defect = None if kind == "good" else kind
    seeds = [picture_seed("kit", split, kind, index) for index in range(count)]
    return [render("kit", seed, defect).pixels for seed in seeds]


def judge(inspector: Inspector, split: str) -> dict[str, float]:
    """Return the figures of an inspector on the pictures of a split."""
    kinds = {"good": GOOD, **dict.fromkeys(LOGICAL["kit"].defects, PER_DEFECT)}
    scores = {
        kind: np.array([one.score for one in inspector.inspect_many(pictures(split, kind, count))])
        for kind, count in kinds.items()
    }
    good = scores.pop("good")
    every = np.concatenate(list(scores.values()))
    limit = inspector.threshold.score if inspector.threshold else np.inf
    figures = {"image AUROC": auroc_of(good, every)}
    figures |= {f"image AUROC, {kind}": auroc_of(good, odd) for kind, odd in scores.items()}
    figures |= {
        "false alarms": float(np.mean(good > limit)),
        "misses": float(np.mean(every <= limit)),
    }
    return {name: round(value, 4) for name, value in figures.items()}


def auroc_of(good: Array, odd: Array) -> float:
    """Return the AUROC of the scores of good and of odd pictures."""
    scores = np.concatenate([good, odd])
    return auroc(scores, np.arange(len(scores)) >= len(good))


def main() -> None:
    """Fit, judge and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", choices=["test", "validation"], default="test")
    split = parser.parse_args().split
    good = pictures("train", "good", TRAIN)
    knobs = {"without": "off", "auto": "auto", "on": "on"}
    methods = {name: PatchCore(composition=value) for name, value in knobs.items()}
    figures = {
        name: judge(fit(good, method=method, precision="fp32"), split)
        for name, method in methods.items()
    }
    print(json.dumps(figures, indent=1))
    if split == "test":
        (RESULTS / "logical.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
