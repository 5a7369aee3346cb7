"""The validation every choice is made by: good pictures with synthetic defects pasted in.

Products are the good *training* pictures of four evaluation sets, held-out photographs and
procedural scenes taken again and again with small shifts, turns and changes of light. No test
picture is ever read here.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training import networks, procedural, scoring
from training.defects import spoil

SIZE = 256
SET_COUNT, SET_GOOD = 50, 16
COUNT, GOOD = 30, 10
SPOILED = 3
SETS = ("mvtec_ad/bottle", "mvtec_ad_small/hazelnut", "mvtec_ad_small/transistor", "magnetic_tile")


@dataclass(frozen=True)
class Product:
    """Pictures of one product: to fit on, good ones to test, and spoiled ones with masks."""

    name: str
    fit: Tensor
    good: Tensor
    spoiled: Tensor
    masks: np.ndarray


def photograph_paths(shared: Path, held_out: bool) -> list[Path]:
    """Return each twentieth photograph (kept from training), or all the others."""
    paths = sorted((shared / "data/natural").glob("*.jpg"))
    return [path for k, path in enumerate(paths) if (k % 20 == 7) == held_out]


def retaken(random: np.random.Generator, picture: Image.Image, count: int) -> list[np.ndarray]:
    """Return one scene taken again and again: a little shifted, turned, lighter, noisier."""
    width, height, taken = picture.width, picture.height, []
    side = 0.8 * min(width, height)
    for _ in range(count):
        turned = picture.rotate(random.uniform(-4, 4), Image.Resampling.BICUBIC)
        left, top = [
            (length - side) / 2 + random.uniform(-0.05, 0.05) * side for length in (width, height)
        ]
        box = (left, top, left + side, top + side)
        values = np.asarray(turned.resize((SIZE, SIZE), Image.Resampling.BICUBIC, box))
        noise = random.normal(0, 2, values.shape) + values * random.uniform(0.93, 1.07)
        taken.append(np.clip(noise, 0, 255).astype(np.uint8))
    return taken


def visibly_spoiled(
    random: np.random.Generator, picture: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return a spoiled picture (uint8) and its mask; draw again until the change can be seen."""
    values, other = picture.astype(np.float32) / 255, other.astype(np.float32) / 255
    while True:
        spoiled, mask = spoil(random, values, other, float(random.uniform(0.4, 1)))
        change = np.abs(spoiled - values).max(-1)
        if (change > 0.12).sum() > 40:
            return (spoiled * 255 + 0.5).astype(np.uint8), mask > 0.3


def product(
    random: np.random.Generator, name: str, pictures: list[np.ndarray], good: int
) -> Product:
    """Return a product of which the last `good` pictures are tested, and spoiled SPOILED times."""
    tested, spoiled, masks = pictures[-good:], [], []
    for index, picture in enumerate(tested):
        for _ in range(SPOILED):
            one, mask = visibly_spoiled(random, picture, tested[index - 1])
            spoiled.append(one)
            masks.append(mask)
    stacks = [torch.from_numpy(np.stack(part)) for part in (pictures[:-good], tested, spoiled)]
    return Product(name, stacks[0], stacks[1], stacks[2], np.stack(masks))


def read_square(path: Path) -> np.ndarray:
    """Return a picture as (SIZE, SIZE, 3) uint8."""
    picture = Image.open(path).convert("RGB")
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BILINEAR))


def products(shared: Path) -> list[Product]:
    """Return all validation products, drawn from a fixed seed."""
    random, made = np.random.default_rng(2024), []
    for name in SETS:
        paths = sorted((shared / "data" / name / "train/good").iterdir())
        chosen = random.permutation(len(paths))[:SET_COUNT]
        made.append(product(random, name, [read_square(paths[k]) for k in chosen], SET_GOOD))
    for path in photograph_paths(shared, held_out=True)[::5]:
        pictures = retaken(random, Image.open(path).convert("RGB"), COUNT)
        made.append(product(random, path.stem, pictures, GOOD))
    for index in range(6):
        values = procedural.draw(random, 384)
        picture = Image.fromarray((values * 255).astype(np.uint8))
        made.append(product(random, f"procedural {index}", retaken(random, picture, COUNT), GOOD))
    return made


def judge(network: scoring.Network, one: Product) -> tuple[float, float]:
    """Return image and pixel AUROC of a plain PatchCore with a 10 % bank on one product."""
    fit = scoring.patches(network, one.fit)
    bank = scoring.coreset(fit.flatten(0, 1), 0.1)
    tested = scoring.patches(network, torch.cat([one.good, one.spoiled]))
    scores = scoring.distances(tested, bank)
    grid = round(scores.shape[1] ** 0.5)
    maps = scoring.heat_maps(scores, SIZE, (grid, grid))
    empty = np.zeros((len(one.good), SIZE, SIZE), bool)
    masks = np.concatenate([empty, one.masks])
    bad = masks.any((1, 2))
    image = scoring.auroc(scores.amax(1).numpy(), bad)
    return image, scoring.auroc(maps[:, ::2, ::2], masks[:, ::2, ::2])


def validate(network: scoring.Network, all_products: list[Product]) -> dict[str, float]:
    """Return the mean image and pixel AUROC over all products, and over the four sets."""
    rows = np.array([judge(network, one) for one in all_products])
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
    chosen = parser.parse_args()
    made = products(chosen.shared)
    candidates = {path.name: networks.onnx_network(path) for path in chosen.files}
    candidates |= {f"{path.name} int8": networks.int8_network(path) for path in chosen.files}
    candidates = {"resnet18": networks.resnet18_network(chosen.shared / "weights")} | candidates
    for name, network in candidates.items():
        found = validate(network, made)
        print(name, " ".join(f"{key} {value:.4f}" for key, value in found.items()), flush=True)


if __name__ == "__main__":
    main()
