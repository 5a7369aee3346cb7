"""Main benchmark: accuracy on the available data sets, and the coreset against the plain loop.

Every run leaves a raw file in benchmarks/results with each picture's score; the table is a view.
Run it with nothing else on the machine: `make bench`, or `make bench SHARED=DIR`.
"""

import argparse
import json
import os
import platform
import sys
from pathlib import Path
from time import perf_counter

import controllers_table
import metrics_table
import numpy as np
from coreset_peer import pick_by_loop

from goldensample import PatchCore, Preparation, fit, load, open_backbone, read_images, save
from goldensample.backbones.network import Backbone
from goldensample.coreset import greedy, projection
from goldensample.datasets import labelled, read_dataset
from goldensample.evaluation.evaluate import Tally

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from references import greedy_loop

RESULTS = Path(__file__).parent / "results"
PAPER_SQUARE = Preparation((256, 256), "stretch", (224, 224))
SETS = {
    "bottle": ("mvtec_ad/bottle", 0.1),
    "magnetic_tile": ("magnetic_tile", 0.02),
    "hazelnut": ("mvtec_ad_small/hazelnut", 0.1),
    "transistor": ("mvtec_ad_small/transistor", 0.1),
}


def run(
    name: str, root: Path, share: float, backbone: Backbone, square: bool, seed: int = 0
) -> dict[str, object]:
    """Fit, save, load and evaluate; return the figures and every picture's score."""
    start = perf_counter()
    pictures = read_images(root / "train/good")
    read_s = perf_counter() - start
    fitted = fit(
        pictures,
        backbone=backbone,
        method=PatchCore(coreset=share, seed=seed),
        preparation=PAPER_SQUARE if square else None,
        false_alarms=None,
    )
    fit_s = perf_counter() - start
    file = RESULTS / "last.golden"
    save(fitted, file)
    size, inspector = file.stat().st_size, load(file)
    file.unlink()
    tally, scores = Tally(), []
    truths = list(labelled(read_dataset(root), None))
    start = perf_counter()
    for truth, inspection in zip(
        truths, inspector.inspect_many(t.picture for t in truths), strict=True
    ):
        tally.add(inspection, truth.defect, truth.mask, truth.kind)
        scores.append([truth.picture.name, truth.kind, inspection.score])
    inspect_s = (perf_counter() - start) / len(truths)
    return {
        "data": name,
        "network": backbone.network.name,
        "network_sha256": backbone.network.source_sha256,
        "preparation": "256x256 stretched, crop 224" if square else "default",
        "coreset": share,
        "seed": seed,
        "bank": inspector.detector.bank.shape,
        **tally.result().as_json(),
        "read_s": read_s,
        "fit_s": fit_s,
        "inspect_s_per_decoded_picture": inspect_s,
        "file_bytes": size,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "scores": scores,
    }


def coreset_against_loop(patches: int = 40_000, rows: int = 4_000) -> dict[str, object]:
    """Time our coreset and the loop on the same generated points (clusters in 128 dimensions)."""
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (200, 128))
    points = centres[rng.integers(0, 200, patches)] + rng.normal(0, 0.4, (patches, 128))
    points = points.astype(np.float32)
    start = perf_counter()
    ours = greedy.greedy(points, rows).picks
    ours_s = perf_counter() - start
    start = perf_counter()
    loop = loop_float32(points, rows)
    loop_s = perf_counter() - start
    integer_points, _ = projection.to_integers(points)
    return {
        "patches": patches,
        "rows": rows,
        "ours_s": ours_s,
        "loop_s": loop_s,
        "times_faster": loop_s / ours_s,
        "first_500_picks_equal_the_reference": ours[:500].tolist()
        == greedy_loop(integer_points, 500),
        "all_picks_equal_the_loop": ours.tolist() == loop,
    }


def loop_float32(points: np.ndarray, rows: int) -> list[int]:
    """Return the picks of the plain loop in float32."""
    integer_points, _ = projection.to_integers(points)
    return pick_by_loop(integer_points, rows)


