"""A limit on a new day, kept by whole days or by pictures at random: `python benchmarks/groups.py`.

The good pictures of magnetic_tile (train and test, 952) are dealt to 50 synthetic days of 19 (seed
0). Each day has its own brightness (a factor around 1, of 4 %) and its own grain (normal noise of a
sigma from 0 to 6 grey levels). In each of 10 trials a fit learns from 30 days and the other 20 are
new. A fifth of the pictures is held out for the limit of 5 %, twice: at random, and as whole days;
counted is how many good pictures of each new day are called defects. Features are computed once,
averaged to a grid of 8x8, as in `promise.py`.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from promise import INDEX_SIZE, SIZE, LookupBackbone, average_pool, encode_index

from goldensample import PatchCore, open_backbone, read_images
from goldensample.fitting.fit import fit
from goldensample.records import Array, Picture

RESULTS = Path(__file__).parent / "results"
DAYS, PER_DAY, FITTED, RATE = 50, 19, 30, 0.05
BRIGHTNESS, GRAIN = 0.04, 6.0


@dataclass(frozen=True)
class Numbered:
    """Pictures that stand for precomputed features, each of a day; implements `Pictures`."""

    numbers: tuple[int, ...]
    groups: tuple[str, ...]
    grouped_by: str = "day"

    @property
    def names(self) -> tuple[str, ...]:
        """Their numbers as text."""
        return tuple(map(str, self.numbers))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Picture:
        """Return a picture whose colour is its number."""
        return Picture(str(self.numbers[index]), encode_index(self.numbers[index]))

    def __iter__(self) -> Iterator[Picture]:
        return (self[index] for index in range(len(self)))

    def shapes(self) -> list[tuple[int, int]]:
        """Return (H, W) of each."""
        return [(64, 64)] * len(self)


def photograph(pixels: Array, brightness: float, grain: float, seed: int) -> Array:
    """Return a picture as it is taken on a day."""
    noise = np.random.default_rng(seed).normal(0, grain, pixels.shape[:2])[..., None]
    return np.clip(np.rint(pixels * brightness + noise), 0, 255).astype(np.uint8)


def features(folders: list[Path]) -> LookupBackbone:
    """Return a backbone that knows the features of the pictures of all days, day by day."""
    pictures = read_images([str(folder) for folder in folders])
    rng, network = np.random.default_rng(0), open_backbone()
    order = rng.permutation(len(pictures))[: DAYS * PER_DAY]
    days = [(1 + BRIGHTNESS * rng.normal(), GRAIN * rng.random()) for _ in range(DAYS)]
    parts = []
    for place, index in enumerate(order.tolist()):
        pixels = photograph(pictures[index].pixels, *days[place // PER_DAY], index)
        prepared, _ = SIZE.apply(pixels)
        parts.append([average_pool(level) for level in network.extract(prepared[None])])
    maps = tuple(np.concatenate(level) for level in zip(*parts, strict=True))
    return LookupBackbone(network, maps)


def trial(backbone: LookupBackbone, seed: int, whole_days: bool) -> list[float]:
    """Fit on some days; return the rate of good pictures called defect on each new day."""
    days = np.random.default_rng(seed).permutation(DAYS)
    numbers = tuple(int(day) * PER_DAY + k for day in days[:FITTED] for k in range(PER_DAY))
    groups = tuple(f"day {number // PER_DAY}" for number in numbers)
    inspector = fit(
        Numbered(numbers, groups if whole_days else ()),
        backbone=backbone,
        method=PatchCore(coreset=1000.0, sigma_px=1.0),
        preparation=INDEX_SIZE,
        false_alarms=RATE,
    )
    limit = inspector.threshold.score
    rates = []
    for day in days[FITTED:]:
        pictures = [encode_index(int(day) * PER_DAY + k) for k in range(PER_DAY)]
        scores = np.array([found.score for found in inspector.inspect_many(pictures)])
        rates.append(float((scores > limit).mean()))
    return rates


def summary(trials: list[list[float]]) -> dict[str, object]:
    """Return the mean rate over trials with its standard error, and the worst days."""
    means = np.array([np.mean(rates) for rates in trials])
    return {
        "mean": float(means.mean()),
        "error": float(means.std(ddof=1) / len(means) ** 0.5),
        "tenth_worst_day": float(np.quantile(np.concatenate(trials), 0.9)),
        "means": means.tolist(),
    }


def draw(rows: dict[str, dict], path: Path) -> None:
    """Draw every trial's rate on new days, the means, and the rate asked for."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "groups", "font.size": 8})
    figure, axes = pyplot.subplots(figsize=(4.2, 2.8), layout="constrained")
    for place, row in enumerate(rows.values()):
        rates = 100 * np.array(row["means"])
        spread = np.linspace(-0.16, 0.16, len(rates))
        axes.plot(place + spread, rates, "o", color="#0072B2", markersize=3)
        axes.errorbar(
            place + 0.27, 100 * row["mean"], 200 * row["error"], fmt="D", color="#D55E00", ms=4
        )
    axes.axhline(100 * RATE, color="#000000", linewidth=1)
    axes.set_xticks(range(len(rows)), rows)
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.set_ylim(0)
    axes.set_ylabel("good pictures of new days called defect, %")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Run all trials, write the figures, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--output", type=Path, default=RESULTS / "groups.json")
    options = parser.parse_args()
    root, start = options.shared / "data/magnetic_tile", perf_counter()
    backbone = features([root / "train/good", root / "test/good"])
    print(f"features in {perf_counter() - start:.0f} s", flush=True)
    rows: dict[str, dict] = {}
    for name, whole_days in (("pictures at random", False), ("whole days", True)):
        rows[name] = summary([trial(backbone, seed, whole_days) for seed in range(options.seeds)])
        print(name, json.dumps({k: v for k, v in rows[name].items() if k != "means"}), flush=True)
    settings = {"days": DAYS, "per_day": PER_DAY, "fitted": FITTED, "asked": RATE}
    options.output.write_text(json.dumps({**settings, "rows": rows}, indent=1) + "\n")
    draw(rows, options.output.parents[2] / "docs/groups.svg")


if __name__ == "__main__":
    main()
