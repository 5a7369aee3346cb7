"""Pixel figures by other people's code, for metrics_beside.py: `python metrics_peer.py CASES.npz`.

Runs in an environment of its own, with adeval and anomalib. Prints one JSON object: by case and by
code the figures, or in words what it said instead of one.
"""

import json
import sys
import warnings
from collections.abc import Callable
from importlib.metadata import version

import numpy as np
import torch
from adeval import EvalAccumulator
from adeval.au_pro import calculate_au_pro
from anomalib.metrics.aupr import _AUPR
from anomalib.metrics.aupro import _AUPRO
from anomalib.metrics.auroc import _AUROC
from anomalib.metrics.f1_score import _F1Max
from sklearn.metrics import average_precision_score, roc_auc_score

Figure = Callable[[np.ndarray, np.ndarray], float]


def adeval(name: str) -> Figure:
    """Return a figure of adeval's accumulator, told the true range, with its usual 1,000 strips."""

    def figure(maps: np.ndarray, masks: np.ndarray) -> float:
        low, high = float(maps.min()), float(maps.max())
        accumulator = EvalAccumulator(low, high, low, high)
        for values, mask in zip(maps, masks, strict=True):
            accumulator.add_anomap(values, mask.astype(np.uint8))
            accumulator.add_image(values.max(), int(mask.any()))
        return float(accumulator.summary()[name])

    return figure


def hundred_thresholds(limit: float) -> Figure:
    """Return PRO of MVTec's published code as adeval ships it, at its usual 100 thresholds."""
    return lambda maps, masks: float(
        calculate_au_pro(list(masks.astype(int)), list(maps), integration_limit=limit)[0]
    )


def anomalib(kind: type, **settings: float) -> Figure:
    """Return a figure of anomalib, given all pictures at once."""

    def figure(maps: np.ndarray, masks: np.ndarray) -> float:
        metric = kind(**settings)
        metric.update(torch.from_numpy(maps), torch.from_numpy(masks.astype(int)))
        return float(metric.compute())

    return figure


def scikit_learn(function: Callable[[np.ndarray, np.ndarray], float]) -> Figure:
    """Return a figure of scikit-learn, on all pixels."""
    return lambda maps, masks: float(function(masks.ravel().astype(int), maps.ravel()))


FIGURES: dict[str, dict[str, Figure]] = {
    "scikit-learn": {
        "AUROC": scikit_learn(roc_auc_score),
        "AP": scikit_learn(average_precision_score),
    },
    "adeval": {
        "AUROC": adeval("p_auroc"),
        "AP": adeval("p_aupr"),
        "PRO to 30 %": adeval("p_aupro"),
    },
    "MVTec's code in adeval": {
        "PRO to 30 %": hundred_thresholds(0.3),
        "PRO to 5 %": hundred_thresholds(0.05),
    },
    "anomalib": {
        "AUROC": anomalib(_AUROC),
        "AP": anomalib(_AUPR),
        "best F1": anomalib(_F1Max),
        "PRO to 30 %": anomalib(_AUPRO, fpr_limit=0.3),
        "PRO to 5 %": anomalib(_AUPRO, fpr_limit=0.05),
    },
}


def answer(figure: Figure, maps: np.ndarray, masks: np.ndarray) -> float | str:
    """Return a figure, or what was said instead."""
    try:
        value = figure(maps, masks)
    except Exception as error:  # every library has its own
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return value if np.isfinite(value) else str(value)


def main() -> None:
    """Measure every case."""
    warnings.simplefilter("ignore")
    with np.load(sys.argv[1]) as arrays:
        cases = {name: arrays[name] for name in arrays.files}
    names = [name.removesuffix("/maps") for name in cases if name.endswith("/maps")]
    found = {
        case: {
            code: {
                name: answer(figure, cases[f"{case}/maps"], cases[f"{case}/masks"])
                for name, figure in figures.items()
            }
            for code, figures in FIGURES.items()
        }
        for case in names
    }
    versions = {name: version(name) for name in ("adeval", "anomalib", "numpy", "scikit-learn")}
    print(json.dumps({"versions": versions, "cases": found}))


if __name__ == "__main__":
    main()
