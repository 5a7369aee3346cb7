"""False alarms of limits from few good pictures: `python benchmarks/few_pictures.py`.

Of the good pictures of magnetic_tile (train and test, 952), 160 are to be fitted and 150 tested.
From the 160, few are drawn 60 times (seeds 0 to 59); each is judged by a bank without it, as it is
and as four copies, a little moved, turned and lighter or darker; the rate of tested pictures above
the limit is compared with the rate asked for, 5 %. So that this is affordable, features are
computed once (built-in network, 128x128 stretched, both levels averaged to a grid of 8x8), a fifth
of the patches is the bank, and a score is the largest distance to it.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from goldensample import Preparation, open_backbone, read_images
from goldensample.backbones.network import Backbone
from goldensample.calibration import few
from goldensample.coreset.greedy import greedy
from goldensample.fitting.copies import BRIGHTNESS, COPIES, DEGREES, SHIFT
from goldensample.preparation.motion import Motion
from goldensample.records import Array

RESULTS = Path(__file__).parent / "results"
SIZE = Preparation((128, 128), "stretch")
COUNTS, RATE, SEEDS, POOL, TESTED = (1, 2, 3, 5, 10, 15, 18), 0.05, 60, 160, 150


def patches(backbone: Backbone, canvas: Array) -> Array:
    """Return the (64, d) patches of a (3, 128, 128) canvas on a grid of 8x8."""
    levels = []
    for level in backbone.extract(np.ascontiguousarray(canvas[None], np.float32)):
        _, d, h, w = level.shape
        levels.append(level.reshape(d, 8, h // 8, 8, w // 8).mean((2, 4)).reshape(d, 64))
    return np.concatenate(levels).T


def copy(canvas: Array, rng: np.random.Generator) -> Array:
    """Return a copy as `fitting.copies` makes it, of the canvas instead of the picture."""
    numbers = [float(rng.uniform(-limit, limit)) for limit in (DEGREES, SHIFT, SHIFT)]
    moved = Motion(*numbers).align(canvas.transpose(1, 2, 0))
    lighter = moved * float(rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS))
    return np.clip(lighter, 0, 255).transpose(2, 0, 1).astype(np.float32)


def compute_features(backbone: Backbone, folders: list[str]) -> tuple[Array, Array]:
    """Return patches of pictures to fit, (160, 1 + COPIES, 64, d), and to test, (150, 64, d)."""
    images = read_images(folders)
    order = np.random.default_rng(99).permutation(len(images)).tolist()
    pool, tested = [], []
    for place, index in enumerate(order[: POOL + TESTED]):
        canvas = np.ascontiguousarray(SIZE.apply(images[index].pixels)[0], np.float32)
        if place >= POOL:
            tested.append(patches(backbone, canvas))
            continue
        rng = np.random.default_rng(index)
        copies = [copy(canvas, rng) for _ in range(COPIES)]
        pool.append([patches(backbone, one) for one in (canvas, *copies)])
    half = np.array(pool, np.float16), np.array(tested, np.float16)
    return half[0].astype(np.float32), half[1].astype(np.float32)


def bank_of(rows: Array) -> Array:
    """Return a fifth of the patches of some pictures."""
    points = rows.reshape(-1, rows.shape[-1])
    return points[greedy(points.copy(), max(1, len(points) // 5)).picks]


def scores(bank: Array, pictures: Array) -> Array:
    """Return the largest distance of each picture's patches to the bank."""
    squares = (pictures**2).sum(-1)[..., None] - 2 * pictures @ bank.T + (bank**2).sum(-1)
    return np.sqrt(np.maximum(squares.min(-1), 0)).max(-1)


def trial(pool: Array, tested: Array, count: int, seed: int) -> dict:
    """Return the scores of few pictures, each without it, and of the tested ones."""
    chosen = np.random.default_rng(seed).permutation(len(pool))[:count]
    full = bank_of(pool[chosen, 0])
    without = [
        scores(full if count == 1 else bank_of(pool[np.delete(chosen, k), 0]), pool[index])
        for k, index in enumerate(chosen)
    ]
    return {
        "seed": seed,
        "n": count,
        "loo": np.round(without, 4).tolist(),
        "test": np.round(scores(full, tested), 4).tolist(),
    }


def summary(count: int, trials: list[dict]) -> dict:
    """Return the rates by rule: with copies as the product has it, and of each picture alone."""
    result = {"pictures": count, "asked": RATE}
    if count == 1:
        rates = [float(np.mean(np.array(t["test"]) > np.max(t["loo"]))) for t in trials]
        return result | {"above all of its copies": float(np.mean(rates))}
    low, high = result["interval"] = few.interval(count, RATE)
    for rule in ("with copies", "alone"):
        rates = []
        for one in trials:
            own = np.array(one["loo"])
            values = np.sort(own, axis=1)[:, -2] if rule == "with copies" else own[:, 0]
            alarms = int((np.array(one["test"]) > few.limit(values, RATE)).sum())
            one.setdefault("alarms", {})[rule] = alarms
            rates.append(alarms / len(one["test"]))
        slack = 0.5 / len(trials[0]["test"])
        result[rule] = {
            "mean": float(np.mean(rates)),
            "error": float(np.std(rates, ddof=1) / len(rates) ** 0.5),
            "within": sum(low - slack <= rate <= high + slack for rate in rates),
        }
    return result


def main() -> None:
    """Run all trials and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    root = parser.parse_args().shared / "data/magnetic_tile"
    folders = [str(root / "train/good"), str(root / "test/good")]
    pool, tested = compute_features(open_backbone(), folders)
    trials = [trial(pool, tested, count, seed) for seed in range(SEEDS) for count in COUNTS]
    table = [summary(count, [t for t in trials if t["n"] == count]) for count in COUNTS]
    for row in table:
        print(row)
    for one in trials:
        del one["test"]
    document = {"table": table, "tested": TESTED, "trials": trials}
    (RESULTS / "few_pictures.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
