"""Drift alarms with and without a change of the scene: `python benchmarks/watching.py`.

Good pictures are looked at through a window that leaves 10 px at each side. The scene changes by
20 % less light, a window moved by 10 px across, or defocus (Gaussian blur of 2 px).

- Nothing changes: magnetic_tile, fitted on 52 good pictures (19 of them held out), the other 900
  streamed in 20 random orders. Counted: streams with an alarm. And the same with every tenth
  picture a defect: parts are bad, the scene is the same.
- A change: the good pictures' first part (`train` of bottle; every second picture of magnetic_tile,
  as the measures were chosen on the others) are halved: one half is fitted, of the other one half
  streams as it is and the rest changed, in 20 random orders. Counted: pictures until the alarm.

The bound of an alarm follows from the guarantee in `watching.py` alone; the seeds are new ones.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from goldensample import Inspector, PatchCore, Preparation, fit, read_images
from goldensample.drift.martingale import CHANCE, PICTURES, STREAM, begin, watch
from goldensample.drift.measures import DEVIATION_WORDS, WATCHED
from goldensample.drift.picture import measure
from goldensample.records import Array, Picture

RESULTS = Path(__file__).parent / "results"
WINDOW, SHIFT = 10, 10
SEEDS = range(100, 120)
"""Of streams; the first is that of the splits, too. No choice was made on them."""


def window(pixels: Array, right: int = 0) -> Array:
    """Cut WINDOW pixels off each side, of a window moved right by at most as many."""
    height, width = pixels.shape[:2]
    columns = slice(WINDOW + right, width - WINDOW + right)
    return np.ascontiguousarray(pixels[WINDOW : height - WINDOW, columns])


def dim(pixels: Array) -> Array:
    """Return a picture with 20 % less light."""
    return np.rint(window(pixels) * 0.8).astype(np.uint8)


def shift(pixels: Array) -> Array:
    """Return a picture seen 10 px further right."""
    return window(pixels, SHIFT)


def defocus(pixels: Array) -> Array:
    """Return a blurred picture."""
    blurred = gaussian_filter(pixels.astype(np.float32), (2, 2, 0))
    return window(np.rint(blurred).astype(np.uint8))


CHANGES: dict[str, Callable[[Array], Array]] = {
    "light dimmed by 20 %": dim,
    "shifted by 10 px": shift,
    "defocused": defocus,
}


def fit_windows(paths: list[Path]) -> Inspector:
    """Fit on the windows of pictures."""
    pictures = [
        Picture(picture.name, window(picture.pixels))
        for picture in read_images(list(map(str, paths)))
    ]
    return fit(
        pictures,
        method=PatchCore(coreset=0.02),
        preparation=Preparation((256, 256), "stretch"),
        calibration="split",
        precision="fp32",
    )


def watched_values(
    inspector: Inspector, paths: list[Path], transform: Callable[[Array], Array] = window
) -> Array:
    """Return the watched measures of pictures, (n, k)."""
    assert inspector.habits, "a fit has habits"
    cache_key = sha256(
        repr([transform.__name__, inspector.habits.held_out["fp32"].tolist(), paths]).encode()
    )
    cache_file = Path(tempfile.gettempdir()) / "golden_watching" / f"{cache_key.hexdigest()}.npy"
    if cache_file.exists():
        return np.asarray(np.load(cache_file))
    values = []
    for original in read_images(list(map(str, paths))):
        picture = Picture(original.name, transform(original.pixels))
        measures = measure(*inspector.preparation.apply(picture.pixels))
        values.append(inspector.habits.watched_values(measures, inspector.inspect(picture)))
    cache_file.parent.mkdir(exist_ok=True)
    np.save(cache_file, np.stack(values))
    return np.stack(values)


def held_out_values(inspector: Inspector) -> Array:
    """Return the watched measures of the held-out pictures of a fit."""
    values = inspector.habits.good_values("fp32") if inspector.habits else None
    assert values is not None, "pictures are held out"
    return values


def first_alarm(
    reference: Array, stream: Iterable[Array], seed: int
) -> tuple[int, str, int] | None:
    """Return the number of the picture at the alarm, what changed, and since which number."""
    rng = np.random.default_rng(seed)
    state = begin(len(WATCHED))
    for number, values in enumerate(stream):
        state, alarm = watch(state, reference, str(number), values, rng.random(len(values)))
        if alarm:
            return number, DEVIATION_WORDS[WATCHED[alarm.measure]][alarm.up], int(alarm.since)
    return None


def count_false_alarms(good: list[Path], defects: list[Path]) -> dict[str, object]:
    """Count alarms on streams of one scene, with good parts alone and with bad ones."""
    order = np.random.default_rng(SEEDS[0]).permutation(len(good))
    inspector = fit_windows([good[k] for k in sorted(order[:52])])
    reference = held_out_values(inspector)
    values = watched_values(inspector, [good[k] for k in order[52:952]])
    chosen = np.random.default_rng(SEEDS[1]).permutation(len(defects))[:90]
    defect_values = watched_values(inspector, [defects[k] for k in chosen])
    alarms, alarms_with_defects = [], []
    for seed in SEEDS:
        permutation = np.random.default_rng(seed).permutation(len(values))
        alarms.append(first_alarm(reference, values[permutation], seed))
        stream = values[permutation].copy()
        stream[5::10] = defect_values[np.random.default_rng(seed).permutation(len(defect_values))][
            : len(stream[5::10])
        ]
        alarms_with_defects.append(first_alarm(reference, stream, seed))
    return {
        "pictures in a stream": len(values),
        "streams": len(SEEDS),
        "streams with a false alarm": sum(map(bool, alarms)),
        "streams with an alarm where every tenth part is bad": sum(map(bool, alarms_with_defects)),
        "alarms": [alarm for alarm in (*alarms, *alarms_with_defects) if alarm],
    }


def measure_delay(good: list[Path]) -> dict[str, object]:
    """Count the pictures from a change to the alarm."""
    order = np.random.default_rng(SEEDS[0]).permutation(len(good))
    half = len(good) // 2
    inspector = fit_windows([good[k] for k in sorted(order[:half])])
    reference = held_out_values(inspector)
    remaining = [good[k] for k in order[half:]]
    before = watched_values(inspector, remaining)
    figures: dict[str, object] = {"fitted on": half, "before the change": len(remaining) // 2}
    for name, change in CHANGES.items():
        after = watched_values(inspector, remaining, change)
        alarms, change_index = [], len(remaining) // 2
        for seed in SEEDS:
            permutation = np.random.default_rng(seed).permutation(len(remaining))
            stream = np.concatenate(
                [before[permutation[:change_index]], after[permutation[change_index:]]]
            )
            alarms.append(first_alarm(reference, stream, seed))
        delays = [
            alarm[0] - change_index + 1 for alarm in alarms if alarm and alarm[0] >= change_index
        ]
        figures[name] = {
            "streams with an alarm": len(delays),
            "within 50 pictures": sum(wait <= 50 for wait in delays),
            "pictures until the alarm": sorted(delays),
            "begun, by the alarm, at": sorted(alarm[2] - change_index for alarm in alarms if alarm),
            "said": sorted({alarm[1] for alarm in alarms if alarm}),
        }
        print(name, json.dumps(figures[name]), flush=True)
    return figures


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    data = parser.parse_args().shared.resolve() / "data"
    tiles, bottles = data / "magnetic_tile", data / "mvtec_ad/bottle"
    good = [
        path for part in ("train", "test") for path in sorted((tiles / part / "good").iterdir())
    ]
    defects = sorted(path for path in (tiles / "test").glob("*/*") if path.parent.name != "good")
    figures: dict[str, object] = {
        "an alarm in n unchanged pictures": f"at most n / {PICTURES:,}",
        f"in {STREAM:,}": f"at most {CHANCE:g}",
        "seeds": [SEEDS[0], SEEDS[-1]],
    }
    jobs: dict[str, Callable[[], dict[str, object]]] = {
        "magnetic_tile": lambda: measure_delay(good[1::2]),
        "bottle": lambda: measure_delay(sorted((bottles / "train/good").iterdir())),
        "magnetic_tile, unchanged": lambda: count_false_alarms(good, defects),
    }
    for name, job in jobs.items():
        figures[name] = job()
        (RESULTS / "watching.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
