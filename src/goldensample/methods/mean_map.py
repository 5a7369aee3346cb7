"""Mean map: the distance of each position from the mean of good pictures there.

A deliberately simple baseline, from no paper, that every other method must beat.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from goldensample.methods.positions import (
    join_picture,
    nearest_filled,
    score_positions,
    valid_positions,
)
from goldensample.methods.validation import check_arrays, check_number
from goldensample.records import Array, Features, Notify, Scores, knob


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanMap:
    """The settings of the mean map."""

    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")

    def __post_init__(self) -> None:
        check_number(self, "sigma_px", 0, 1000)

    def fit(self, features: Iterable[Features], notify: Notify) -> "MeanMapDetector":
        """Compute the mean patch at each position, over the good pictures valid there.

        A position with no valid picture takes the mean of the nearest one (see `nearest_filled`).

        Args:
            features: of the good pictures, in order; read twice.
            notify: told ("patches", pictures read, pictures).
        """
        valid = valid_positions(features)
        total = np.zeros((1, 1))
        for batch in features:
            for index in range(len(batch)):
                mask = batch.valid[index].reshape(-1, 1)
                total = total + np.where(mask, join_picture(batch, index), 0)  # (h·w, d) float64
            notify("patches", batch.first + len(batch), len(valid))
        counts = valid.sum(axis=0)
        mean = total / np.maximum(counts.reshape(-1, 1), 1)
        empty, nearest = nearest_filled(counts > 0)
        mean[empty] = mean[nearest]
        return MeanMapDetector(self, mean.astype(np.float32))

    def restore(self, arrays: Mapping[str, Array]) -> "MeanMapDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or of another kind.
        """
        check_arrays(arrays, {"mean": ("places", "d")})
        return MeanMapDetector(self, arrays["mean"])


@dataclass(frozen=True)
class MeanMapDetector:
    """A fitted mean map.

    Args:
        settings: the knobs it was fitted with.
        mean: (h·w, d) float32, the mean patch at each position.
    """

    settings: MeanMap
    mean: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    def score(self, features: Features) -> Scores:
        """Score pictures by the position that is farthest from its mean."""
        positions, depth = self.mean.shape
        return score_positions(features, (positions, depth), self._distances)

    def _distances(self, patches: Array) -> Array:
        difference = patches - self.mean
        return np.sqrt(np.einsum("pd,pd->p", difference, difference))

    def arrays(self) -> dict[str, Array]:
        """Return the mean."""
        return {"mean": self.mean}

    def facts(self) -> dict[str, float]:
        """Return the number of positions and their depth."""
        positions, depth = self.mean.shape
        return {"places": positions, "depth": depth}
