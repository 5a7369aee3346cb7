"""What the student is asked to predict: ResNet-18's features, reduced by PCA.

The directions of greatest variance are kept, unwhitened, so that distances stay what they were;
both levels are scaled to a total variance of one, so that they weigh the same when joined.
The directions are ordered: a shallower output is a slice of a deeper one.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from training import pictures
from training.teachers import teacher_features

DEPTHS = (64, 96)


@dataclass(frozen=True)
class Projection:
    """One level: target = (features - mean) @ directions."""

    mean: Tensor
    directions: Tensor

    def apply(self, features: Tensor) -> Tensor:
        """Return (n, depth, h, w) of (n, channels, h, w)."""
        centred = features - self.mean.view(1, -1, 1, 1)
        return torch.einsum("nchw,cd->ndhw", centred, self.directions)


def fitted(mean: Tensor, covariance: Tensor, depth: int) -> Projection:
    """Return the projection of one level from its statistics."""
    directions = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :depth]
    return Projection(mean.float(), (directions * covariance.trace().rsqrt()).float())


def fit_projections(
    teacher: nn.Module, photographs: list[Image.Image], rounds: int = 40
) -> list[Projection]:
    """Return the projections of level 2 and level 3, fitted on 16 pictures a round."""
    random = np.random.default_rng(1)
    counts, sums, products = [0, 0], [0, 0], [0, 0]
    for _ in range(rounds):
        drawn = [pictures.varied(random, photographs, 192) for _ in range(16)]
        batch = torch.from_numpy(np.stack([pictures.degraded(random, one) for one in drawn]))
        for level, features in enumerate(teacher_features(teacher, batch)):
            rows = features.permute(0, 2, 3, 1).flatten(0, 2)
            counts[level] += len(rows)
            sums[level] = sums[level] + rows.sum(0).double()
            products[level] = products[level] + (rows.T @ rows).double()
    made = []
    for level in range(2):
        mean = sums[level] / counts[level]
        covariance = products[level] / counts[level] - mean[:, None] * mean[None]
        made.append(fitted(mean, covariance, DEPTHS[level]))
    return made


def projections(path: Path, teacher: nn.Module, photographs: list[Image.Image]) -> list[Projection]:
    """Return the projections, fitted once and kept in a file."""
    if not path.exists():
        made = fit_projections(teacher, photographs)
        torch.save([(one.mean, one.directions) for one in made], path)
    return [Projection(mean, directions) for mean, directions in torch.load(path)]
