"""Empirical false alarm rates against the guaranteed ones: `python benchmarks/promise.py`.

The good pictures of magnetic_tile (train and test, 952) are split anew 20 times (seeds 0 to 19; 60
times for estimates, as their intervals are counted, too) into pictures to fit and pictures to test;
the rate of test pictures called defect is compared with the rate asked for. All other choices are
made beforehand and once, so that 20 fits are affordable: built-in network, 256x256 stretched, both
levels averaged to a grid of 8x8, 1,000 bank rows (a fifth of the patches of a small fit), heat maps
of 64x64. Features are computed once; everything after them is what `fit` and `inspect` do.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter

import numpy as np

from goldensample import PatchCore, Preparation, open_backbone, read_images
from goldensample.backbones.network import Backbone
from goldensample.calibration.conformal import proven_rate
from goldensample.fitting.calibrate import Promise, compute_limits
from goldensample.fitting.fit import fit
from goldensample.records import Array

RESULTS = Path(__file__).parent / "results"
SIZE = Preparation((256, 256), "stretch")
INDEX_SIZE = Preparation((64, 64), "stretch")
SEEDS = {"split": 20, "cross": 20, "estimate": 60}
MAX_TESTED = 150
"""Pictures tested after a small fit; after a large one, all that are left."""
# pictures of the fit, calibration, rates
RUNS = (
    (761, "split", (0.01, 0.05, 0.1)),
    (100, "cross", (0.01, 0.05, 0.1)),
    (50, "split", (0.05, 0.1)),
    (50, "cross", (0.05, 0.1)),
    (50, "estimate", (0.01,)),
    (20, "split", (0.1,)),
    (20, "cross", (0.05, 0.1)),
    (20, "estimate", (0.01,)),
)


class LookupBackbone:
    """A backbone that looks up precomputed features: a picture's colour encodes its index."""

    def __init__(self, backbone: Backbone, maps: tuple[Array, ...]) -> None:
        self.network, self.precision, self._maps = backbone.network, "fp32", maps

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Return the features of the pictures with these numbers."""
        high, low = pictures[:, :2, 32, 32].round().astype(int).T
        return tuple(level[256 * high + low] for level in self._maps)


def encode_index(index: int) -> Array:
    """Return a picture whose colour encodes its index."""
    return np.full((64, 64, 3), (index // 256, index % 256, 0), np.uint8)


def compute_features(backbone: Backbone, folders: list[Path]) -> tuple[Array, ...]:
    """Compute the features of all good pictures, averaged over parts of an 8x8 grid."""
    parts = []
    for picture in read_images([str(folder) for folder in folders]):
        pixels, _ = SIZE.apply(picture.pixels)
        parts.append([average_pool(level) for level in backbone.extract(pixels[None])])
    return tuple(np.concatenate(level) for level in zip(*parts, strict=True))


def average_pool(level: Array) -> Array:
    """Return (n, d, 8, 8) means of (n, d, h, w)."""
    n, d, h, w = level.shape
    return level.reshape(n, d, 8, h // 8, 8, w // 8).mean(axis=(3, 5))


def trial(
    backbone: LookupBackbone,
    count: int,
    calibration: str,
    rates: tuple[float, ...],
    seed: int,
    composition: str = "off",
) -> dict:
    """Fit on some pictures and count the others that each rate's limit calls defect."""
    order = np.random.default_rng(seed).permutation(len(backbone._maps[0]))
    inspector = fit(
        [encode_index(index) for index in order[:count]],
        backbone=backbone,
        method=PatchCore(
            coreset=1000.0 if count > 100 else 0.2, sigma_px=1.0, composition=composition
        ),
        preparation=INDEX_SIZE,
        false_alarms=min(rates),
        calibration="auto" if calibration == "estimate" else calibration,
    )
    assert inspector.threshold is not None
    assert inspector.threshold.kind == calibration, inspector.threshold
    tested = order[count:] if count > 100 else order[count : count + MAX_TESTED]
    uncalibrated = replace(inspector, thresholds={})
    inspections = list(uncalibrated.inspect_many(map(encode_index, tested)))
    scores = np.array([inspection.score for inspection in inspections])
    peaks = np.array([inspection.heat_map.max() for inspection in inspections])
    opinions = [inspection.opinions or (1.0, 0.0) for inspection in inspections]
    by_composition = np.array([composed >= patches for patches, composed in opinions])
    calibration_scores, result = (
        inspector.calibrations["fp32"],
        {"seed": seed, "tested": len(tested), "rates": {}},
    )
    for rate in rates:
        threshold = compute_limits(calibration_scores, Promise(rate, kind=calibration))
        result["rates"][str(rate)] = {
            "alarms": int((scores > threshold.score).sum()),
            "by_composition": int((by_composition & (scores > threshold.score)).sum()),
            "pixel_alarms": int((peaks > threshold.pixel).sum()),
            "held_out": threshold.held_out,
            "above": int((calibration_scores.scores > threshold.score).sum()),
            "interval": threshold.interval,
        }
    return result


