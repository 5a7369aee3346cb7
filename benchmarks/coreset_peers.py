"""Our coreset against other implementations, in one run: `make bench-peers`.

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
from goldensample.methods.bank import open_source
from goldensample.records import Features, silent
from goldensample.runners import local_runner

HERE = Path(__file__).parent
ROWS, PARTIAL_PICKS = 16_385, 250
SQUARE = Preparation((256, 256), "stretch", (224, 224))


def bottle_patches(shared: Path) -> np.ndarray:
    """Return the patches, (163856, 1024) float16."""
    weights = shared / "weights/resnet18_imagenet_layer1-3.safetensors"
    backbone = open_backbone("timm:resnet18", weights=weights)
    pictures = read_images(shared / "data/mvtec_ad/bottle/train/good")

    def features(first: int) -> Features:
        return extract([as_picture(pictures[first], first)], SQUARE, backbone)[0]

    batches = [features(first) for first in range(len(pictures))]
    source = open_source(PatchCore(depth=1024), batches, silent, local_runner)
    return np.concatenate([half for half, _ in source.patches(range(len(batches)))])


def timed(
    python: str, implementation: str, path: Path, picks: int, depth: int = 128
) -> dict[str, object]:
    """Run one implementation in a separate process."""
    command = [
        python,
        str(HERE / "coreset_peer.py"),
        implementation,
        str(path),
        str(ROWS),
        str(picks),
    ]
    process = subprocess.run([*command, str(depth)], capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(f"{implementation} failed:\n{process.stderr[-2000:]}")
    result = json.loads(process.stdout.splitlines()[-1])
    print(f"{implementation} at depth {result['depth']}: {result['seconds']:.1f} s "
          f"({result['made']:,} picks made)", flush=True)  # fmt: skip
    return result


def main() -> None:
    """Time all implementations and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--peers", required=True, help="python of an environment with anomalib")
    options = parser.parse_args()
    path = Path("runs") / "patches.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, bottle_patches(options.shared))
    our_python, peers_python = sys.executable, options.peers
    runs = [timed(our_python, "ours", path, ROWS)]
    runs.append(timed(peers_python, "authors", path, PARTIAL_PICKS))
    runs.append(timed(our_python, "ours", path, ROWS))
    runs.append(timed(peers_python, "anomalib", path, PARTIAL_PICKS))
    runs.append(timed(our_python, "ours", path, ROWS))
    anomalib_depth = int(runs[3]["depth"])
    runs += [
        timed(our_python, "ours", path, ROWS, anomalib_depth),
        timed(peers_python, "authors", path, PARTIAL_PICKS, anomalib_depth),
    ]
    runs.append(timed(our_python, "loop", path, ROWS))
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
        "anomalib_depth": anomalib_depth,
        "authors_at_that_depth": runs[6]["seconds"] / runs[5]["seconds"],
        "anomalib_at_its_depth": runs[3]["seconds"] / runs[5]["seconds"],
    }
    (HERE / "results/coreset_peers.json").write_text(
        json.dumps({"ratios": ratios, "runs": runs}, indent=1) + "\n"
    )
    print(json.dumps(ratios, indent=1))


if __name__ == "__main__":
    main()
