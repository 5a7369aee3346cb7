"""One picture, ours beside its peers: `make bench-inspect`.

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


def measured(python: str, words: list[str]) -> dict[str, float]:
    """Run one way and return its milliseconds."""
    command = [python, str(HERE / "inspect_peer.py"), *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Fit, run every way for both banks, print ratios and keep the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--peers", required=True, help="Python of the environment with anomalib")
    parser.add_argument("--rows", type=int, nargs="*", default=[1_638, 16_385])
    chosen = parser.parse_args()
    trained = chosen.shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    root = chosen.shared / "data/mvtec_ad/bottle"
    tested = read_images(root / "test/broken_large")[0].pixels
    canvas, _ = SQUARE.apply(tested)
    banks: dict[str, dict[str, float]] = {}
    runs = {"threads": os.cpu_count(), "processor": platform.processor(), "banks": banks}
    networks = (("wide_resnet50_2", "random", 1024), ("resnet18", str(trained), 0))
    with tempfile.TemporaryDirectory() as place:
        picture = Path(place) / "picture.npy"
        np.save(picture, canvas[None] / 255)
        for (name, weights, depth), rows in product(networks, chosen.rows):
            network = open_backbone(f"timm:{name}", weights=weights)
            file = Path(place) / f"{name}-{rows}.golden"
            method = PatchCore(depth=depth, coreset=rows)
            fitted = fit(
                read_images(root / "train/good"),
                backbone=network,
                method=method,
                preparation=SQUARE,
                false_alarms=None,
                precision="fp32",
            )
            save(fitted, file)
            found: dict[str, float] = {}
            for who, python in (
                ("ours", sys.executable),
                ("authors", sys.executable),
                ("anomalib", chosen.peers),
                ("ours", sys.executable),
            ):
                words = [who, str(file), str(picture), str(rows), name]
                for way, value in measured(python, words).items():
                    found[way] = min(value, found.get(way, value))
            banks[f"{name}, {rows}"] = found
            print(f"{name}, bank of {rows:,} rows")
            for way, value in found.items():
                times = "" if "products" in way else f"  {value / found['ours fp32']:.2f} x ours"
                print(f"  {way:40}{value:9.2f}{times}", flush=True)
            (RESULTS / "inspect_peers.json").write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
