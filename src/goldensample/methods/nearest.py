"""1-NN: the distance to the nearest good picture, each as one vector.

Source: a baseline of Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022,
and of those it compares with.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from goldensample.methods.pooled import pool_levels, pool_picture, scores_without_map
from goldensample.methods.validation import check_arrays
from goldensample.records import Array, Features, Notify, Scores


@dataclass(frozen=True, kw_only=True, slots=True)
class Nearest:
    """1-NN on the mean of each level; it has no settings."""

    def fit(self, features: Iterable[Features], notify: Notify) -> "NearestDetector":
        """Store one vector of each good picture: the means of its levels, joined.

        Args:
            features: of the good pictures, in order; read twice, always the same.
            notify: told ("pooling", pictures read, pictures).
        """
        return NearestDetector(np.concatenate(pool_levels(features, notify), axis=1))

    def restore(self, arrays: Mapping[str, Array]) -> "NearestDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or does not fit.
        """
        check_arrays(arrays, {"vectors": ("n", "d")})
        return NearestDetector(arrays["vectors"])


@dataclass(frozen=True)
class NearestDetector:
    """A fitted 1-NN.

    Args:
        vectors: (n, d) float32, one row for each good picture.
    """

    vectors: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, of which there is none."""
        return 0.0

    def score(self, features: Features) -> Scores:
        """Score pictures by the Euclidean distance to the nearest vector, one after the other."""
        image = []
        for index in range(len(features)):
            difference = self.vectors - np.concatenate(pool_picture(features, index))
            image.append(float(np.sqrt(np.einsum("nd,nd->n", difference, difference).min())))
        return scores_without_map(image)

    def arrays(self) -> dict[str, Array]:
        """Return the vectors."""
        return {"vectors": self.vectors}

    def facts(self) -> dict[str, float]:
        """Return how many vectors there are and how deep they are."""
        rows, depth = self.vectors.shape
        return {"vectors": rows, "depth": depth}
