"""Control charts whose limits rest on 50 points: how often they signal, and how soon a shift.

`python benchmarks/control_charts.py` prints the mean and median number of points until a signal of
the chart of individuals, of the EWMA, and of either, over steady lines that are drawn at random.
"""

import numpy as np

from goldensample.qualification.control import WEIGHT, ewma, individuals, run_length, spread_of

RUNS, BASELINE, LONGEST = 2000, 50, 8000


def lengths(shift: float, known: bool) -> np.ndarray:
    """Return (RUNS, 3) points until a signal: individuals, EWMA, either; LONGEST where none."""
    found = []
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, int(10 * shift), known])
        steady = rng.normal(size=BASELINE)
        centre, sigma = (0.0, 1.0) if known else (float(steady.mean()), spread_of(steady))
        values = rng.normal(shift, size=LONGEST)
        charts = individuals(values, centre, sigma), ewma(values, centre, sigma, WEIGHT)
        first = [min(chart.signals, default=LONGEST - 1) + 1 for chart in charts]
        found.append([*first, min(first)])
    return np.array(found)


def main() -> None:
    """Print a table."""
    print(f"{RUNS} runs; points until a signal: individuals, EWMA, either (mean; median)")
    for known in (True, False):
        for shift in (0.0, 0.5, 1.0, 2.0):
            all_ = lengths(shift, known)
            theory = f"{run_length(shift):.1f} {run_length(shift, WEIGHT):.1f}"
            rests = "known spread" if known else f"spread of {BASELINE} points"
            print(f"{rests}, shift {shift:g}:", all_.mean(axis=0).round(1),
                  np.median(all_, axis=0), f"computed {theory}")  # fmt: skip


if __name__ == "__main__":
    main()
