"""Mean map: how far each place is from the mean of good pictures there.

Deliberately simple, and of no paper: what every other method must beat.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from goldensample.methods.positions import by_worst_place, joined, stand_ins, valid_places
from goldensample.methods.validation import check_arrays, check_number
from goldensample.records import Array, Features, Notify, Scores, knob


@dataclass(frozen=True, kw_only=True, slots=True)
class MeanMap:
    """The settings of the mean map."""

    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")

    def __post_init__(self) -> None:
        check_number(self, "sigma_px", 0, 1000)

    def fit(self, features: Iterable[Features], notify: Notify) -> "MeanMapDetector":
        """Take the mean patch at each place, over the good pictures that are there.

        A place that no picture was at takes the mean of the nearest one (see `stand_ins`).

        Args:
            features: of the good pictures, in order; read twice.
            notify: told ("patches", pictures read, pictures).
        """
        valid = valid_places(features)
        total = np.zeros((1, 1))
        for batch in features:
            for index in range(len(batch)):
                counted = batch.valid[index].reshape(-1, 1)
                total = total + np.where(counted, joined(batch, index), 0)  # (h·w, d) float64
            notify("patches", batch.first + len(batch), len(valid))
        counts = valid.sum(axis=0)
        mean = total / np.maximum(counts.reshape(-1, 1), 1)
        empty, nearest = stand_ins(counts > 0)
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
        mean: (h·w, d) float32, the mean patch at each place.
    """

    settings: MeanMap
    mean: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    def score(self, features: Features) -> Scores:
        """Score pictures by the place that is farthest from its mean."""
        places, depth = self.mean.shape
        return by_worst_place(features, (places, depth), self._measure)

    def _measure(self, patches: Array) -> Array:
        away = patches - self.mean
        return np.sqrt(np.einsum("pd,pd->p", away, away))

    def arrays(self) -> dict[str, Array]:
        """Return the mean."""
        return {"mean": self.mean}

    def facts(self) -> dict[str, float]:
        """Return the number of places and their depth."""
        places, depth = self.mean.shape
        return {"places": places, "depth": depth}
