"""False alarms of the verdict as a whole, with a composition and without.

Run `python benchmarks/composition_promise.py`: the splits of `promise.py` (20, seeds 0 to 19; 761
of the 952 good magnetic tiles to fit, 152 of them kept out; features of 8x8 places, 1,000 bank
rows), with `composition` off and on, though tiles do not earn it. The rate of the other tiles that
are called defect is compared with the rate asked for; `spoke` is the share of those alarms that
the composition decided.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from promise import RESULTS, LookupBackbone, compute_features, summary, trial

from goldensample import open_backbone

RATES = (0.01, 0.05, 0.1)
PICTURES = 761


def main() -> None:
    """Run all trials and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    root, network = options.shared / "data/magnetic_tile", open_backbone()
    features = compute_features(network, [root / "train/good", root / "test/good"])
    backbone, rows = LookupBackbone(network, features), []
    for composition in ("off", "on"):
        trials = [
            trial(backbone, PICTURES, "split", RATES, seed, composition)
            for seed in range(options.seeds)
        ]
        for rate in RATES:
            spoke = [trial["rates"][str(rate)]["by_composition"] for trial in trials]
            alarms = [trial["rates"][str(rate)]["alarms"] for trial in trials]
            share = float(np.sum(spoke) / max(np.sum(alarms), 1))
            row = {"composition": composition, "asked": rate, "spoke": share}
            rows.append(row | summary("split", rate, trials))
            print(row, rows[-1]["mean"], rows[-1]["error"], flush=True)
    (RESULTS / "composition_promise.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
