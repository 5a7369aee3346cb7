"""Time of one inspection, ours and other implementations: `make bench-inspect`.

The banks are greedy coresets of the real pictures of bottle: of wide_resnet50_2 with random
weights, pooled to 1024 values, of ResNet-18 with trained ones, 384 values as in anomalib and pooled
to 1024, and of a trained ResNet-50 v2, pooled to 1024. (The peers run timm's resnetv2_50 for that
one, which has the same convolutions.) Every way is a process of its own, one after the other, with
all cores, ours before and after the others; the less of both counts. The load of the machine is
written down: with anything else running the figures say little.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from resnet50_v2 import write_graph

from goldensample import PatchCore, Preparation, fit, open_backbone, read_images, save
from goldensample.backbones.network import Backbone

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))


def run_peer(python: str, arguments: list[str]) -> dict[str, float]:
    """Run one implementation and return its milliseconds."""
    command = [python, str(HERE / "inspect_peer.py"), *arguments]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    times: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return times


def open_networks(weights: Path, graph: Path) -> list[tuple[str, str, Backbone, int]]:
    """Return label, timm's name, network and depth of each; the graph is written."""
    write_graph(weights / "resnet50v2_imagenet_stage1-3_fp16.safetensors", graph)
    trained = str(weights / "resnet18_imagenet_layer1-3.safetensors")
    resnet18 = open_backbone("timm:resnet18", weights=trained)
    wide = open_backbone("timm:wide_resnet50_2", weights="random")
    return [
        ("wide_resnet50_2", "wide_resnet50_2", wide, 1024),
        ("resnet18", "resnet18", resnet18, 0),
        ("resnet18 pooled to 1024", "resnet18", resnet18, 1024),
        ("resnet50_v2", "resnetv2_50", open_backbone(f"onnx:{graph}"), 1024),
    ]


def main() -> None:
    """Fit, run every implementation on both banks, print ratios and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--peers", required=True, help="Python of the environment with anomalib")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_638, 16_385])
    options = parser.parse_args()
    root = options.shared / "data/mvtec_ad/bottle"
    test_pixels = read_images(root / "test/broken_large")[0].pixels
    canvas, _ = SQUARE.apply(test_pixels)
    banks: dict[str, dict[str, float]] = {}
    runs = {"threads": os.cpu_count(), "processor": platform.processor(), "banks": banks}
    with tempfile.TemporaryDirectory() as directory:
        picture = Path(directory) / "picture.npy"
        np.save(picture, canvas[None] / 255)
        networks = open_networks(options.shared / "weights", Path(directory) / "resnet50_v2.onnx")
        for (label, name, network, depth), rows in product(networks, options.rows):
            file = Path(directory) / "inspector.golden"
            method = PatchCore(depth=depth, coreset=rows)
            inspector = fit(
                read_images(root / "train/good"),
                backbone=network,
                method=method,
                preparation=SQUARE,
                false_alarms=None,
                precision="fp32",
            )
            save(inspector, file)
            times: dict[str, float] = {}
            for implementation, python in (
                ("ours", sys.executable),
                ("authors", sys.executable),
                ("anomalib", options.peers),
                ("ours", sys.executable),
            ):
                arguments = [implementation, str(file), str(picture), str(rows), name]
                for way, value in run_peer(python, arguments).items():
                    times[way] = min(value, times.get(way, value))
            times["load"] = os.getloadavg()[0]
            banks[f"{label}, {rows}"] = times
            print(f"{label}, bank of {rows:,} rows")
            for way, value in times.items():
                is_time = way not in ("ours, products left", "load")
                ratio = f"  {value / times['ours fp32']:.2f} x ours" if is_time else ""
                print(f"  {way:40}{value:9.2f}{ratio}", flush=True)
            (RESULTS / "inspect_peers.json").write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