def summary(calibration: str, rate: float, trials: list[dict]) -> dict:
    """Return the mean rate with its error, and how many trials lie where they should."""
    from scipy.stats import betabinom

    rows = [trial["rates"][str(rate)] for trial in trials]
    tested, n = trials[0]["tested"], rows[0]["held_out"]
    alarms = np.array([row["alarms"] for row in rows])
    result = {
        "seeds": len(trials),
        "mean": float(alarms.mean() / tested),
        "error": float(alarms.std(ddof=1) / tested / len(rows) ** 0.5),
        "pixel_mean": float(np.mean([row["pixel_alarms"] for row in rows]) / tested),
        "rests_on": n,
        "tested": tested,
        "proven": proven_rate(calibration, rate, n),
        "rates": (alarms / tested).tolist(),
    }
    if calibration == "estimate":
        interval_ends = np.array([row["interval"] for row in rows])
        inside = (interval_ends[:, 0] <= alarms / tested) & (alarms / tested <= interval_ends[:, 1])
        return result | {
            "interval": np.median(interval_ends, axis=0).tolist(),
            "inside": int(inside.sum()),
        }
    above = rows[0]["above"]
    distribution = betabinom(tested, above + 1, n - above)
    low, high = distribution.ppf(0.025), distribution.ppf(0.975)
    inside = (alarms >= low) & (alarms <= high)
    interval_ends = [float(low / tested), float(high / tested)]
    expected = (above + 1) / (n + 1)
    return result | {"expected": expected, "interval": interval_ends, "inside": int(inside.sum())}


def draw(table: list[dict], path: Path) -> None:
    """Draw every trial's rate, the mean, and the rate asked for."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "promise", "font.size": 8})
    figure, axes = pyplot.subplots(figsize=(7.2, 3.2), layout="constrained")
    for position, row in enumerate(table):
        rates = 100 * np.array(row["rates"])
        axes.vlines(position, *(100 * np.array(row["interval"])), color="#bbbbbb", linewidth=9)
        spread = np.linspace(-0.16, 0.16, len(rates))
        axes.plot(position + spread, rates, "o", color="#0072B2", markersize=2)
        axes.hlines(100 * row["asked"], position - 0.35, position + 0.35, color="#000000")
        axes.errorbar(
            position + 0.27, 100 * row["mean"], 200 * row["error"], fmt="D", color="#D55E00", ms=4
        )
    names = [f"{row['pictures']}\n{row['way']}\n{100 * row['asked']:g} %" for row in table]
    axes.set_xticks(range(len(table)), names)
    axes.set_ylabel("good pictures called defect, %")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_yticks([0, 0.5, 1, 2, 5, 10, 20, 40], ["0", "0.5", "1", "2", "5", "10", "20", "40"])
    axes.set_ylim(-0.05, 45)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Run all trials, write the figures as they come, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, help="fewer for a quick look")
    parser.add_argument("--way", help="run these rows alone; keep the others of the output")
    parser.add_argument("--output", type=Path, default=RESULTS / "promise.json")
    options = parser.parse_args()
    root, start = options.shared / "data/magnetic_tile", perf_counter()
    network = open_backbone()
    backbone = LookupBackbone(
        network, compute_features(network, [root / "train/good", root / "test/good"])
    )
    print(f"features of {len(backbone._maps[0])} pictures in {perf_counter() - start:.0f} s")
    rows: dict[tuple, dict] = {}
    if options.way:
        rows = {row_key(row): row for row in json.loads(options.output.read_text())["rows"]}
    for count, calibration, rates in RUNS:
        if options.way not in (None, calibration):
            continue
        trials = [
            trial(backbone, count, calibration, rates, seed)
            for seed in range(options.seeds or SEEDS[calibration])
        ]
        for rate in rates:
            row = {
                "pictures": count,
                "way": calibration,
                "asked": rate,
                **summary(calibration, rate, trials),
            }
            rows[row_key(row)] = row
            print(json.dumps({k: v for k, v in row.items() if k != "rates"}), flush=True)
        settings = {"pictures": len(backbone._maps[0]), "rows": list(rows.values())}
        options.output.write_text(json.dumps(settings, indent=1) + "\n")
    draw(list(rows.values()), options.output.parents[2] / "docs/promise.svg")


def row_key(row: dict) -> tuple:
    """Return the key of a row."""
    return row["pictures"], row["way"], row["asked"]


if __name__ == "__main__":
    main()
