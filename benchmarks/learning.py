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
from remembering import CachingBackbone

from goldensample import Inspector, Preparation, fit, open_backbone, read_images
from goldensample.evaluation.metrics import auroc
from goldensample.learning.learn import forget, learn
from goldensample.learning.revisions import Note

RESULTS = Path(__file__).parent / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))
FITTED, LEARNED = 200, 50


def scores(inspector: Inspector, paths: list[Path]) -> np.ndarray:
    """Return the scores of pictures."""
    inspections = inspector.inspect_many(read_images([*map(str, paths)]))
    return np.array([inspection.score for inspection in inspections])


def trial(root: Path, seed: int) -> dict[str, object]:
    """Fit, learn and forget once."""
    train, rng = sorted((root / "train/good").iterdir()), np.random.default_rng(seed)
    chosen = [train[k] for k in rng.permutation(len(train))[: FITTED + LEARNED]]
    good = sorted((root / "test/good").iterdir())
    defects = sorted(path for path in (root / "test").glob("*/*") if path.parent.name != "good")
    defect = np.arange(len(good) + len(defects)) >= len(good)
    backbone = CachingBackbone(open_backbone("builtin"))  # so that learn's time is that beyond it

    def fitted(paths: list[Path]) -> Inspector:
        pictures = read_images([*map(str, paths)])
        return fit(pictures, backbone=backbone, preparation=SQUARE, false_alarms=None)

    base_inspector = fitted(chosen[:FITTED])
    new_pictures = read_images([*map(str, chosen[FITTED:])])
    list(base_inspector.inspect_many(new_pictures))
    start, cpu_start = perf_counter(), process_time()
    updated = learn(base_inspector, new_pictures, Note("", "benchmark"))
    seconds, cpu_seconds = perf_counter() - start, process_time() - cpu_start
    base_scores = scores(base_inspector, good + defects)
    updated_scores = scores(updated, good + defects)
    full_scores = scores(fitted(chosen), good + defects)
    reverted = updated
    for k in rng.permutation(len(new_pictures)):
        reverted = forget(reverted, new_pictures.names[k], Note(""))
    return {
        "seed": seed,
        "bank_rows": len(base_inspector.detector.arrays()["bank"]),
        "rows_learned": len(updated.detector.arrays()["bank"])
        - len(reverted.detector.arrays()["bank"]),
        "auroc_fitted_200": auroc(base_scores, defect),
        "auroc_learned_50": auroc(updated_scores, defect),
        "auroc_fitted_250": auroc(full_scores, defect),
        "seconds_beyond_network": seconds,
        "cpu_seconds_beyond_network": cpu_seconds,
        "forgetting_restores_every_score": bool(
            np.array_equal(scores(reverted, good + defects), base_scores)
        ),
    }


def main() -> None:
    """Run all seeds and write the figures after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    trials = []
    for seed in range(options.seeds):
        trials.append(trial(options.shared.resolve() / "data/magnetic_tile", seed))
        print(json.dumps(trials[-1]))
        (RESULTS / "learning.json").write_text(json.dumps(trials, indent=1) + "\n")


if __name__ == "__main__":
    main()
