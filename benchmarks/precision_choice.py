"""What `--precision auto` decides, and whether that is right: `benchmarks/precision_choice.py`.

Built-in network at the defaults (magnetic_tile with a 2 % coreset). For int8, and for forms that
are broken or as good as exact: the limit's shift in standard errors, the upper 95 % bound of the
drop of AUROC on pasted defects, and what the rule before decided (rank correlation of held-out good
scores at least 0.95, limit moved by at most 5 %). For the report only: AUROC on real pictures.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from scipy.stats import spearmanr

from goldensample import PatchCore, evaluate, fit, load, open_backbone, read_images, save
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.fitting.calibrate import fold_detectors
from goldensample.fitting.precision import compare_precision
from goldensample.fitting.precision_check import compare_defects
from goldensample.inspection.inspector import Inspector
from goldensample.records import Pictures, silent

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from changed_network import KINDS, changed_network

RESULTS = Path(__file__).parent / "results"
SETS = ("mvtec_ad_small/hazelnut", "mvtec_ad_small/transistor", "mvtec_ad/bottle", "magnetic_tile")


def main() -> None:
    """Fit, compare, print and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--keep", type=Path, help="folder of fitted files, reused if there")
    given = parser.parse_args()
    figures: dict[str, dict[str, Any]] = {}
    for folder in SETS:
        good = read_images(given.shared / "data" / folder / "train/good").distinct()
        inspector = fitted(folder, good, given.keep)
        for form in ("int8", *KINDS):
            result = compare(inspector, good, form)
            if form == "int8":
                result |= real_auroc(inspector, given.shared / "data" / folder)
            figures[f"{folder}, {form}"] = result
            print(folder, form, result, flush=True)
            text = json.dumps(figures, indent=1) + "\n"
            (RESULTS / "precision_choice.json").write_text(text)


def fitted(folder: str, good: Pictures, keep: Path | None) -> Inspector:
    """Return the inspector of a set in fp32, with limits in fp32."""
    file = keep / f"{Path(folder).name}.golden" if keep else None
    if file and file.is_file():
        inspector = load(file)
        backbone = OpenVINOBackbone(inspector.backbone.network)
        assert set(inspector.thresholds) == {"fp32"}
        return replace(inspector, backbone=backbone)
    method = PatchCore(coreset=0.02) if folder == "magnetic_tile" else PatchCore()
    inspector = fit(good, backbone=open_backbone("builtin"), method=method)
    if file:
        save(inspector, file)
    return inspector


def compare(inspector: Inspector, good: Pictures, form: str) -> dict[str, Any]:
    """Return what the rule measures and decides on a form, and what the rule before did."""
    network = inspector.backbone.network
    network = network if form == "int8" else changed_network(network, form)
    inspector = replace(inspector, backbone=OpenVINOBackbone(network))
    other, check = compare_precision(inspector, good, "int8")
    detectors = fold_detectors(other, len(good))
    defects = compare_defects((inspector, other), good, detectors, check.shift, silent)
    scores = [other.calibrations[name].scores for name in ("fp32", "int8")]
    limits = [other.thresholds[name].score for name in ("fp32", "int8")]
    ranks, moved = float(spearmanr(*scores).statistic), limits[1] / limits[0] - 1
    return {
        "shift_in_standard_errors": check.shift,
        "auroc_drop_bound": defects.drop,
        "found_fp32_and_form": defects.found,
        "defects": defects.defects,
        "accepted": check.passes,
        "rank_correlation": ranks,
        "accepted_before": ranks >= 0.95 and abs(moved) <= 0.05,
    }


def real_auroc(inspector: Inspector, folder: Path) -> dict[str, float]:
    """Return image and pixel AUROC on the real test pictures, in fp32 and in int8."""
    network, found = inspector.backbone.network, {}
    for precision in ("fp32", "int8"):
        backbone = OpenVINOBackbone(network, precision=precision)
        evaluation = evaluate(replace(inspector, backbone=backbone), folder)
        found[f"image_auroc_{precision}"] = evaluation.image_auroc
        found[f"pixel_auroc_{precision}"] = evaluation.pixel_auroc
    return found


if __name__ == "__main__":
    main()
