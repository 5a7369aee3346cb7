"""Our pixel figures beside adeval's and anomalib's, on the same maps: `make bench-metrics`.

Exact values come from sorting all pixels (PRO and sPRO too). The maps are made: smooth ones with
noise, with ties, with one pixel far above all others, far from 0; and maps that are the same
everywhere, defects whose masks are empty, and no defect at all. Raw figures go to
benchmarks/results/metrics_beside.json, a table to docs/results.md.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import main_job
import numpy as np
from metrics import exact_pro, region_weights
from scipy import ndimage
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from goldensample.evaluation.pixel_metrics import Channel, PixelTally

HERE = Path(__file__).parent
PICTURES, SIDE, GOOD = 12, 192, 4
LIMITS = {"PRO to 30 %": 0.3, "PRO to 5 %": 0.05}
SATURATION = 0.5
"""Share of a region that is enough, for sPRO."""
Case = tuple[np.ndarray, np.ndarray]


def make_case(name: str) -> Case:
    """Return maps (n, H, W) float32 and masks (n, H, W) bool."""
    rng = np.random.default_rng(0)
    masks = np.zeros((PICTURES, SIDE, SIDE), bool)
    for mask in masks[GOOD:]:
        for _ in range(3):
            (top, left), (height, width) = rng.integers(0, SIDE - 40, 2), rng.integers(4, 40, 2)
            mask[top : top + height, left : left + width] = True
    smooth = ndimage.zoom(rng.random((PICTURES, 12, 12)), (1, 16, 16), order=1)
    maps = (smooth + 0.5 * masks + 0.1 * rng.random(masks.shape)).astype(np.float32)
    if name == "20 values":
        maps = np.round(maps * 12).astype(np.float32) / 12
    elif name == "one pixel at 1,000":
        maps[0, 0, 0] = 1000
    elif name == "far from 0":
        maps += 1000
    elif name == "the same everywhere":
        maps[:] = 1
    elif name == "every second mask empty":
        masks[GOOD::2] = False
    elif name == "no defect":
        masks[:] = False
    return maps, masks


CASES = (
    "smooth, with noise",
    "20 values",
    "one pixel at 1,000",
    "far from 0",
    "the same everywhere",
    "every second mask empty",
    "no defect",
)


def regions_of(mask: np.ndarray) -> list[Channel]:
    """Return the connected parts of a mask, of which a share is enough."""
    labels, count = ndimage.label(mask, structure=np.ones((3, 3), int))
    parts = [labels == k for k in range(1, count + 1)]
    return [Channel(part, max(1, int(part.sum() * SATURATION))) for part in parts]


def ours(maps: np.ndarray, masks: np.ndarray) -> dict[str, tuple[float, float] | str]:
    """Return each of our figures with its bound, or what we say instead."""
    tally = PixelTally()
    for values, mask in zip(maps, masks, strict=True):
        tally.add(values, mask, None, regions_of(mask))
    try:
        curve = tally.curve()
    except ValueError as error:
        return dict.fromkeys(("AUROC", "AP", "best F1", *LIMITS, "sPRO to 5 %"), str(error))
    figures = {
        "AUROC": curve.auroc(),
        "AP": curve.average_precision(),
        "best F1": curve.best_f1(),
        **{name: curve.pro(limit) for name, limit in LIMITS.items()},
        "sPRO to 5 %": curve.spro(0.05),
    }
    return {name: (one.value, one.error) for name, one in figures.items() if one}


def exact(maps: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Return the figures from all pixels, sorted; none where a class is missing."""
    scores, labels = maps.ravel(), masks.ravel()
    if not labels.any():
        return {}
    precision, recall, _ = precision_recall_curve(labels, scores)
    shares = np.concatenate([region_weights(mask) for mask in masks])
    saturated = np.concatenate([saturated_weights(*one) for one in zip(maps, masks, strict=True)])
    return {
        "AUROC": float(roc_auc_score(labels, scores)),
        "AP": float(average_precision_score(labels, scores)),
        "best F1": float((2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()),
        **{name: below(scores, labels, shares, limit) for name, limit in LIMITS.items()},
        "sPRO to 5 %": below(scores, labels, saturated, 0.05),
    }


def saturated_weights(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return, for each pixel, its share of its region where it is among those that are enough."""
    weights = np.zeros(mask.shape)
    for region in regions_of(mask):
        rows, columns = np.nonzero(region.mask)
        enough = np.argsort(-values[rows, columns], kind="stable")[: region.saturation]
        weights[rows[enough], columns[enough]] = 1 / region.saturation
    return weights.ravel()


def below(scores: np.ndarray, labels: np.ndarray, shares: np.ndarray, limit: float) -> float:
    """Return the area below the overlap up to a false positive rate, divided by it."""
    false, overlap = exact_pro(scores, labels, shares)
    inside = false <= limit
    x = np.append(false[inside], limit)
    y = np.append(overlap[inside], np.interp(limit, false, overlap))
    return float(np.trapezoid(y, x) / limit)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", required=True, help="python with adeval and anomalib")
    options = parser.parse_args()
    cases = {name: make_case(name) for name in CASES}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.npz"
        arrays = {f"{name}/maps": maps for name, (maps, _) in cases.items()}
        np.savez(file, **arrays, **{f"{name}/masks": masks for name, (_, masks) in cases.items()})
        words = [options.peers, str(HERE / "metrics_peer.py"), str(file)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the others failed:\n{done.stderr[-2000:]}")
    report = json.loads(done.stdout.splitlines()[-1])
    for name, case in cases.items():
        found, true = ours(*case), exact(*case)
        report["cases"][name] |= {"ours": found, "exact": true}
        for figure, value in true.items():
            if abs(found[figure][0] - value) > found[figure][1] + 1e-9:
                sys.exit(f"{figure} of {name} is beyond its bound: {found[figure]}, exact {value}")
    text = json.dumps(report, indent=1)
    (HERE / "results/metrics_beside.json").write_text(text + "\n")
    main_job.write_page()
    print(text)


if __name__ == "__main__":
    main()
