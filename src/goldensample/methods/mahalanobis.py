"""Mahalanobis-AD: a Gaussian of each level's mean vectors, and the distance to it.

Source: Rippel et al., Modeling the Distribution of Normal Data in Pre-Trained Deep Features for
Anomaly Detection, ICPR 2020.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.methods.estimators import shrunk_covariance
from goldensample.methods.pooled import pool_levels, pool_picture, scores_without_map
from goldensample.methods.validation import check_arrays
from goldensample.records import Array, Features, Notify, Scores

SINGULAR = 1e-9
"""Smallest over largest eigenvalue below which a covariance counts as singular."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mahalanobis:
    """Mahalanobis-AD; it has no settings."""

    def fit(self, features: Iterable[Features], notify: Notify) -> "MahalanobisDetector":
        """Fit a Gaussian to the mean vectors of each level.

        Args:
            features: of the good pictures, in order; read twice, always the same.
            notify: told ("pooling", pictures read, pictures).

        Raises:
            ValueError: the pictures are too few, or too much alike, for a covariance.
            GoldenError: scikit-learn is not installed.

        Cost: (d, d) values for each level.
        """
        levels = [level.astype(np.float64) for level in pool_levels(features, notify)]
        return MahalanobisDetector(
            means=[level.mean(axis=0).astype(np.float32) for level in levels],
            whitenings=[_whitening(level).astype(np.float32) for level in levels],
        )

    def restore(self, arrays: Mapping[str, Array]) -> "MahalanobisDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        levels = range(max(1, len(arrays) // 2))
        shapes: dict[str, tuple[str, ...]] = {f"mean{k}": (f"d{k}",) for k in levels}
        check_arrays(arrays, shapes | {f"whitening{k}": (f"d{k}", f"d{k}") for k in levels})
        return MahalanobisDetector(
            means=[arrays[f"mean{k}"] for k in levels],
            whitenings=[arrays[f"whitening{k}"] for k in levels],
        )


def _whitening(vectors: Array) -> Array:
    """Return the (d, d) matrix W with W.T @ W the inverse of the covariance of (n, d) vectors."""
    too_few = (
        "fit must have at least three different good pictures, so that a covariance can be had; "
        f"got {len(vectors)} pictures, and they are too few or too much alike"
    )
    if len(vectors) < 2 or not np.ptp(vectors, axis=0).any():
        raise ValueError(too_few)
    covariance = shrunk_covariance(vectors)
    eigenvalues = np.linalg.eigvalsh(covariance)
    if eigenvalues[0] <= SINGULAR * eigenvalues[-1]:
        raise ValueError(too_few)  # two pictures, for instance, are not shrunk
    return np.linalg.inv(np.linalg.cholesky(covariance))


@dataclass(frozen=True)
class MahalanobisDetector:
    """A fitted Mahalanobis-AD.

    Args:
        means: one (d_j,) float32 vector per level.
        whitenings: one (d_j, d_j) float32 matrix per level: the length of W (x - mean) is the
            Mahalanobis distance.
    """

    means: Sequence[Array]
    whitenings: Sequence[Array]

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, of which there is none."""
        return 0.0

    def score(self, features: Features) -> Scores:
        """Score pictures by the sum of the levels' Mahalanobis distances, one after the other."""
        image = []
        for index in range(len(features)):
            levels = zip(pool_picture(features, index), self.means, self.whitenings, strict=True)
            distances = [float(np.linalg.norm(matrix @ (x - mean))) for x, mean, matrix in levels]
            image.append(sum(distances))
        return scores_without_map(image)

    def arrays(self) -> dict[str, Array]:
        """Return mean and whitening of each level."""
        means = {f"mean{k}": mean for k, mean in enumerate(self.means)}
        return means | {f"whitening{k}": matrix for k, matrix in enumerate(self.whitenings)}

    def facts(self) -> dict[str, float]:
        """Return the depth of all levels together."""
        return {"depth": sum(len(mean) for mean in self.means)}
