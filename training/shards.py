"""Shards of training pictures with their targets, computed once and used for several passes.

A shard has PAIRS pictures and the same pictures with one defect each (rows 0, 2, 4, … and
1, 3, 5, …). Shard k depends on seed k only: losing the cache loses only time. The shards of
SURFACES have low-contrast grey surfaces, all others pictures of every kind.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training import defects, pictures
from training.targets import Projection
from training.teachers import teacher_features

PAIRS = 128
SIZES = (160, 128, 224, 128)
SURFACES = range(200, 260)


@dataclass(frozen=True)
class Source:
    """Inputs of a shard."""

    folder: Path
    teacher: nn.Module
    photographs: list[Image.Image]
    projections: list[Projection]


def defect_pair(
    rng: np.random.Generator, photographs: list[Image.Image], size: int, is_surface: bool
) -> list[np.ndarray]:
    """Return a picture without and with a defect, under the same blur, noise and JPEG."""
    draw = pictures.surface_picture if is_surface else pictures.training_picture
    picture, other = (draw(rng, photographs, size) for _ in range(2))
    faintest = 0.1 if is_surface else 0.2
    defective, _ = defects.add_defect(rng, picture, other, float(rng.uniform(faintest, 1)))
    seed = int(rng.integers(2**31))
    return [
        pictures.degrade(np.random.default_rng(seed), version) for version in (picture, defective)
    ]


def compute_shard(source: Source, number: int) -> dict[str, Tensor]:
    """Compute a shard: pictures (uint8) and the targets of both levels (float16)."""
    rng = np.random.default_rng((7, number))
    size = SIZES[number % len(SIZES)]
    is_surface = number in SURFACES
    rows = [
        version
        for _ in range(PAIRS)
        for version in defect_pair(rng, source.photographs, size, is_surface)
    ]
    batch = torch.from_numpy(np.stack(rows))
    two, three = [], []
    for chunk in batch.split(32):
        features = teacher_features(source.teacher, chunk)
        two.append(source.projections[0].apply(features[0]).half())
        three.append(source.projections[1].apply(features[1]).half())
    return {"pictures": batch, "level2": torch.cat(two), "level3": torch.cat(three)}


def load_shard(source: Source, number: int) -> dict[str, Tensor]:
    """Return a shard from the cache; compute and cache it if missing."""
    path = source.folder / f"shard_{number:04d}.pt"
    if not path.exists():
        source.folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        torch.save(compute_shard(source, number), temporary)
        os.replace(temporary, path)
    return torch.load(path)


def fill_cache(source: Source) -> None:
    """Compute all shards before a training needs them."""
    count = SURFACES.stop
    for number in range(count):
        if not (source.folder / f"shard_{number:04d}.pt").exists():
            computed = load_shard(source, number)
            print(f"shard {number + 1}/{count}, {len(computed['pictures'])} pictures", flush=True)
