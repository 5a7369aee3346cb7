"""Does a90/95 hold what it says? Simulated trials with a known curve, and how often it covers it.

    python benchmarks/qualify_pod.py [--runs 300]

Sizes are spread evenly over their logs. "as the handbook asks" reaches from 0.03 to 0.97 of the
true curve; "steep" spends more than half of the trials where all or none are found. The bound of
the paper is the first of a line. A bound that does not exist is infinite, and covers.
"""

import argparse
from collections import Counter

import numpy as np

from goldensample.qualification.detection import PAPER, QUANTILES, detect

DESIGNS = {"as the handbook asks": 2.5, "steep": 4.0}
"""Slope of the true curve over the log of the size; sizes reach from a50 / 4 to a50 * 4."""
COUNTS = (40, 60, 120)
NAMES = (PAPER, *QUANTILES, "delta", "wald_curve")


def run(slope: float, count: int, runs: int) -> tuple[dict[str, float], Counter[str]]:
    """Return how often each bound is at or above the true a90, and why there is none."""
    truth, cases, covered = 9 ** (1 / slope), Counter[str](), Counter[str]()
    for seed in range(runs):
        rng = np.random.default_rng((count, seed))
        sizes = np.exp(rng.uniform(-np.log(4), np.log(4), count))
        found = rng.random(count) < 1 / (1 + sizes**-slope)
        result = detect(sizes, found, points=0)
        cases[result.case] += 1
        if not result.case:
            bounds = result.bounds
            covered.update(k for k in NAMES if (bounds[k] or np.inf) >= truth)
    there = max(1, cases[""])
    return {name: covered[name] / there for name in NAMES}, cases


def main() -> None:
    """Print a line for each design and number of trials."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=300)
    runs = parser.parse_args().runs
    for design, slope in DESIGNS.items():
        for count in COUNTS:
            shares, cases = run(slope, count, runs)
            line = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
            none = {case: n for case, n in cases.items() if case}
            print(f"{design}, {count} trials: covers {line}; none in {sum(none.values())}: {none}")


if __name__ == "__main__":
    main()
