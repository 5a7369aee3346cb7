"""Training targets of the student: ResNet-18's features, reduced by PCA.

The directions of greatest variance are not whitened, so that distances are preserved; both levels
are scaled to a total variance of one, so that they have the same weight when concatenated.
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


def pca_projection(mean: Tensor, covariance: Tensor, depth: int) -> Projection:
    """Return the projection of one level from its statistics."""
    directions = torch.linalg.eigh(covariance).eigenvectors.flip(1)[:, :depth]
    return Projection(mean.float(), (directions * covariance.trace().rsqrt()).float())


def fit_projections(
    teacher: nn.Module, photographs: list[Image.Image], rounds: int = 40
) -> list[Projection]:
    """Return the projections of level 2 and level 3, fitted on 16 pictures a round."""
    rng = np.random.default_rng(1)
    counts, sums, products = [0, 0], [0, 0], [0, 0]
    for _ in range(rounds):
        batch_pictures = [pictures.training_picture(rng, photographs, 192) for _ in range(16)]
        batch = torch.from_numpy(
            np.stack([pictures.degrade(rng, picture) for picture in batch_pictures])
        )
        for level, features in enumerate(teacher_features(teacher, batch)):
            rows = features.permute(0, 2, 3, 1).flatten(0, 2)
            counts[level] += len(rows)
            sums[level] = sums[level] + rows.sum(0).double()
            products[level] = products[level] + (rows.T @ rows).double()
    result = []
    for level in range(2):
        mean = sums[level] / counts[level]
        covariance = products[level] / counts[level] - mean[:, None] * mean[None]
        result.append(pca_projection(mean, covariance, DEPTHS[level]))
    return result


def load_projections(
    path: Path, teacher: nn.Module, photographs: list[Image.Image]
) -> list[Projection]:
    """Return the projections, fitted once and cached in a file."""
    if not path.exists():
        fitted = fit_projections(teacher, photographs)
        torch.save([(projection.mean, projection.directions) for projection in fitted], path)
    return [Projection(mean, directions) for mean, directions in torch.load(path)]