PAGE = Path(__file__).parents[1] / "docs" / "results.md"
HEAD = """# Results

Made by `make bench` from the raw files in `benchmarks/results` (each with every picture's score);
do not edit. Nothing is held out of the bank. "224" is 256×256 stretched, then a centre crop of 224,
with pixel figures on the crop; else the default preparation, with pixel figures on the whole.
Settings were not chosen on these pictures; each look at them is in `training/LOG.md`. The built-in
network's rows are of a processor with AVX-512; ResNet-18's are older, of one without.

| data | network | seed | bank | image AUROC | pixel AUROC | PRO | fit, s | ms a decoded picture |
|---|---|---|---|---|---|---|---|---|
"""


def write_page() -> None:
    """Write docs/results.md from the raw files."""
    rows = []
    for path in sorted(RESULTS.glob("*-*.json")):
        run = json.loads(path.read_text())
        network = run["network"] + (" 224" if run["preparation"] != "default" else "")
        bank = "×".join(map(str, run["bank"]))
        figures = " | ".join(f"{run[key]:.4f}" for key in ("image_auroc", "pixel_auroc", "pro"))
        ms = run["inspect_s_per_decoded_picture"] * 1000
        rows.append(
            f"| {run['data']} | {network} | {run['seed']} | {bank} | {figures} | "
            f"{run['fit_s']:.1f} | {ms:.0f} |"
        )
    coreset = json.loads((RESULTS / "coreset.json").read_text())
    machine = json.loads(path.read_text())["machine"]
    rows.append(
        f"\nMachine: {machine}. Coreset of {coreset['patches']:,} × 128 made points to "
        f"{coreset['rows']:,} rows: {coreset['times_faster']:.1f} times as fast as the plain loop "
        f"in float32 in the same run ({coreset['ours_s']:.2f} s against {coreset['loop_s']:.2f} "
        f"s), picks equal: "
        f"{coreset['all_picks_equal_the_loop']}."
    )
    if (beside := RESULTS / "metrics_beside.json").is_file():
        rows += metrics_table.section(json.loads(beside.read_text()))
    if (controllers := RESULTS / "controllers_load.json").is_file():
        rows += controllers_table.section(json.loads(controllers.read_text()))
    PAGE.write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")


def main() -> None:
    """Run what was asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", choices=SETS, action="append")
    parser.add_argument("--builtin", action="store_true", help="the built-in network alone")
    shared = (options := parser.parse_args()).shared
    RESULTS.mkdir(exist_ok=True)
    coreset = coreset_against_loop()
    (RESULTS / "coreset.json").write_text(json.dumps(coreset, indent=1) + "\n")
    print(f"coreset: {coreset['times_faster']:.1f} times the loop's speed, the same picks: "
          f"{coreset['all_picks_equal_the_loop']}")  # fmt: skip
    weights = shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    if not weights.is_file():
        sys.exit(f"the data sets are not at {shared}: name their folder with --shared")
    resnet18 = open_backbone("timm:resnet18", weights=weights)
    print("data, network, bank, image AUROC, pixel AUROC, PRO, fit s, ms a decoded picture")
    builtin = open_backbone()
    jobs = [
        (name, backbone, square, 0)
        for name in options.only or SETS
        for backbone, square in (
            (resnet18, True),
            (resnet18, False),
            (builtin, True),
            (builtin, False),
        )
    ]
    if "magnetic_tile" in (options.only or SETS):  # how much hangs on the random projection
        jobs += [("magnetic_tile", resnet18, True, seed) for seed in (1, 2)]
    for name, backbone, square, seed in jobs:
        if options.builtin and backbone is resnet18:
            continue
        folder, share = SETS[name]
        result = run(name, shared / "data" / folder, share, backbone, square, seed)
        label = backbone.network.name.replace(":", "_") + ("_224" if square else "")
        label += f"_seed{seed}" if seed else ""
        text = json.dumps(result) + "\n"
        (RESULTS / f"{name}-{label}.json").write_text(text)
        bank = "x".join(map(str, result["bank"]))
        print(f"{name:14} {label:20} {bank:14} {result['image_auroc']:.4f}  "
              f"{result['pixel_auroc']:.4f}  {result['pro']:.4f}  {result['fit_s']:5.1f}  "
              f"{result['inspect_s_per_decoded_picture'] * 1000:.1f}", flush=True)  # fmt: skip
    write_page()


if __name__ == "__main__":
    main()
