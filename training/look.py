"""Final evaluation on the test pictures: `python -m training.look`. Logged in LOG.md.

Only for finished networks: no choice may depend on these figures.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from goldensample.coreset import greedy, projection
from training import networks, scoring


@dataclass(frozen=True)
class TestSet:
    """A test set and its preparation."""

    folder: str
    resize: int
    crop: int
    share: float


SETS = (
    TestSet("mvtec_ad_small/hazelnut", 256, 224, 0.1),
    TestSet("mvtec_ad_small/transistor", 256, 224, 0.1),
    TestSet("mvtec_ad/bottle", 256, 224, 0.1),
    TestSet("magnetic_tile", 256, 224, 0.02),
)


def prepare(path: Path, test_set: TestSet, mode: str) -> np.ndarray:
    """Return a picture or mask, resized to a square and centre-cropped."""
    resampling = Image.Resampling.NEAREST if mode == "L" else Image.Resampling.BILINEAR
    picture = Image.open(path).convert(mode).resize((test_set.resize, test_set.resize), resampling)
    margin = (test_set.resize - test_set.crop) // 2
    return np.asarray(
        picture.crop((margin, margin, margin + test_set.crop, margin + test_set.crop))
    )


def read_pictures(paths: list[Path], test_set: TestSet) -> Tensor:
    """Return pictures as (n, crop, crop, 3) uint8."""
    return torch.from_numpy(np.stack([prepare(path, test_set, "RGB") for path in paths]))


def masks(root: Path, paths: list[Path], test_set: TestSet) -> np.ndarray:
    """Return (n, crop, crop) bool; empty for good pictures."""
    empty, result = np.zeros((test_set.crop, test_set.crop), bool), []
    for path in paths:
        mask = root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        result.append(empty if path.parent.name == "good" else prepare(mask, test_set, "L") > 127)
    return np.stack(result)


def evaluate_set(
    network: scoring.Network, shared: Path, test_set: TestSet
) -> tuple[float, float, int]:
    """Return image AUROC, pixel AUROC and the inverted (good, bad) pairs of one set."""
    root = shared / "data" / test_set.folder
    good = scoring.patches(
        network, read_pictures(sorted((root / "train/good").iterdir()), test_set)
    )
    rows = good.flatten(0, 1).numpy()
    projected = projection.project(rows, 64, seed=0)
    bank = torch.from_numpy(rows[greedy.greedy(projected, int(len(rows) * test_set.share)).picks])
    paths = sorted(path for path in (root / "test").rglob("*") if path.is_file())
    scores = scoring.distances(scoring.patches(network, read_pictures(paths, test_set)), bank)
    labels = np.array([path.parent.name != "good" for path in paths])
    image_scores = scores.amax(1).numpy()
    inverted = int((image_scores[labels][:, None] <= image_scores[~labels][None]).sum())
    maps = scoring.heat_maps(scores, test_set.crop, (test_set.crop // 8, test_set.crop // 8))
    pixel = scoring.auroc(maps[:, ::2, ::2], masks(root, paths, test_set)[:, ::2, ::2])
    return scoring.auroc(image_scores, labels), pixel, inverted


def candidates(shared: Path, files: list[Path]) -> Iterator[tuple[str, scoring.Network]]:
    """Yield ResNet-18 first, then each file in float32 and in int8."""
    yield "resnet18", networks.resnet18_network(shared / "weights")
    for path in files:
        yield path.name, networks.onnx_network(path)
        yield f"{path.name} int8", networks.int8_network(path)


def main() -> None:
    """Print a line for each set and network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="*", default=[test_set.folder for test_set in SETS])
    options = parser.parse_args()
    for test_set in (test_set for test_set in SETS if test_set.folder in options.sets):
        for name, network in candidates(options.shared, options.files):
            image, pixel, inverted = evaluate_set(network, options.shared, test_set)
            print(
                f"{test_set.folder} {name} image {image:.4f} pixel {pixel:.4f} inverted {inverted}"
            )


if __name__ == "__main__":
    main()
