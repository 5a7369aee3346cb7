"""Alarms while the scene stays and after it changes: `python benchmarks/watching.py`.

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
from goldensample.drift.measures import WATCHED, WORDS, measure
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


def dimmed(pixels: Array) -> Array:
    """Return a picture with 20 % less light."""
    return np.rint(window(pixels) * 0.8).astype(np.uint8)


def shifted(pixels: Array) -> Array:
    """Return a picture seen 10 px further right."""
    return window(pixels, SHIFT)


def defocused(pixels: Array) -> Array:
    """Return a blurred picture."""
    blurred = gaussian_filter(pixels.astype(np.float32), (2, 2, 0))
    return window(np.rint(blurred).astype(np.uint8))


CHANGES: dict[str, Callable[[Array], Array]] = {
    "light dimmed by 20 %": dimmed,
    "shifted by 10 px": shifted,
    "defocused": defocused,
}


def fitted(paths: list[Path]) -> Inspector:
    """Fit on the windows of pictures."""
    pictures = [Picture(one.name, window(one.pixels)) for one in read_images(list(map(str, paths)))]
    return fit(
        pictures,
        method=PatchCore(coreset=0.02),
        preparation=Preparation((256, 256), "stretch"),
        calibration="split",
        precision="fp32",
    )


def watched(
    inspector: Inspector, paths: list[Path], seen: Callable[[Array], Array] = window
) -> Array:
    """Return what is watched on pictures, (n, k)."""
    assert inspector.habits, "a fit has habits"
    known = sha256(repr([seen.__name__, inspector.habits.known["fp32"].tolist(), paths]).encode())
    kept = Path(tempfile.gettempdir()) / "golden_watching" / f"{known.hexdigest()}.npy"
    if kept.exists():
        return np.asarray(np.load(kept))
    values = []
    for one in read_images(list(map(str, paths))):
        picture = Picture(one.name, seen(one.pixels))
        measured = measure(*inspector.preparation.apply(picture.pixels))
        values.append(inspector.habits.watched(measured, inspector.inspect(picture)))
    kept.parent.mkdir(exist_ok=True)
    np.save(kept, np.stack(values))
    return np.stack(values)


def good_of(inspector: Inspector) -> Array:
    """Return what is watched on the good pictures of a fit."""
    known = inspector.habits.good("fp32") if inspector.habits else None
    assert known is not None, "pictures are held out"
    return known


def first_alarm(known: Array, stream: Iterable[Array], seed: int) -> tuple[int, str, int] | None:
    """Return the number of the picture at the alarm, what changed, and since which number."""
    rng = np.random.default_rng(seed)
    state = begin(len(WATCHED))
    for number, values in enumerate(stream):
        state, alarm = watch(state, known, str(number), values, rng.random(len(values)))
        if alarm:
            return number, WORDS[WATCHED[alarm.measure]][alarm.up], int(alarm.since)
    return None


def unchanged(good: list[Path], bad: list[Path]) -> dict[str, object]:
    """Count alarms on streams of one scene, with good parts alone and with bad ones."""
    order = np.random.default_rng(SEEDS[0]).permutation(len(good))
    inspector = fitted([good[k] for k in sorted(order[:52])])
    known = good_of(inspector)
    values = watched(inspector, [good[k] for k in order[52:952]])
    chosen = np.random.default_rng(SEEDS[1]).permutation(len(bad))[:90]
    odd = watched(inspector, [bad[k] for k in chosen])
    alarms, among = [], []
    for seed in SEEDS:
        mixed = np.random.default_rng(seed).permutation(len(values))
        alarms.append(first_alarm(known, values[mixed], seed))
        stream = values[mixed].copy()
        stream[5::10] = odd[np.random.default_rng(seed).permutation(len(odd))][: len(stream[5::10])]
        among.append(first_alarm(known, stream, seed))
    return {
        "pictures in a stream": len(values),
        "streams": len(SEEDS),
        "streams with a false alarm": sum(map(bool, alarms)),
        "streams with an alarm where every tenth part is bad": sum(map(bool, among)),
        "alarms": [one for one in (*alarms, *among) if one],
    }


def changed(good: list[Path]) -> dict[str, object]:
    """Count the pictures from a change to the alarm."""
    order = np.random.default_rng(SEEDS[0]).permutation(len(good))
    half = len(good) // 2
    inspector = fitted([good[k] for k in sorted(order[:half])])
    known = good_of(inspector)
    rest = [good[k] for k in order[half:]]
    before = watched(inspector, rest)
    found: dict[str, object] = {"fitted on": half, "before the change": len(rest) // 2}
    for name, change in CHANGES.items():
        after = watched(inspector, rest, change)
        alarms, at = [], len(rest) // 2
        for seed in SEEDS:
            mixed = np.random.default_rng(seed).permutation(len(rest))
            stream = np.concatenate([before[mixed[:at]], after[mixed[at:]]])
            alarms.append(first_alarm(known, stream, seed))
        waits = [one[0] - at + 1 for one in alarms if one and one[0] >= at]
        found[name] = {
            "streams with an alarm": len(waits),
            "within 50 pictures": sum(wait <= 50 for wait in waits),
            "pictures until the alarm": sorted(waits),
            "begun, by the alarm, at": sorted(one[2] - at for one in alarms if one),
            "said": sorted({one[1] for one in alarms if one}),
        }
        print(name, json.dumps(found[name]), flush=True)
    return found


def main() -> None:
    """Run all and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    data = parser.parse_args().shared.resolve() / "data"
    tiles, bottles = data / "magnetic_tile", data / "mvtec_ad/bottle"
    good = [
        path for part in ("train", "test") for path in sorted((tiles / part / "good").iterdir())
    ]
    bad = sorted(path for path in (tiles / "test").glob("*/*") if path.parent.name != "good")
    figures: dict[str, object] = {
        "an alarm in n unchanged pictures": f"at most n / {PICTURES:,}",
        f"in {STREAM:,}": f"at most {CHANCE:g}",
        "seeds": [SEEDS[0], SEEDS[-1]],
    }
    jobs: dict[str, Callable[[], dict[str, object]]] = {
        "magnetic_tile": lambda: changed(good[1::2]),
        "bottle": lambda: changed(sorted((bottles / "train/good").iterdir())),
        "magnetic_tile, unchanged": lambda: unchanged(good, bad),
    }
    for name, job in jobs.items():
        figures[name] = job()
        (RESULTS / "watching.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
