"""Learning on the line: `python benchmarks/learning.py`.

Of magnetic_tile's good training pictures, 250 are drawn (seed by seed): 200 are fitted, 50 learned
afterwards, and all 250 fitted for comparison, each with the built-in network and default settings
but no picture held out. Measured on the whole test set: image AUROC of the three, the seconds of
`learn` beyond those of the network (reading and preparing the pictures included), and whether
`forget`, in a random order, brings every score back.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from remembering import Remembering

from goldensample import Inspector, Preparation, fit, open_backbone, read_images
from goldensample.evaluation.metrics import auroc
from goldensample.learning.learn import forget, learn
from goldensample.learning.revisions import Note

RESULTS = Path(__file__).parent / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))
FITTED, LEARNED = 200, 50


def scores(inspector: Inspector, paths: list[Path]) -> np.ndarray:
    """Return the scores of pictures."""
    found = inspector.inspect_many(read_images([*map(str, paths)]))
    return np.array([inspection.score for inspection in found])


def trial(root: Path, seed: int) -> dict[str, object]:
    """Fit, learn and forget once."""
    train, random = sorted((root / "train/good").iterdir()), np.random.default_rng(seed)
    drawn = [train[k] for k in random.permutation(len(train))[: FITTED + LEARNED]]
    good = sorted((root / "test/good").iterdir())
    bad = sorted(path for path in (root / "test").glob("*/*") if path.parent.name != "good")
    defect = np.arange(len(good) + len(bad)) >= len(good)
    backbone = Remembering(open_backbone("builtin"))  # so that learn's time is that beyond it

    def fitted(paths: list[Path]) -> Inspector:
        pictures = read_images([*map(str, paths)])
        return fit(pictures, backbone=backbone, preparation=SQUARE, false_alarms=None)

    before = fitted(drawn[:FITTED])
    new = read_images([*map(str, drawn[FITTED:])])
    list(before.inspect_many(new))
    began, worked = perf_counter(), process_time()
    taught = learn(before, new, Note("", "benchmark"))
    seconds, cpu_seconds = perf_counter() - began, process_time() - worked
    at_first = scores(before, good + bad)
    after = scores(taught, good + bad)
    whole = scores(fitted(drawn), good + bad)
    less = taught
    for k in random.permutation(len(new)):
        less = forget(less, new.names[k], Note(""))
    return {
        "seed": seed,
        "bank_rows": len(before.detector.arrays()["bank"]),
        "rows_learned": len(taught.detector.arrays()["bank"]) - len(less.detector.arrays()["bank"]),
        "auroc_fitted_200": auroc(at_first, defect),
        "auroc_learned_50": auroc(after, defect),
        "auroc_fitted_250": auroc(whole, defect),
        "seconds_beyond_network": seconds,
        "cpu_seconds_beyond_network": cpu_seconds,
        "forgetting_restores_every_score": bool(np.array_equal(scores(less, good + bad), at_first)),
    }


def main() -> None:
    """Run all seeds and write the figures after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    trials = []
    for seed in range(asked.seeds):
        trials.append(trial(asked.shared.resolve() / "data/magnetic_tile", seed))
        print(json.dumps(trials[-1]))
        (RESULTS / "learning.json").write_text(json.dumps(trials, indent=1) + "\n")


if __name__ == "__main__":
    main()
