"""few_pictures.py with the defaults of `golden fit`: `python benchmarks/few_pictures_whole.py`.

Nothing is averaged or left out: of 160 good pictures of magnetic_tile few are drawn 20 times (seeds
0 to 19), fitted as the command does, and 150 others are inspected, by verdict. Takes ten
minutes, with fewer splits and no single pictures.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from goldensample import fit, read_images
from goldensample.calibration import few

RESULTS = Path(__file__).parent / "results"
COUNTS, RATE, SEEDS, POOL, TESTED = (5, 10, 15), 0.05, 20, 160, 150


def main() -> None:
    """Run all trials and write the results after each number of pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared / "data/magnetic_tile"
    images = read_images([str(root / "train/good"), str(root / "test/good")])
    order = np.random.default_rng(99).permutation(len(images))
    pool, tested = order[:POOL], [images[int(index)] for index in order[POOL : POOL + TESTED]]
    table = []
    for count in COUNTS:
        alarms = []
        for seed in range(SEEDS):
            chosen = np.random.default_rng(seed).permutation(POOL)[:count]
            inspector = fit([images[int(pool[index])] for index in chosen], false_alarms=RATE)
            verdicts = [one.verdict for one in inspector.inspect_many(tested)]
            alarms.append(verdicts.count("defect"))
        rates = np.array(alarms) / TESTED
        low, high = few.interval(count, RATE)
        slack = 0.5 / TESTED
        row = {"pictures": count, "asked": RATE, "interval": (low, high), "alarms": alarms}
        row["mean"], row["error"] = float(rates.mean()), float(rates.std(ddof=1) / SEEDS**0.5)
        row["within"] = int(((rates >= low - slack) & (rates <= high + slack)).sum())
        table.append(row)
        print(row, flush=True)
        document = {"table": table, "tested": TESTED, "splits": SEEDS}
        (RESULTS / "few_pictures_whole.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
