"""OCSVM: a one-class support vector machine on one vector of each good picture.

Source: Schölkopf et al., Estimating the Support of a High-Dimensional Distribution, 2001; on deep
features, a baseline of Roth et al., CVPR 2022.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from goldensample.methods.estimators import support_vectors
from goldensample.methods.pooled import pool_levels, pool_picture, scores_without_map
from goldensample.methods.validation import check, check_arrays, is_number
from goldensample.records import Array, Features, Notify, Scores, knob


@dataclass(frozen=True, kw_only=True, slots=True)
class OCSVM:
    """The settings of the one-class SVM, whose kernel is exp(-gamma |a - b|^2)."""

    nu: float = knob(0.1, "share of good pictures that may lie outside the learned region")

    def __post_init__(self) -> None:
        check(is_number(self.nu) and 0 < self.nu <= 1, "nu", "in (0, 1]", self)

    def fit(self, features: Iterable[Features], notify: Notify) -> "OCSVMDetector":
        """Find the support vectors among the means of the levels, joined and standardised.

        The kernel's gamma is 1 / d over the variance of the standardised values.

        Args:
            features: of the good pictures, in order; read twice, always the same.
            notify: told ("pooling", pictures read, pictures).

        Raises:
            GoldenError: scikit-learn is not installed.
        """
        vectors = np.concatenate(pool_levels(features, notify), axis=1).astype(np.float64)
        mean, deviation = vectors.mean(axis=0), vectors.std(axis=0)
        deviation[np.ptp(vectors, axis=0) == 0] = 1.0  # a value that never varies has no scale
        standardized = (vectors - mean) / deviation
        # gamma is kept in the scale: |a - b|^2 then is the kernel's exponent
        scale = deviation * np.sqrt(standardized.shape[1] * (standardized.var() or 1.0))
        vectors, shares = support_vectors((vectors - mean) / scale, self.nu, gamma=1.0)
        arrays = (array.astype(np.float32) for array in (mean, scale, vectors, shares))
        return OCSVMDetector(*arrays)

    def restore(self, arrays: Mapping[str, Array]) -> "OCSVMDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or does not fit, or a scale or share is not positive.
        """
        shapes = {"mean": ("d",), "scale": ("d",), "vectors": ("m", "d"), "shares": ("m",)}
        check_arrays(arrays, shapes)
        for name in ("scale", "shares"):
            if arrays[name].min() <= 0:
                raise ValueError(f"{name} must be above 0; got {arrays[name].min()}")
        return OCSVMDetector(**arrays)


@dataclass(frozen=True)
class OCSVMDetector:
    """A fitted one-class SVM.

    Args:
        mean: (d,) float32, taken from the joined means of the levels.
        scale: (d,) float32, by which they are then divided.
        vectors: (m, d) float32 support vectors, in that scale.
        shares: (m,) float32 coefficients, in (0, 1], with sum 1.
    """

    mean: Array
    scale: Array
    vectors: Array
    shares: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, of which there is none."""
        return 0.0

    def score(self, features: Features) -> Scores:
        """Score pictures, one after the other, by their distance from the support vectors.

        The SVM's own value, the sum of share · kernel, underflows to 0 far from the good pictures.
        The score is minus its logarithm: the order is the same, near the good pictures and far from
        them.
        """
        image = []
        for index in range(len(features)):
            vector = np.concatenate(pool_picture(features, index))
            difference = self.vectors - (vector - self.mean) / self.scale
            squared = np.einsum("md,md->m", difference, difference)
            smallest = squared.min()
            total = np.dot(self.shares, np.exp(smallest - squared))
            image.append(max(float(smallest - np.log(total)), 0.0))  # rounding can make it negative
        return scores_without_map(image)

    def arrays(self) -> dict[str, Array]:
        """Return mean, scale, support vectors and shares."""
        names = ("mean", "scale", "vectors", "shares")
        return {name: getattr(self, name) for name in names}

    def facts(self) -> dict[str, float]:
        """Return how many support vectors there are and how deep they are."""
        rows, depth = self.vectors.shape
        return {"support_vectors": rows, "depth": depth}
