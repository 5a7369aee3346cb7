"""A limit on a new day, kept by whole days or by pictures at random: `python benchmarks/groups.py`.

The good pictures of magnetic_tile (train and test, 952) are dealt to 50 synthetic days of 19 (seed
0). Each day has its own brightness (a factor around 1, of 4 % times a strength) and its own grain
(normal noise of a sigma from 0 to 6 grey levels times the strength). Strengths are 0 (days that do
not differ), 1, 2 and 4. In each of 20 trials a fit learns from 5, 10 or 30 days, and 20 others are
new. A fifth of the pictures is held out for the limit of 5 %, twice: at random, and as whole days;
counted is how many good pictures of each new day are called defects. Features are computed once for
each strength, averaged to a grid of 8x8, as in `promise.py`.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
from promise import INDEX_SIZE, SIZE, LookupBackbone, average_pool, encode_index

from goldensample import PatchCore, open_backbone, read_images
from goldensample.fitting.fit import fit
from goldensample.records import Array, Picture

RESULTS = Path(__file__).parent / "results"
DAYS, PER_DAY, FITTED, NEW, RATE = 50, 19, (5, 10, 30), 20, 0.05
BRIGHTNESS, GRAIN, STRENGTHS = 0.04, 6.0, (0, 1, 2, 4)
WAYS = ("kept aside at random", "whole days kept aside")


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


def features(folders: list[Path], strength: float) -> LookupBackbone:
    """Return a backbone that knows the features of the pictures of all days, day by day."""
    pictures = read_images([str(folder) for folder in folders])
    rng, network = np.random.default_rng(0), open_backbone()
    order = rng.permutation(len(pictures))[: DAYS * PER_DAY]
    days = [(1 + BRIGHTNESS * rng.normal(), GRAIN * rng.random()) for _ in range(DAYS)]
    days = [(1 + strength * (light - 1), strength * grain) for light, grain in days]
    parts = []
    for place, index in enumerate(order.tolist()):
        pixels = photograph(pictures[index].pixels, *days[place // PER_DAY], index)
        prepared, _ = SIZE.apply(pixels)
        parts.append([average_pool(level) for level in network.extract(prepared[None])])
    maps = tuple(np.concatenate(level) for level in zip(*parts, strict=True))
    return LookupBackbone(network, maps)


def trial(backbone: LookupBackbone, fitted: int, seed: int, whole_days: bool) -> list[float]:
    """Fit on some days; return the rate of good pictures called defect on each new day."""
    days = np.random.default_rng(seed).permutation(DAYS)
    numbers = tuple(int(day) * PER_DAY + k for day in days[:fitted] for k in range(PER_DAY))
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
    for day in days[-NEW:]:
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
    """Draw the mean rates on new days by strength with twice their errors, and the rate asked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"svg.hashsalt": "groups", "font.size": 8})
    figure, panels = pyplot.subplots(
        1, len(FITTED), figsize=(7.2, 2.6), sharey=True, layout="constrained"
    )
    looks = {WAYS[0]: ("#D55E00", "o", -0.1), WAYS[1]: ("#0072B2", "D", 0.1)}
    for axes, fitted in zip(panels, FITTED, strict=True):
        for way, (colour, marker, shift) in looks.items():
            found = [rows[str(strength)][str(fitted)][way] for strength in STRENGTHS]
            means, errors = ([100 * row[name] for row in found] for name in ("mean", "error"))
            style = {"fmt": marker, "color": colour, "ms": 4, "label": way}
            places = np.arange(len(STRENGTHS)) + shift
            axes.errorbar(places, means, 2 * np.array(errors), **style)
        axes.axhline(100 * RATE, color="#000000", linewidth=1)
        axes.set_title(f"learned from {fitted} days", fontsize=8)
        axes.set_xticks(
            range(len(STRENGTHS)), [f"±{100 * BRIGHTNESS * k:.0f} %" for k in STRENGTHS]
        )
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylim(0)
    panels[0].set_ylabel("good pictures of new days\ncalled defects, %")
    panels[1].set_xlabel("how much the brightness of days differs (grain grows with it)")
    panels[1].legend(frameon=False)
    figure.savefig(path, format="svg", metadata={"Date": None})


def main() -> None:
    """Run all trials, write the figures, and draw them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--output", type=Path, default=RESULTS / "groups.json")
    options = parser.parse_args()
    root = options.shared / "data/magnetic_tile"
    rows: dict[str, dict] = {}
    for strength in STRENGTHS:
        start = perf_counter()
        backbone = features([root / "train/good", root / "test/good"], strength)
        print(f"strength {strength}: features in {perf_counter() - start:.0f} s", flush=True)
        rows[str(strength)] = {str(fitted): {} for fitted in FITTED}
        for fitted, way in product(FITTED, WAYS):
            seeds = range(options.seeds)
            trials = [trial(backbone, fitted, seed, way == WAYS[1]) for seed in seeds]
            found = rows[str(strength)][str(fitted)][way] = summary(trials)
            shown = {name: round(found[name], 4) for name in ("mean", "error", "tenth_worst_day")}
            print(f"{fitted} days,", way, json.dumps(shown), flush=True)
    settings = {"days": DAYS, "per_day": PER_DAY, "asked": RATE, "seeds": options.seeds}
    settings |= {"brightness": BRIGHTNESS, "grain": GRAIN}
    options.output.write_text(json.dumps({**settings, "strengths": rows}, indent=1) + "\n")
    draw(rows, options.output.parents[2] / "docs/groups.svg")


if __name__ == "__main__":
    main()
