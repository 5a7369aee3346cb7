"""CAVGA with and without labelled defects: `python benchmarks/labelled_defects.py`.

Of each type of bottle's defects the first two by name are given to the fit and left out of the
test; both forms are trained equally long, with seed 0, and tested on the same pictures. Leaves
results/labelled_defects.json: the figures, the test's scores, and the losses of every epoch.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from goldensample.artifact.store import save
from goldensample.backbones.openvino import OpenVINOBackbone
from goldensample.datasets import Dataset, labelled, read_category
from goldensample.evaluation.evaluate import Tally
from goldensample.fitting.fit import fit
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import read_images
from goldensample.inspection.inspector import Inspector
from goldensample.methods.trained.cavga import CAVGA
from goldensample.preparation.preparation import Preparation
from goldensample.storage.atomic import write_atomic

RESULTS = Path(__file__).parent / "results/labelled_defects.json"
CATEGORY = "data/mvtec_ad/bottle"
GIVEN = 2
"""Pictures of each type of defect that are given to the fit."""
PREPARATION = Preparation((256, 256), "stretch", (256, 256))
"""That of the suite `trained`."""


def split(data: Dataset) -> tuple[list[Path], Dataset]:
    """Return the defects that are given, and the data without them."""
    types = sorted({item.defect_type for item in data.test if item.defect})
    given = {
        item.path
        for kind in types
        for item in sorted(
            (one for one in data.test if one.defect and one.defect_type == kind),
            key=lambda one: one.name,
        )[:GIVEN]
    }
    rest = tuple(item for item in data.test if item.path not in given)
    return sorted(given), replace(data, test=rest)


def test(inspector: Inspector, data: Dataset) -> dict[str, Any]:
    """Return the figures on the test pictures, and the score of each."""
    tally, scores = Tally(), {}
    for truth in labelled(data, None):
        inspection = inspector.inspect(truth.picture)
        tally.add(inspection, truth.defect, truth.mask, truth.kind)
        scores[truth.picture.name] = round(float(inspection.score), 6)
    return {**tally.result().as_json(), "scores": scores}


def main() -> None:
    """Fit both forms, with defects first, and keep what they give."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path(__file__).parents[2] / "shared")
    parser.add_argument("--budget", default="quick", choices=["quick", "paper"])
    parser.add_argument("--forms", nargs="*", default=["R_w", "R_u"], choices=["R_w", "R_u"])
    parser.add_argument("--files", type=Path, help="folder to keep the fitted files in")
    options = parser.parse_args()
    given, data = split(read_category(options.shared / CATEGORY))
    good, defects = read_images(list(data.train)), read_images(given)
    results = json.loads(RESULTS.read_bytes()) if RESULTS.is_file() else {}
    results |= {"budget": options.budget, "given": list(defects.names)}
    for form in options.forms:
        started, processor = perf_counter(), process_time()
        inspector = fit(
            good,
            backbone=OpenVINOBackbone(open_backbone("pixels").network, 1),
            method=CAVGA(budget=options.budget),
            preparation=PREPARATION,
            false_alarms=None,
            defects=defects if form == "R_w" else (),
        )
        seconds = [round(perf_counter() - started), round(process_time() - processor)]
        if options.files:
            save(inspector, options.files / f"{form}.golden")
        losses = inspector.detector.arrays()["losses"].astype(float).round(6).tolist()
        results[form] = {
            "seconds": seconds[0],
            "processor_seconds": seconds[1],
            "facts": inspector.detector.facts(),
            **test(inspector, data),
            "losses": losses,
        }
        write_atomic(RESULTS, json.dumps(results, indent=1).encode())
        figures = {name: results[form][name] for name in ("image_auroc", "pixel_auroc", "pro")}
        print(form, figures, seconds, flush=True)


if __name__ == "__main__":
    main()
