"""The coreset against its rivals, in one run: `make bench-peers`.

163,856 patches of depth 1024 (bottle's good pictures, 224 px, ResNet-18 pooled as in the authors'
code) to 16,385 rows. Ours and the plain loop make every pick; the others make some picks, each of
which costs the same, and are extrapolated. Raw figures go to benchmarks/results.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np

from goldensample import PatchCore, Preparation, open_backbone, read_images
from goldensample.features.extraction import as_picture, extract
from goldensample.methods.bank import Patches
from goldensample.records import Features, silent

HERE = Path(__file__).parent
ROWS, SOME = 16_385, 250
SQUARE = Preparation((256, 256), "stretch", (224, 224))


def bottle_patches(shared: Path) -> np.ndarray:
    """Return the patches, (163856, 1024) float16."""
    weights = shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    backbone = open_backbone("timm:resnet18", weights=weights)
    pictures = read_images(shared / "data/mvtec_ad/bottle/train/good")

    def features(first: int) -> Features:
        return extract([as_picture(pictures[first], first)], SQUARE, backbone)[0]

    made = [features(first) for first in range(len(pictures))]
    patches = Patches(made, PatchCore(depth=1024).patches_of, len(made), silent)
    return np.concatenate([half for half, _ in patches.read()])


def timed(python: str, who: str, path: Path, picks: int, depth: int = 128) -> dict[str, object]:
    """Run one rival in a process of its own."""
    command = [python, str(HERE / "coreset_peer.py"), who, str(path), str(ROWS), str(picks)]
    done = subprocess.run([*command, str(depth)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{who} failed:\n{done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"{who} at depth {found['depth']}: {found['seconds']:.1f} s "
          f"({found['made']:,} picks made)", flush=True)  # fmt: skip
    return found


def main() -> None:
    """Time everybody and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--peers", required=True, help="python of an environment with anomalib")
    chosen = parser.parse_args()
    path = Path("runs") / "patches.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, bottle_patches(chosen.shared))
    own, peers = sys.executable, chosen.peers
    runs = [timed(own, "ours", path, ROWS)]
    runs.append(timed(peers, "authors", path, SOME))
    runs.append(timed(own, "ours", path, ROWS))
    runs.append(timed(peers, "anomalib", path, SOME))
    runs.append(timed(own, "ours", path, ROWS))
    wide = int(runs[3]["depth"])
    runs += [timed(own, "ours", path, ROWS, wide), timed(peers, "authors", path, SOME, wide)]
    runs.append(timed(own, "loop", path, ROWS))
    ours = sorted(float(run["seconds"]) for run in (runs[0], runs[2], runs[4]))[1]
    same = runs[0]["picks"] == runs[7]["picks"]
    for run in runs:
        run["picks"] = run["picks"][:20]
    ratios = {
        "ours_s": ours,
        "picks_equal_the_loop": same,
        "loop": runs[7]["seconds"] / ours,
        "authors": runs[1]["seconds"] / ours,
        "anomalib": runs[3]["seconds"] / ours,
        "anomalib_depth": wide,
        "authors_at_that_depth": runs[6]["seconds"] / runs[5]["seconds"],
        "anomalib_at_its_depth": runs[3]["seconds"] / runs[5]["seconds"],
    }
    (HERE / "results/coreset_peers.json").write_text(
        json.dumps({"ratios": ratios, "runs": runs}, indent=1) + "\n"
    )
    print(json.dumps(ratios, indent=1))


if __name__ == "__main__":
    main()
