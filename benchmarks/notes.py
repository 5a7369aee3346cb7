"""Notes on good and on degraded pictures: `python benchmarks/notes.py`.

What `golden inspect` notes of light, sharpness and size, `--strict-input` refuses. Counted on good
pictures that took no part: the good test pictures of bottle, hazelnut, transistor, magnetic_tile,
and 60 further parts of each of the demo's families, fitted on 60. As few pictures are harder, all
good ones are split anew 20 times (seeds 0 to 19) into 20, or half of them, and the rest. And, for
all test pictures, how often the same picture is noted with half its light, blurred (Gaussian of
4 px on pictures of 256 px), or at half its size. No network is needed: the notes rest on none.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from goldensample import Preparation, read_images
from goldensample.demo import FAMILIES, render
from goldensample.drift.measures import ReferenceStatistics, reference_statistics
from goldensample.drift.picture import measure
from goldensample.preparation.preparation import choose_size
from goldensample.records import Array

RESULTS = Path(__file__).parent / "results"
SEEDS = range(20)
STRIDE = 32
"""Sides of a canvas are multiples of it, as for the built-in network."""
FITTED, TESTED, FEW_FITTED = 60, 60, 20


def half_light(pixels: Array) -> Array:
    """Return a picture with half its light."""
    return (pixels * 0.5).astype(np.uint8)


def blur(pixels: Array) -> Array:
    """Return a picture out of focus."""
    sigma = 4 * (pixels.shape[0] * pixels.shape[1]) ** 0.5 / 256
    soft = gaussian_filter(pixels.astype(np.float32), (sigma, sigma, 0))
    return np.rint(soft).astype(np.uint8)


def half_size(pixels: Array) -> Array:
    """Return a picture of half the sides."""
    return np.ascontiguousarray(pixels[::2, ::2])


DEGRADATIONS: dict[str, Callable[[Array], Array]] = {
    "half the light": half_light,
    "blurred": blur,
    "half the size": half_size,
}


def count_notes(statistics: ReferenceStatistics, values: Array) -> int:
    """Count the pictures, by their measures (n, 5), that draw a note."""
    return sum(bool(statistics.unusual(measures)) for measures in values)


def count_all(good: list[Array], count: int) -> dict[str, object]:
    """Count notes on pictures, of which the first `count` are fitted, and on splits of all."""
    preparation = Preparation(choose_size([picture.shape[:2] for picture in good], STRIDE))
    measurements = [measure(*preparation.apply(picture)) for picture in good]
    values, statistics = (
        np.stack([picture.values for picture in measurements]),
        reference_statistics(measurements[:count]),
    )
    figures: dict[str, object] = {
        "fitted": count,
        "tested": len(good) - count,
        "noted": count_notes(statistics, values[count:]),
    }
    for name, size in (("20", FEW_FITTED), ("half", len(good) // 2)):
        total = 0
        for seed in SEEDS:
            order = np.random.default_rng(seed).permutation(len(good))
            statistics_of_few = reference_statistics([measurements[k] for k in order[:size]])
            total += count_notes(statistics_of_few, values[order[size:]])
        figures[f"noted of {len(SEEDS) * (len(good) - size)} after a fit of {name}"] = total
    for name, degrade in DEGRADATIONS.items():
        degraded = [
            measure(*preparation.apply(degrade(picture))).values for picture in good[count:]
        ]
        figures[f"noted, {name}"] = count_notes(statistics, np.stack(degraded))
    return figures


def pictures(folder: Path) -> tuple[list[Array], int]:
    """Return the good pictures of a data set, and how many of them are to be fitted."""
    parts = [read_images(folder / part / "good") for part in ("train", "test")]
    return [picture.pixels for part in parts for picture in part], len(parts[0])


def main() -> None:
    """Count everywhere and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    data = parser.parse_args().shared.resolve() / "data"
    figures: dict[str, dict[str, object]] = {}
    for name in ("mvtec_ad/bottle", "mvtec_ad_small/hazelnut", "mvtec_ad_small/transistor"):
        figures[name.split("/")[1]] = count_all(*pictures(data / name))
    figures["magnetic_tile"] = count_all(*pictures(data / "magnetic_tile"))
    for family in FAMILIES:
        parts = [render(family, seed).pixels for seed in range(FITTED + TESTED)]
        figures[f"demo, {family}"] = count_all(parts, FITTED)
    (RESULTS / "notes.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
