"""What the student is asked to predict: both teachers' features, joined and reduced by PCA.

Each teacher's map is scaled to a total variance of one, the two are joined by channel, and the
directions of greatest variance are kept, unwhitened, so that distances stay what they were.
The directions are ordered: a shallower output is a slice of a deeper one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training import pictures
from training.teachers import ResNet50, resnet18, teacher_features

DEPTHS = (64, 96)
SPLITS = (128, 256)
"""Channels of ResNet-18 at level 2 and level 3; those after them are ResNet-50's."""


@dataclass(frozen=True)
class Projection:
    """One level: target = (features - mean) @ directions."""

    mean: Tensor
    directions: Tensor

    def apply(self, features: Tensor) -> Tensor:
        """Return (n, depth, h, w) of (n, channels, h, w)."""
        centred = features - self.mean.view(1, -1, 1, 1)
        return torch.einsum("nchw,cd->ndhw", centred, self.directions)


def load_teachers(weights: Path) -> list[nn.Module]:
    """Return ResNet-18 and ResNet-50 v2, to be used together."""
    return [resnet18(weights), ResNet50(weights).eval()]


def fitted(mean: Tensor, covariance: Tensor, split: int, depth: int) -> Projection:
    """Return the projection of one level from its statistics."""
    variance = covariance.diagonal()
    scale = torch.ones_like(variance)
    scale[:split] = variance[:split].sum().rsqrt()
    scale[split:] = variance[split:].sum().rsqrt()
    scaled = covariance * scale[:, None] * scale[None]
    directions = torch.linalg.eigh(scaled).eigenvectors.flip(1)[:, :depth]
    return Projection(mean.float(), (scale[:, None] * directions).float())


def fit_projections(
    teachers: list[nn.Module], photographs: list[Image.Image], rounds: int = 40
) -> list[Projection]:
    """Return the projections of level 2 and level 3, fitted on 16 pictures a round."""
    random = np.random.default_rng(1)
    counts, sums, products = [0, 0], [0, 0], [0, 0]
    for _ in range(rounds):
        drawn = [pictures.varied(random, photographs, 192) for _ in range(16)]
        batch = torch.from_numpy(np.stack([pictures.degraded(random, one) for one in drawn]))
        for level, features in enumerate(teacher_features(teachers, batch)):
            rows = features.permute(0, 2, 3, 1).flatten(0, 2)
            counts[level] += len(rows)
            sums[level] = sums[level] + rows.sum(0).double()
            products[level] = products[level] + (rows.T @ rows).double()
    made = []
    for level in range(2):
        mean = sums[level] / counts[level]
        covariance = products[level] / counts[level] - mean[:, None] * mean[None]
        made.append(fitted(mean, covariance, SPLITS[level], DEPTHS[level]))
    return made


def projections(
    path: Path, teachers: list[nn.Module], photographs: list[Image.Image]
) -> list[Projection]:
    """Return the projections, fitted once and kept in a file."""
    if not path.exists():
        made = fit_projections(teachers, photographs)
        torch.save([(one.mean, one.directions) for one in made], path)
    return [Projection(mean, directions) for mean, directions in torch.load(path)]
