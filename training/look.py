"""A look at the test pictures: `python -m training.look`. Each look is written into LOG.md.

Only for finished networks: nothing may be chosen by what is seen here.
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
class Set:
    """An evaluation set and how its pictures are prepared."""

    folder: str
    resize: int
    crop: int
    share: float


SETS = (
    Set("mvtec_ad_small/hazelnut", 256, 224, 0.1),
    Set("mvtec_ad_small/transistor", 256, 224, 0.1),
    Set("mvtec_ad/bottle", 256, 224, 0.1),
    Set("magnetic_tile", 256, 224, 0.02),
)


def prepared(path: Path, one: Set, mode: str) -> np.ndarray:
    """Return a picture or mask, resized to a square, its middle cut out."""
    how = Image.Resampling.NEAREST if mode == "L" else Image.Resampling.BILINEAR
    picture = Image.open(path).convert(mode).resize((one.resize, one.resize), how)
    low = (one.resize - one.crop) // 2
    return np.asarray(picture.crop((low, low, low + one.crop, low + one.crop)))


def read(paths: list[Path], one: Set) -> Tensor:
    """Return pictures as (n, crop, crop, 3) uint8."""
    return torch.from_numpy(np.stack([prepared(path, one, "RGB") for path in paths]))


def masks(root: Path, paths: list[Path], one: Set) -> np.ndarray:
    """Return (n, crop, crop) bool; empty for good pictures."""
    empty, found = np.zeros((one.crop, one.crop), bool), []
    for path in paths:
        mask = root / "ground_truth" / path.parent.name / f"{path.stem}_mask.png"
        found.append(empty if path.parent.name == "good" else prepared(mask, one, "L") > 127)
    return np.stack(found)


def look(network: scoring.Network, shared: Path, one: Set) -> tuple[float, float, int]:
    """Return image AUROC, pixel AUROC and the inverted (good, bad) pairs of one set."""
    root = shared / "data" / one.folder
    good = scoring.patches(network, read(sorted((root / "train/good").iterdir()), one))
    rows = good.flatten(0, 1).numpy()
    small = projection.project(rows, 64, seed=0)
    bank = torch.from_numpy(rows[greedy.greedy(small, int(len(rows) * one.share)).picks])
    paths = sorted(path for path in (root / "test").rglob("*") if path.is_file())
    scores = scoring.distances(scoring.patches(network, read(paths, one)), bank)
    bad = np.array([path.parent.name != "good" for path in paths])
    top = scores.amax(1).numpy()
    inverted = int((top[bad][:, None] <= top[~bad][None]).sum())
    maps = scoring.heat_maps(scores, one.crop, (one.crop // 8, one.crop // 8))
    pixel = scoring.auroc(maps[:, ::2, ::2], masks(root, paths, one)[:, ::2, ::2])
    return scoring.auroc(top, bad), pixel, inverted


def candidates(shared: Path, files: list[Path]) -> Iterator[tuple[str, scoring.Network]]:
    """Give ResNet-18 first, then each file in float32 and in int8."""
    yield "resnet18", networks.resnet18_network(shared / "weights")
    for path in files:
        yield path.name, networks.onnx_network(path)
        yield f"{path.name} int8", networks.int8_network(path)


def main() -> None:
    """Print a line for each set and network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--sets", nargs="*", default=[one.folder for one in SETS])
    chosen = parser.parse_args()
    for one in (one for one in SETS if one.folder in chosen.sets):
        for name, network in candidates(chosen.shared, chosen.files):
            image, pixel, inverted = look(network, chosen.shared, one)
            print(f"{one.folder} {name} image {image:.4f} pixel {pixel:.4f} inverted {inverted}")


if __name__ == "__main__":
    main()
