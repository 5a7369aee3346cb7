"""Time the pixel figures against sorting all pixels: `python benchmarks/metrics.py`.

Both ways get the same made maps, smooth ones with noise, and masks, as many and as large as the
test pictures of MVTec AD's bottle. The reference keeps every map, sorts all pixels once and takes
each different score as a threshold (scikit-learn for AUROC and average precision). Times are the
processor's: run it with OMP_NUM_THREADS=1 and OPENBLAS_NUM_THREADS=1 for those of one core.
"""

import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
from scipy import ndimage
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from goldensample.evaluation.pixel_metrics import BINS, PixelTally

RESULTS = Path(__file__).parent / "results"
MAPS, SIDE, GOOD = 83, 900, 20
LIMITS = (0.3, 0.05)
Maps = list[tuple[np.ndarray, np.ndarray]]


def generate_map(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a map (SIDE, SIDE) float32 and its mask; the first GOOD have no defect."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((SIDE, SIDE), bool)
    for _ in range(3 if seed >= GOOD else 0):
        (top, left), (height, width) = rng.integers(0, SIDE - 100, 2), rng.integers(10, 100, 2)
        mask[top : top + height, left : left + width] = True
    smooth = ndimage.zoom(rng.random((30, 30)), SIDE / 30, order=1)
    values = smooth + 0.4 * mask + 0.05 * rng.random((SIDE, SIDE))
    return values.astype(np.float32), mask


def binned_metrics(maps: Maps) -> dict[str, tuple[float, float]]:
    """Return each figure and its bound, with a group of pictures for each type."""
    tally = PixelTally()
    for values, mask in maps:
        tally.add(values, mask, "defect" if mask.any() else None)
    curve = tally.curve()
    metrics = {
        "auroc": curve.auroc(),
        "average_precision": curve.average_precision(),
        "best_f1": curve.best_f1(),
        **{f"pro_{limit}": curve.pro(limit) for limit in LIMITS},
    }
    return {name: (figure.value, figure.error) for name, figure in metrics.items()}


def exact_metrics(maps: Maps) -> dict[str, float]:
    """Return the same figures from all pixels, sorted."""
    scores = np.concatenate([values.ravel() for values, _ in maps])
    labels = np.concatenate([mask.ravel() for _, mask in maps])
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    metrics = {
        "auroc": float(roc_auc_score(labels, scores)),
        "average_precision": float(average_precision_score(labels, scores)),
        "best_f1": float(f1.max()),
    }
    false, overlap = exact_pro(
        scores, labels, np.concatenate([region_weights(mask) for _, mask in maps])
    )
    for limit in LIMITS:
        last = int(np.searchsorted(false, limit, side="right"))
        x = np.append(false[:last], limit)
        y = np.append(overlap[:last], np.interp(limit, false, overlap))
        metrics[f"pro_{limit}"] = float(np.trapezoid(y, x) / limit)
    return metrics


def region_weights(mask: np.ndarray) -> np.ndarray:
    """Return, for each pixel, 1 / the size of its region; 0 outside."""
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3), int))
    weights = 1 / np.bincount(labels.ravel())
    weights[0] = 0
    return weights[labels].ravel()


def exact_pro(
    scores: np.ndarray, labels: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return false positive rate and overlap from each different score on."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    false, overlap = np.cumsum(~labels[order])[ends], np.cumsum(shares[order])[ends]
    return np.append(0.0, false / false[-1]), np.append(0.0, overlap / overlap[-1])


def timed(function: Callable[[Maps], Any], maps: Maps) -> tuple[float, Any]:
    """Return the processor's seconds, and the result."""
    start = process_time()
    result = function(maps)
    return process_time() - start, result


def main() -> None:
    """Compare, print and write."""
    maps = [generate_map(seed) for seed in range(MAPS)]
    ours_s, ours = min((timed(binned_metrics, maps) for _ in range(3)), key=lambda run: run[0])
    sorting_s, exact = timed(exact_metrics, maps)
    figures = {
        name: {
            "value": value,
            "exact": exact[name],
            "difference": abs(value - exact[name]),
            "bound": bound,
        }
        for name, (value, bound) in ours.items()
    }
    report = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "threads": os.environ.get("OPENBLAS_NUM_THREADS", "all"),
        "maps": [MAPS, SIDE, SIDE],
        "bins": BINS,
        "ours_s": ours_s,
        "sorting_s": sorting_s,
        "times_faster": sorting_s / ours_s,
        "figures": figures,
    }
    text = json.dumps(report, indent=1)
    print(text)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "metrics.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
