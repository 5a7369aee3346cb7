"""Time of one inspection, ours and other implementations: `make bench-inspect`.

The banks are greedy coresets of the real pictures of bottle: of wide_resnet50_2 with random
weights, pooled to 1024 values, and of ResNet-18 with trained ones, 384 values as in anomalib. Every
way is a process of its own, one after the other, with all cores. Nothing else may run.
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

from goldensample import PatchCore, Preparation, fit, open_backbone, read_images, save

HERE = Path(__file__).parent
RESULTS = HERE / "results"
SQUARE = Preparation((256, 256), "stretch", (224, 224))


def run_peer(python: str, arguments: list[str]) -> dict[str, float]:
    """Run one implementation and return its milliseconds."""
    command = [python, str(HERE / "inspect_peer.py"), *arguments]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    times: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return times


def main() -> None:
    """Fit, run every implementation on both banks, print ratios and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--peers", required=True, help="Python of the environment with anomalib")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_638, 16_385])
    options = parser.parse_args()
    trained = options.shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    root = options.shared / "data/mvtec_ad/bottle"
    test_pixels = read_images(root / "test/broken_large")[0].pixels
    canvas, _ = SQUARE.apply(test_pixels)
    banks: dict[str, dict[str, float]] = {}
    runs = {"threads": os.cpu_count(), "processor": platform.processor(), "banks": banks}
    networks = (("wide_resnet50_2", "random", 1024), ("resnet18", str(trained), 0))
    with tempfile.TemporaryDirectory() as directory:
        picture = Path(directory) / "picture.npy"
        np.save(picture, canvas[None] / 255)
        for (name, weights, depth), rows in product(networks, options.rows):
            network = open_backbone(f"timm:{name}", weights=weights)
            file = Path(directory) / f"{name}-{rows}.golden"
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
                for label, value in run_peer(python, arguments).items():
                    times[label] = min(value, times.get(label, value))
            banks[f"{name}, {rows}"] = times
            print(f"{name}, bank of {rows:,} rows")
            for label, value in times.items():
                ratio = "" if "products" in label else f"  {value / times['ours fp32']:.2f} x ours"
                print(f"  {label:40}{value:9.2f}{ratio}", flush=True)
            (RESULTS / "inspect_peers.json").write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
