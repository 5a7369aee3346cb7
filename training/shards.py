"""Pools of pictures with their targets, computed once and used for several passes.

A shard holds PAIRS pictures and the same pictures with one defect each (rows 0, 2, 4, … and
1, 3, 5, …). Shard k is drawn from seed k alone: losing the cache loses only time. The shards of
SURFACES show faint grey surfaces, all others pictures of every kind.
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
    """All that a shard is made from."""

    folder: Path
    teacher: nn.Module
    photographs: list[Image.Image]
    projections: list[Projection]


def pair(
    random: np.random.Generator, photographs: list[Image.Image], size: int, surface: bool
) -> list[np.ndarray]:
    """Return a picture and its spoiled twin, under the same blur, noise and JPEG."""
    draw = pictures.surface if surface else pictures.varied
    picture, other = (draw(random, photographs, size) for _ in range(2))
    faintest = 0.1 if surface else 0.2
    spoiled, _ = defects.spoil(random, picture, other, float(random.uniform(faintest, 1)))
    seed = int(random.integers(2**31))
    return [pictures.degraded(np.random.default_rng(seed), one) for one in (picture, spoiled)]


def make(source: Source, number: int) -> dict[str, Tensor]:
    """Return a fresh shard: pictures (uint8) and the targets of both levels (float16)."""
    random = np.random.default_rng((7, number))
    size = SIZES[number % len(SIZES)]
    surface = number in SURFACES
    rows = [one for _ in range(PAIRS) for one in pair(random, source.photographs, size, surface)]
    batch = torch.from_numpy(np.stack(rows))
    two, three = [], []
    for part in batch.split(32):
        features = teacher_features(source.teacher, part)
        two.append(source.projections[0].apply(features[0]).half())
        three.append(source.projections[1].apply(features[1]).half())
    return {"pictures": batch, "level2": torch.cat(two), "level3": torch.cat(three)}


def shard(source: Source, number: int) -> dict[str, Tensor]:
    """Return a shard from the cache, or make it and keep it there."""
    path = source.folder / f"shard_{number:04d}.pt"
    if not path.exists():
        source.folder.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        torch.save(make(source, number), part)
        os.replace(part, path)
    return torch.load(path)


def fill(source: Source) -> None:
    """Make all shards ahead of the training that will ask for them."""
    count = SURFACES.stop
    for number in range(count):
        if not (source.folder / f"shard_{number:04d}.pt").exists():
            made = shard(source, number)
            print(f"shard {number + 1}/{count}, {len(made['pictures'])} pictures", flush=True)
