"""How long and on what a method trains, chosen without a test picture.

`python benchmarks/trained_validation.py METHOD [--knobs side=128] [--pictures N] [--batch N]`
trains on nine tenths of the good training pictures, and judges the other tenth and synthetic
defects drawn into that tenth: four of each picture, of kinds, sizes and contrasts by a fixed seed.
No picture of the test set is read. Prints one JSON line; --log appends it to a file.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from goldensample.evaluation.metrics import auroc
from goldensample.methods.registry import METHODS
from goldensample.methods.trained import training
from goldensample.methods.trained.inputs import average
from goldensample.records import Array
from goldensample.synthetic.defects import KINDS, paste_defect

SIZES, CONTRASTS = (0.05, 0.2), (32, 128)
"""Smallest and largest size, as a share of the shorter side, and contrast of 255."""
DRAWN = 4
"""Defects for each picture that is kept aside."""
STEP = 10
"""Every so manieth picture is kept aside."""
CANVAS = 256
"""Side in pixels to which pictures are stretched: that of the suite `trained`."""


def read(path: Path) -> Array:
    """Return a picture, (H, W, 3) uint8."""
    return np.asarray(Image.open(path).convert("RGB"))


def shown(pixels: Array, side: int) -> Array:
    """Return what a network of pixels sees: (3, side, side) float32 in [0, 1]."""
    small = Image.fromarray(pixels).resize((CANVAS, CANVAS), Image.Resampling.BILINEAR)
    return average(np.asarray(small, np.float32).transpose(2, 0, 1) / 255, (side, side))


def with_defects(pixels: Array, seed: int) -> list[tuple[Array, Array]]:
    """Return copies with one defect each, and where it is, (CANVAS, CANVAS) bool."""
    rng = np.random.default_rng(seed)
    side, found = min(pixels.shape[:2]), []
    while len(found) < DRAWN:
        kind = list(KINDS)[rng.integers(len(KINDS))]
        size = max(4.0, side * np.exp(rng.uniform(*np.log(SIZES))))
        contrast = np.exp(rng.uniform(*np.log(CONTRASTS)))
        after, mask = paste_defect(pixels, kind, rng, size_px=size, contrast=contrast)
        if np.abs(after.astype(int) - pixels).max() >= contrast / 2:
            small = Image.fromarray(mask).resize((CANVAS, CANVAS), Image.Resampling.NEAREST)
            found.append((after, np.asarray(small)))
    return found


def judge(detector: Any, side: int, kept: list[Array]) -> dict[str, float]:
    """Return image and pixel AUROC of pictures kept aside and of defects drawn into them."""
    scores: list[float] = []
    labels: list[bool] = []
    maps: list[Array] = []
    masks: list[Array] = []
    for seed, pixels in enumerate(kept):
        nothing = np.zeros((CANVAS, CANVAS), bool)
        for picture, mask in [(pixels, nothing), *with_defects(pixels, seed)]:
            result = detector.runner.run(shown(picture, side))
            if "map" in result:
                maps.append(blurred(result["map"][0], detector.sigma_px)[::2, ::2])
                masks.append(mask[::2, ::2])
            score = result["score"][0] if "score" in result else result["map"].max()
            scores.append(float(score))
            labels.append(picture is not pixels)
    figures = {"image_auroc": auroc(np.array(scores), np.array(labels))}
    if maps:
        flat = np.concatenate([one.ravel() for one in maps])
        figures["pixel_auroc"] = auroc(flat, np.concatenate([one.ravel() for one in masks]))
    return figures


def blurred(grid: Array, sigma_px: float) -> Array:
    """Return a map on the canvas, as the product blurs it, but for its borders."""
    from scipy.ndimage import gaussian_filter

    size = (CANVAS, CANVAS)
    large = np.asarray(Image.fromarray(grid).resize(size, Image.Resampling.BILINEAR))
    return np.asarray(gaussian_filter(large, sigma_px) if sigma_px else large)


def main() -> None:
    """Run one training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method")
    parser.add_argument("--good", type=Path, required=True, help="folder of good training pictures")
    parser.add_argument("--knobs", nargs="*", default=[], metavar="NAME=VALUE")
    parser.add_argument("--pictures", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rate", type=float)
    parser.add_argument("--falls", action=argparse.BooleanOptionalAction)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    given = dict(pair.split("=") for pair in options.knobs)
    settings: Any = METHODS[options.method](
        **{"budget": "quick"} | {name: _number(value) for name, value in given.items()}
    )
    schedule = settings.recipe().schedule
    if options.pictures:
        schedule = replace(schedule, pictures={"quick": options.pictures})
    schedule = replace(
        schedule,
        batch=options.batch or schedule.batch,
        learning_rate=options.rate or schedule.learning_rate,
        falls=schedule.falls if options.falls is None else options.falls,
    )
    paths = sorted(path for path in options.good.iterdir() if path.is_file())
    trained_on = [path for index, path in enumerate(paths) if index % STEP]
    inputs = (np.stack([shown(read(path), settings.side) for path in trained_on]),)
    start = perf_counter()
    recipe = replace(settings.recipe(), schedule=schedule)
    detector = training.fit(settings, inputs, [], recipe, lambda *_: None)
    seconds = perf_counter() - start
    figures = judge(detector, settings.side, [read(path) for path in paths[::STEP]])
    line = json.dumps(
        {"method": options.method, "data": options.good.parents[1].name, "knobs": given,
         "pictures": schedule.pictures["quick"], "batch": schedule.batch,
         "learning_rate": schedule.learning_rate, "falls": schedule.falls,
         "seconds": round(seconds),
         "losses": [np.round(detector.losses[at], 5).tolist() for at in (0, 1, -1)],
         **{name: round(value, 4) for name, value in figures.items()}}
    )  # fmt: skip
    print(line, flush=True)
    if options.log:
        with options.log.open("a") as file:
            file.write(line + "\n")


def _number(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


if __name__ == "__main__":
    main()
