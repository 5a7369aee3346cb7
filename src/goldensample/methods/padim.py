"""PaDiM: a Gaussian of good patches at each position, and the Mahalanobis distance to it.

Source: Defard et al., PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
Localization, ICPR 2020 workshops (arXiv 2011.08785). PaDiM* is this with any other network.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from goldensample.methods.positions import (
    join_picture,
    nearest_filled,
    score_positions,
    valid_positions,
)
from goldensample.methods.validation import check_arrays, check_integer, check_number
from goldensample.records import Array, Features, Notify, Scores, knob

BLOCK_BYTES = 2**27
"""Patches of all pictures held at a time in a fit; changes the speed only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaDiM:
    """The settings of PaDiM; the defaults are the paper's for ResNet-18."""

    channels: int = knob(
        100, "channels of the joined levels, chosen at random; all where there are fewer"
    )
    regularisation: float = knob(0.01, "added to the variance of every direction")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    seed: int = knob(0, "of the choice of channels")

    def __post_init__(self) -> None:
        check_integer(self, "channels", 1, 8192)
        check_number(self, "regularisation", 1e-6, 1e6)
        check_number(self, "sigma_px", 0, 1000)
        check_integer(self, "seed", 0, 2**63 - 1)

    def fit(self, features: Iterable[Features], notify: Notify) -> "PaDiMDetector":
        """Estimate mean and covariance at each position, over the good pictures valid there.

        The sample covariance of n pictures has at most n - 1 directions with variance: only r =
        min(n - 1, channels) eigenvectors are stored, of the others the regularisation is the
        variance. A position with no valid picture takes the Gaussian of the nearest one (see
        `nearest_filled`).

        Args:
            features: of the good pictures, in order; read once for each 128 MB of selected
                patches, and twice more.
            notify: told ("gaussians", positions done, positions).

        Cost: the result and the file take 4·h·w·r·d bytes: 125 MB at 56x56 with 100 channels, and
            1.4 GB with 550 and 200 pictures, where full covariances would take 3.8 GB. The fit
            needs 200 MB more. Time h·w·(n·d² + d³) at most.
        """
        valid = valid_positions(features)
        n, positions = len(valid), valid[0].size
        channels = self._select_channels(next(iter(features)))
        depth = len(channels)
        rank = max(1, min(n - 1, depth))
        mean = np.zeros((positions, depth), np.float32)
        factor = np.zeros((positions, rank, depth), np.float32)
        variance = np.zeros((positions, rank), np.float32)
        step = max(1, BLOCK_BYTES // (4 * n * depth))
        for start in range(0, positions, step):
            span = slice(start, start + step)
            block = _gather(features, channels, span, n)  # (n, step, d)
            block_valid = valid.reshape(n, -1)[:, span]
            for k in range(block.shape[1]):
                rows = block[block_valid[:, k], k].astype(np.float64)
                if len(rows):
                    row_mean, variances, directions = gaussian(rows, n, rank)
                    variances += self.regularisation
                    mean[start + k], variance[start + k] = row_mean, variances
                    factor[start + k] = directions / np.sqrt(variances)[:, None]
            notify("gaussians", start + block.shape[1], positions)
        empty, nearest = nearest_filled(valid.sum(axis=0) > 0)
        for array in (mean, factor, variance):
            array[empty] = array[nearest]
        return PaDiMDetector(self, channels, mean, factor, variance)

    def _select_channels(self, features: Features) -> Array:
        """Return the selected channels, (d,) int32, ascending."""
        depth = sum(level.shape[1] for level in features.maps)
        channels = np.random.default_rng(self.seed).permutation(depth)[: self.channels]
        return np.sort(channels).astype(np.int32)

    def restore(self, arrays: Mapping[str, Array]) -> "PaDiMDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing, of another kind, or out of its range.
        """
        shapes = {
            "channels": ("d",),
            "mean": ("places", "d"),
            "factor": ("places", "rank", "d"),
            "variance": ("places", "rank"),
        }
        check_arrays(arrays, shapes, {"channels": "int32"})
        channels, mean, factor, variance = (arrays[name] for name in shapes)
        if channels[0] < 0 or (np.diff(channels) < 1).any():
            raise ValueError(f"channels must ascend from 0 or more; got {channels}")
        if variance.min() <= 0:
            raise ValueError(f"variance must be above 0; got {variance.min()}")
        return PaDiMDetector(self, channels, mean, factor, variance)


def gaussian(rows: Array, pictures: int, rank: int) -> tuple[Array, Array, Array]:
    """Return mean, and the largest variances with their directions, of patches at one position.

    Args:
        rows: (k, d) float64, k >= 1; not changed.
        pictures: n of the fit, at least k.
        rank: number of directions, at most min(n, d).

    Returns:
        (d,), (rank,) with k - 1 as divisor, and (rank, d), orthonormal also where there is no
        variance, all float64.
    """
    mean = rows.mean(axis=0)
    centred = np.zeros((pictures, rows.shape[1]))  # rows of zeros change no variance
    centred[: len(rows)] = (rows - mean) / max(len(rows) - 1, 1) ** 0.5
    if pictures >= rows.shape[1]:
        values, columns = np.linalg.eigh(centred.T @ centred)  # (d, d)
    else:
        basis, triangle = np.linalg.qr(centred.T)  # (d, n), (n, n)
        values, columns = np.linalg.eigh(triangle @ triangle.T)
        columns = basis @ columns
    return mean, np.maximum(values[::-1][:rank], 0), columns.T[::-1][:rank]


def _gather(features: Iterable[Features], channels: Array, span: slice, pictures: int) -> Array:
    """Return the patches of all pictures at a span of positions, (n, positions, d) float32."""
    block = np.empty((0, 0, 0), np.float32)
    for batch in features:
        selected = select_channels(batch, channels)
        for index in range(len(batch)):
            rows = join_picture(selected, index)[span]
            if not block.size:
                block = np.empty((pictures, *rows.shape), np.float32)
            block[batch.first + index] = rows
    return block


def select_channels(features: Features, channels: Array) -> Features:
    """Return features with only some channels of the joined levels, given in ascending order."""
    maps, first = [], 0
    for level in features.maps:
        low, high = np.searchsorted(channels, (first, first + level.shape[1]))
        maps.append(level[:, channels[low:high] - first])
        first += level.shape[1]
    return replace(features, maps=tuple(maps))


@dataclass(frozen=True)
class PaDiMDetector:
    """A fitted PaDiM.

    Args:
        settings: the knobs it was fitted with.
        channels: (d,) int32, those of the joined levels that are used, ascending.
        mean: (h·w, d) float32, at each position.
        factor: (h·w, r, d) float32: the covariance's eigenvectors, each divided by its standard
            deviation.
        variance: (h·w, r) float32 of these directions, the regularisation included; that of all
            others is the regularisation.
    """

    settings: PaDiM
    channels: Array
    mean: Array
    factor: Array
    variance: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    def score(self, features: Features) -> Scores:
        """Score pictures by the position with the largest Mahalanobis distance.

        The paper takes the maximum of the blurred map. Here it is that of the positions themselves,
        as with PatchCore: so a score depends neither on the picture's size nor on the blur.
        """
        positions, depth = self.mean.shape
        selected = select_channels(features, self.channels)
        return score_positions(selected, (positions, depth), self._distances)

    def _distances(self, patches: Array) -> Array:
        """Return the Mahalanobis distances (h·w,) of patches (h·w, d)."""
        difference = patches - self.mean
        whitened = np.matmul(self.factor, difference[:, :, None])[:, :, 0]  # (h·w, r)
        squared = np.einsum("pr,pr->p", whitened, whitened)
        if self.factor.shape[1] < self.factor.shape[2]:
            # what no stored direction explains; by a difference, since |difference|² would swamp it
            scaled = (whitened * self.variance)[:, None]
            residual = difference - np.matmul(scaled, self.factor)[:, 0]  # (h·w, d)
            residual_squared = np.einsum("pd,pd->p", residual, residual)
            squared += residual_squared / np.float32(self.settings.regularisation)
        return np.sqrt(squared)

    def arrays(self) -> dict[str, Array]:
        """Return the channels and the Gaussians."""
        names = ("channels", "mean", "factor", "variance")
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, float]:
        """Return the number of Gaussians, their depth, and their directions with variance."""
        positions, rank, depth = self.factor.shape
        return {"places": positions, "depth": depth, "rank": rank}
