"""PaDiM: a Gaussian of good patches at each place, and the Mahalanobis distance to it.

Source: Defard et al., PaDiM: a Patch Distribution Modeling Framework for Anomaly Detection and
Localization, ICPR 2020 workshops (arXiv 2011.08785). PaDiM* is this with any other network.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from goldensample.methods.positions import by_worst_place, joined, stand_ins, valid_places
from goldensample.methods.validation import check_arrays, check_number, check_whole
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
        check_whole(self, "channels", 1, 8192)
        check_number(self, "regularisation", 1e-6, 1e6)
        check_number(self, "sigma_px", 0, 1000)
        check_whole(self, "seed", 0, 2**63 - 1)

    def fit(self, features: Iterable[Features], notify: Notify) -> "PaDiMDetector":
        """Estimate mean and covariance at each place, over the good pictures that are there.

        The sample covariance of n pictures has at most n - 1 directions with variance: only r =
        min(n - 1, channels) eigenvectors are kept, of the others the regularisation is the
        variance. A place that no picture was at takes the Gaussian of the nearest one (see
        `stand_ins`).

        Args:
            features: of the good pictures, in order; read once for each 128 MB of chosen patches,
                and twice more.
            notify: told ("gaussians", places done, places).

        Cost: the result and the file take 4·h·w·r·d bytes: 125 MB at 56x56 with 100 channels, and
            1.4 GB with 550 and 200 pictures, where whole covariances would take 3.8 GB. The fit
            needs 200 MB beside. Time h·w·(n·d² + d³) at most.
        """
        valid = valid_places(features)
        n, places = len(valid), valid[0].size
        channels = self._choose(next(iter(features)))
        depth = len(channels)
        rank = max(1, min(n - 1, depth))
        mean = np.zeros((places, depth), np.float32)
        factor = np.zeros((places, rank, depth), np.float32)
        variance = np.zeros((places, rank), np.float32)
        step = max(1, BLOCK_BYTES // (4 * n * depth))
        for at in range(0, places, step):
            part = slice(at, at + step)
            block = _gather(features, channels, part, n)  # (n, step, d)
            present = valid.reshape(n, -1)[:, part]
            for k in range(block.shape[1]):
                rows = block[present[:, k], k].astype(np.float64)
                if len(rows):
                    middle, spread, directions = gaussian(rows, n, rank)
                    spread += self.regularisation
                    mean[at + k], variance[at + k] = middle, spread
                    factor[at + k] = directions / np.sqrt(spread)[:, None]
            notify("gaussians", at + block.shape[1], places)
        empty, nearest = stand_ins(valid.sum(axis=0) > 0)
        for array in (mean, factor, variance):
            array[empty] = array[nearest]
        return PaDiMDetector(self, channels, mean, factor, variance)

    def _choose(self, features: Features) -> Array:
        """Return the channels chosen, (d,) int32, ascending."""
        depth = sum(level.shape[1] for level in features.maps)
        drawn = np.random.default_rng(self.seed).permutation(depth)[: self.channels]
        return np.sort(drawn).astype(np.int32)

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
    """Return mean, and the largest variances with their directions, of patches at one place.

    Args:
        rows: (k, d) float64, k >= 1; not changed.
        pictures: n of the fit, at least k.
        rank: directions wanted, at most min(n, d).

    Returns:
        (d,), (rank,) with k - 1 as divisor, and (rank, d), orthonormal also where there is no
        variance, all float64.
    """
    mean = rows.mean(axis=0)
    around = np.zeros((pictures, rows.shape[1]))  # rows of zeros change no variance
    around[: len(rows)] = (rows - mean) / max(len(rows) - 1, 1) ** 0.5
    if pictures >= rows.shape[1]:
        values, columns = np.linalg.eigh(around.T @ around)  # (d, d)
    else:
        basis, small = np.linalg.qr(around.T)  # (d, n), (n, n)
        values, columns = np.linalg.eigh(small @ small.T)
        columns = basis @ columns
    return mean, np.maximum(values[::-1][:rank], 0), columns.T[::-1][:rank]


def _gather(features: Iterable[Features], channels: Array, part: slice, pictures: int) -> Array:
    """Return the patches of all pictures at some places, (n, places, d) float32."""
    block = np.empty((0, 0, 0), np.float32)
    for batch in features:
        some = chosen(batch, channels)
        for index in range(len(batch)):
            rows = joined(some, index)[part]
            if not block.size:
                block = np.empty((pictures, *rows.shape), np.float32)
            block[batch.first + index] = rows
    return block


def chosen(features: Features, channels: Array) -> Features:
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
        channels: (d,) int32, those of the joined levels that are looked at, ascending.
        mean: (h·w, d) float32, at each place.
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
        """Score pictures by the place with the largest Mahalanobis distance.

        The paper takes the maximum of the blurred map. Here it is that of the places themselves,
        as with PatchCore: so a score depends neither on the picture's size nor on the blur.
        """
        places, depth = self.mean.shape
        some = chosen(features, self.channels)
        return by_worst_place(some, (places, depth), self._measure)

    def _measure(self, patches: Array) -> Array:
        """Return the Mahalanobis distances (h·w,) of patches (h·w, d)."""
        away = patches - self.mean
        white = np.matmul(self.factor, away[:, :, None])[:, :, 0]  # (h·w, r)
        squared = np.einsum("pr,pr->p", white, white)
        if self.factor.shape[1] < self.factor.shape[2]:
            # what no kept direction explains; by a difference, since |away|² would swamp it
            explained = np.matmul((white * self.variance)[:, None], self.factor)[:, 0]  # (h·w, d)
            rest = away - explained
            squared += np.einsum("pd,pd->p", rest, rest) / np.float32(self.settings.regularisation)
        return np.sqrt(squared)

    def arrays(self) -> dict[str, Array]:
        """Return the channels and the Gaussians."""
        names = ("channels", "mean", "factor", "variance")
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, float]:
        """Return the number of Gaussians, their depth, and their directions with variance."""
        places, rank, depth = self.factor.shape
        return {"places": places, "depth": depth, "rank": rank}
