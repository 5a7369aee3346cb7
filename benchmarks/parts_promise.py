"""False alarms of parts of three views against the rate asked for.

Run `python benchmarks/parts_promise.py`. The 952 good pictures of magnetic_tile are split anew 20
times (seeds 0 to 19) into three views of 317; three different tiles make one part. Each view is
fitted on 118 of its own, 59 of them kept out; of the 199 parts that are left, 59 calibrate the part
and 140 are tested. The rate of tested parts called defects is compared with the rate asked for, by
whole parts and by the union bound of the views' p-values; so is the share of defective parts found,
where one view of each tested part is a tile with a defect. Features as in `promise.py`, and
everything after them as in the product.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from promise import INDEX_SIZE, RESULTS, LookupBackbone, compute_features, encode_index

from goldensample import PatchCore, open_backbone
from goldensample.fitting.fit import fit
from goldensample.inspection.inspector import Inspector
from goldensample.parts.calibrate import compare
from goldensample.parts.inspector import PartInspector
from goldensample.parts.manifest import PartManifest, View
from goldensample.records import Inspection

VIEWS, FITTED, CALIBRATED = 3, 118, 59
RATES = (0.05, 0.1)
GOOD = ("train/good", "test/good")
DEFECTS = ("blowhole", "break", "crack", "fray", "uneven")


def fit_view(backbone: LookupBackbone, indices: np.ndarray) -> Inspector:
    """Fit one view; half of its pictures are kept out."""
    return fit(
        [encode_index(index) for index in indices],
        backbone=backbone,
        method=PatchCore(coreset=0.2, sigma_px=1.0, composition="off"),
        preparation=INDEX_SIZE,
        false_alarms=min(RATES) / VIEWS,
        calibration="split",
    )


def trial(backbone: LookupBackbone, good: int, seed: int) -> dict:
    """Make parts, and count those that each rule calls defects at each rate."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(good)[: VIEWS * (good // VIEWS)].reshape(VIEWS, -1)
    odd = rng.permutation(np.arange(good, len(backbone._maps[0])))
    views = tuple(View(f"view{k}", "", "") for k in range(VIEWS))
    inspectors = tuple(fit_view(backbone, group[:FITTED]) for group in groups)
    part = PartInspector(PartManifest(views, min(RATES)), inspectors)
    inspected = [
        list(inspector.inspect_many(map(encode_index, group[FITTED:])))
        for inspector, group in zip(inspectors, groups, strict=True)
    ]
    parts = [list(row) for row in zip(*inspected, strict=True)]
    scores = [[view.score for view in one] for one in parts[:CALIBRATED]]
    serials = [str(number) for number in range(CALIBRATED)]
    calibration = compare(part, serials, scores)
    tested = parts[CALIBRATED:]
    chosen = odd[: len(tested)]
    with_defect = list(map(list, tested))
    for k, inspector in enumerate(inspectors):
        results = inspector.inspect_many(map(encode_index, chosen[k::VIEWS]))
        for number, result in zip(range(k, len(tested), VIEWS), results, strict=True):
            with_defect[number][k] = result
    result: dict = {"seed": seed, "tested": len(tested), "rates": {}}
    for rate in RATES:
        rules = {"whole parts": calibration, "union of views": None}
        result["rates"][str(rate)] = {
            name: {
                "alarms": count_defects(part, PartManifest(views, rate, rule), tested),
                "found": count_defects(part, PartManifest(views, rate, rule), with_defect),
            }
            for name, rule in rules.items()
        }
    return result


def count_defects(
    part: PartInspector, manifest: PartManifest, parts: list[list[Inspection]]
) -> int:
    """Return how many parts are called defects."""
    judging = replace(part, manifest=manifest)
    results = (
        judging.judge("", dict(zip(manifest.names, ((None, view) for view in one), strict=True)))
        for one in parts
    )
    return sum(result.verdict == "defect" for result in results)


def main() -> None:
    """Run all trials and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--output", type=Path, default=RESULTS / "parts_promise.json")
    options = parser.parse_args()
    root, network = options.shared / "data/magnetic_tile", open_backbone()
    good = compute_features(network, [root / name for name in GOOD])
    odd = compute_features(network, [root / "test" / name for name in DEFECTS])
    maps = tuple(np.concatenate(pair) for pair in zip(good, odd, strict=True))
    backbone, trials = LookupBackbone(network, maps), []
    for seed in range(options.seeds):
        trials.append(trial(backbone, len(good[0]), seed))
        print(json.dumps(trials[-1]), flush=True)
    rows = []
    for rate in RATES:
        for rule in ("whole parts", "union of views"):
            counts = [one["rates"][str(rate)][rule] for one in trials]
            tested = trials[0]["tested"]
            alarms = np.array([count["alarms"] for count in counts]) / tested
            found = np.array([count["found"] for count in counts]) / tested
            rows.append(
                {
                    "asked": rate,
                    "rule": rule,
                    "mean": float(alarms.mean()),
                    "error": float(alarms.std(ddof=1) / len(alarms) ** 0.5),
                    "found": float(found.mean()),
                    "found_error": float(found.std(ddof=1) / len(found) ** 0.5),
                }
            )
            print(rows[-1], flush=True)
    options.output.write_text(json.dumps({"rows": rows, "trials": trials}, indent=1) + "\n")


if __name__ == "__main__":
    main()
