"""A minimal PatchCore, so that a network is evaluated independently of the package."""

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional

Array = np.ndarray
Network = Callable[[Tensor], tuple[Tensor, Tensor]]
"""(n, H, W, 3) uint8 -> level 2 and level 3, raw (not yet averaged over 3x3)."""


def join_levels(two: Tensor, three: Tensor) -> Tensor:
    """Return patches (n, h*w, d): 3x3 means, level 3 resized to level 2's grid.

    The border is zero-padded, as in the authors' code and in anomalib: a mean over fewer cells is
    noisier, and corners would then score highest on good pictures.
    """
    two, three = (functional.avg_pool2d(level, 3, 1, 1) for level in (two, three))
    three = functional.interpolate(three, two.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat([two, three], 1).flatten(2).transpose(1, 2).contiguous()


def patches(network: Network, pictures: Tensor, batch: int = 16) -> Tensor:
    """Return the patches (n, h*w, d) of many pictures."""
    parts = [join_levels(*network(part)) for part in pictures.split(batch)]
    return torch.cat(parts)


def coreset(points: Tensor, share: float, seed: int = 0) -> Tensor:
    """Return the greedy k-center rows of `points`, picked in a 64-d random projection."""
    generator = torch.Generator().manual_seed(seed)
    projection = torch.randn(points.shape[1], 64, generator=generator) / 8
    projected = points @ projection
    squared_norms = projected.square().sum(1)
    count = max(1, int(len(points) * share))
    picks, pick = [], 0
    min_distances = torch.full((len(points),), float("inf"))
    for _ in range(count):
        picks.append(pick)
        distance = squared_norms - 2 * (projected @ projected[pick]) + squared_norms[pick]
        min_distances = torch.minimum(min_distances, distance)
        pick = int(min_distances.argmax())
    return points[picks]


def distances(queries: Tensor, bank: Tensor) -> Tensor:
    """Return each query's distance to the nearest bank row; queries (n, p, d) -> (n, p)."""
    squared_norms = bank.square().sum(1)
    rows = []
    for query in queries:
        nearest = (squared_norms - 2 * query @ bank.T).argmin(1)
        rows.append((query - bank[nearest]).square().sum(1).sqrt())
    return torch.stack(rows)


def heat_maps(scores: Tensor, size: int, grid_hw: tuple[int, int]) -> Array:
    """Return (n, size, size): distances resized bilinearly, then a Gaussian blur of 4 px."""
    maps = scores.view(-1, 1, *grid_hw)
    maps = functional.interpolate(maps, (size, size), mode="bilinear", align_corners=False)
    return np.stack([gaussian_filter(heat_map, 4) for heat_map in maps[:, 0].numpy()])


def auroc(scores: Array, bad: Array) -> float:
    """Return the share of (bad, good) pairs in which the bad one scores higher; ties count half."""
    bad = bad.astype(bool).ravel()
    ranks = rankdata(scores.ravel())
    count = int(bad.sum())
    rank_sum = ranks[bad].sum() - count * (count + 1) / 2
    return float(rank_sum / (count * (bad.size - count)))
