"""Validation for model selection: good pictures with synthetic defects.

Products are the good *training* pictures of four evaluation sets, held-out photographs and
procedural scenes captured repeatedly with small shifts, rotations and changes of light. No test
picture is read here.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training import networks, procedural, scoring
from training.defects import add_defect

PHOTOGRAPHS = Path("runs/photographs")
SIZE = 256
SET_COUNT, SET_GOOD = 50, 16
COUNT, GOOD, SCENES = 30, 10, 10
DEFECTS_PER_PICTURE = 3
SETS = ("mvtec_ad/bottle", "mvtec_ad_small/hazelnut", "mvtec_ad_small/transistor", "magnetic_tile")


@dataclass(frozen=True)
class Product:
    """Pictures of one product: for the fit, good test pictures, and defective ones with masks."""

    name: str
    fit: Tensor
    good: Tensor
    defective: Tensor
    masks: np.ndarray


def photograph_paths(folder: Path, held_out: bool) -> list[Path]:
    """Return the photographs that are held out, or all the others.

    Args:
        folder: with `train` and `held_out`, as `training.photographs` writes it; or with pictures
            only, of which every twentieth is held out.
        held_out: which.
    """
    if (folder / "held_out").is_dir():
        return sorted((folder / ("held_out" if held_out else "train")).glob("*.jpg"))
    paths = sorted(folder.glob("*.jpg"))
    return [path for k, path in enumerate(paths) if (k % 20 == 7) == held_out]


def simulate_captures(
    rng: np.random.Generator, picture: Image.Image, count: int
) -> list[np.ndarray]:
    """Return repeated captures of a scene: slightly shifted, rotated, lighter or darker, noisy."""
    width, height, captures = picture.width, picture.height, []
    side = 0.8 * min(width, height)
    for _ in range(count):
        rotated = picture.rotate(rng.uniform(-4, 4), Image.Resampling.BICUBIC)
        left, top = [
            (length - side) / 2 + rng.uniform(-0.05, 0.05) * side for length in (width, height)
        ]
        box = (left, top, left + side, top + side)
        values = np.asarray(rotated.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box))
        noise = rng.normal(0, 2, values.shape) + values * rng.uniform(0.93, 1.07)
        captures.append(np.clip(noise, 0, 255).astype(np.uint8))
    return captures


def add_visible_defect(
    rng: np.random.Generator, picture: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a spoiled picture (uint8) and its mask; redrawn until the change is visible."""
    values, other = picture.astype(np.float32) / 255, other.astype(np.float32) / 255
    while True:
        defective, mask = add_defect(rng, values, other, float(rng.uniform(0.4, 1)))
        change = np.abs(defective - values).max(-1)
        if (change > 0.12).sum() > 40:
            return (defective * 255 + 0.5).astype(np.uint8), mask > 0.3


def make_product(
    rng: np.random.Generator, name: str, pictures: list[np.ndarray], good_count: int
) -> Product:
    """Return a product whose last `good_count` pictures are tested, without and with defects."""
    test_pictures, defective, masks = pictures[-good_count:], [], []
    for index, picture in enumerate(test_pictures):
        for _ in range(DEFECTS_PER_PICTURE):
            damaged, mask = add_visible_defect(rng, picture, test_pictures[index - 1])
            defective.append(damaged)
            masks.append(mask)
    stacks = [
        torch.from_numpy(np.stack(part))
        for part in (pictures[:-good_count], test_pictures, defective)
    ]
    return Product(name, stacks[0], stacks[1], stacks[2], np.stack(masks))


def read_square(path: Path) -> np.ndarray:
    """Return a picture as (SIZE, SIZE, 3) uint8."""
    picture = Image.open(path).convert("RGB")
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def make_products(shared: Path, photographs: Path) -> list[Product]:
    """Return all validation products, drawn from a fixed seed."""
    rng, result = np.random.default_rng(2024), []
    for name in SETS:
        paths = sorted((shared / "data" / name / "train/good").iterdir())
        indices = rng.permutation(len(paths))[:SET_COUNT]
        result.append(make_product(rng, name, [read_square(paths[k]) for k in indices], SET_GOOD))
    held_out = photograph_paths(photographs, held_out=True)
    for path in held_out[:: max(1, len(held_out) // SCENES)][:SCENES]:
        pictures = simulate_captures(rng, Image.open(path).convert("RGB"), COUNT)
        result.append(make_product(rng, path.stem, pictures, GOOD))
    for index in range(6):
        values = procedural.draw(rng, 384)
        picture = Image.fromarray((values * 255).astype(np.uint8))
        result.append(
            make_product(rng, f"procedural {index}", simulate_captures(rng, picture, COUNT), GOOD)
        )
    return result


def evaluate_product(
    network: scoring.Network, product: Product, share: float
) -> tuple[float, float]:
    """Return image and pixel AUROC of a plain PatchCore on one product; `share`: of its bank."""
    training_patches = scoring.patches(network, product.fit)
    bank = scoring.coreset(training_patches.flatten(0, 1), share)
    test_patches = scoring.patches(network, torch.cat([product.good, product.defective]))
    scores = scoring.distances(test_patches, bank)
    grid = round(scores.shape[1] ** 0.5)
    maps = scoring.heat_maps(scores, SIZE, (grid, grid))
    empty = np.zeros((len(product.good), SIZE, SIZE), bool)
    masks = np.concatenate([empty, product.masks])
    labels = masks.any((1, 2))
    image = scoring.auroc(scores.amax(1).numpy(), labels)
    return image, scoring.auroc(maps[:, ::2, ::2], masks[:, ::2, ::2])


def validate(
    network: scoring.Network, all_products: list[Product], share: float
) -> dict[str, float]:
    """Return the mean image and pixel AUROC over all products, and over the four sets."""
    rows = np.array([evaluate_product(network, product, share) for product in all_products])
    sets = rows[: len(SETS)].mean(0)
    return {
        "image": rows[:, 0].mean(),
        "pixel": rows[:, 1].mean(),
        "sets image": sets[0],
        "sets pixel": sets[1],
    }


def main() -> None:
    """Print the validation of ResNet-18 and of each ONNX file named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--share", type=float, default=0.1, help="of the patches in the bank")
    parser.add_argument("--without-int8", action="store_true")
    options = parser.parse_args()
    all_products = make_products(options.shared, options.photographs)
    candidates = {path.name: networks.onnx_network(path) for path in options.files}
    if not options.without_int8:
        candidates |= {f"{path.name} int8": networks.int8_network(path) for path in options.files}
    candidates = {"resnet18": networks.resnet18_network(options.shared / "weights")} | candidates
    for name, network in candidates.items():
        figures = validate(network, all_products, options.share)
        print(name, " ".join(f"{key} {value:.4f}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    main()
