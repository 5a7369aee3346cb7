"""The composition of a picture: how much of each kind of place it has, and in which quarter.

A second opinion beside the patches, which are all usual where something is missing, one too many,
or in another's place. The rows of the bank fall into kinds (words); the kind of a patch is that of
its nearest row, which the search has found already. Counted in quarters of the picture, the kinds
are compared with those of good pictures, each judged without its own part of the bank.

Distances, too, are divided by what is usual for the kind of place: the end of a cut lead is no
odder than many a good place elsewhere, but odder than ends of leads are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from goldensample.methods.kinds import nearest_kinds
from goldensample.records import Array

DIRECTIONS, QUARTERS = 12, 4
"""Directions in which kinds differ most; parts of a picture."""
PRIOR, DEVIATIONS = 20, 8.0
"""Patches of all kinds that each kind is mixed with; deviations above the mean that are usual."""
GROUP = 8
"""Kinds, at most, that are counted together where something is said of them."""
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Unusual:
    """Kinds of places of which a quarter has more or fewer than is usual.

    Args:
        quarter: 0 to 3: upper left, upper right, lower left, lower right.
        kind: the one that tells most.
        found, usual: patches of such kinds, in the picture and in good ones on average.
    """

    quarter: int
    kind: int
    found: int
    usual: float


@dataclass(frozen=True, slots=True)
class Composition:
    """What is usual of a picture's composition.

    Args:
        kinds: (m,) uint8, the kind of each bank row: that of the nearest middle.
        middles: (K, d) float32 of the kinds.
        divisors: (K,) float32, what distances to rows of each kind are divided by.
        points: (K, D) float32, each kind in the directions in which kinds differ most.
        mean: (QUARTERS·D,) float32, of the sums of points in each quarter.
        whitening: (QUARTERS·D, QUARTERS·D) float32; W (x - mean) has the Mahalanobis distance as
            its length.
        unit: (5,) float64, mean and deviation of the logarithm of that distance, and of the score
            by patches, of good pictures judged without their own part of the bank; whether it
            speaks.
        usual: (2, QUARTERS, K) float32, mean and deviation of the counts of good pictures.
    """

    kinds: Array
    middles: Array
    divisors: Array
    points: Array
    mean: Array
    whitening: Array
    unit: Array
    usual: Array

    def score(self, rows: Array) -> float:
        """Return the score of a picture's composition, in the unit of the patches' score.

        The larger of both scores is the picture's. It is a fixed function of the picture, fitted on
        the bank's pictures alone. So the scores of held-out good pictures and of a new one are
        exchangeable, and the one conformal limit on them holds for the verdict as a whole.

        Args:
            rows: (h, w) int32, the nearest bank row of each patch; -1 where there is none.
        """
        deviation = self.whitening @ (self.vector(rows) - self.mean)
        distance = np.log(np.sqrt(deviation @ deviation) + TINY)
        mean, spread, patch_mean, patch_spread, _ = self.unit
        return float(patch_mean + patch_spread * (distance - mean) / spread)

    def vector(self, rows: Array) -> Array:
        """Return the sums of points in each quarter, (QUARTERS·D,) float64."""
        summed: Array = (self.counts(rows) @ self.points.astype(np.float64)).ravel()
        return summed

    def counts(self, rows: Array) -> Array:
        """Return (QUARTERS, K) int64, how many patches of each kind each quarter has."""
        return count_kinds(self.kinds, len(self.divisors), rows)

    def most_unusual(self, rows: Array) -> "list[Unusual]":
        """Return the kinds of places that set a picture apart the most, as `score` sees it.

        All are in one quarter, at most one of fewer and one of more than usual, the one whose
        number is further from the usual in proportion first.
        """
        counts = self.counts(rows)
        deviation = self.whitening @ (self.vector(rows) - self.mean)
        pull = (self.whitening.T @ deviation).reshape(QUARTERS, -1) @ self.points.T
        surplus = counts - self.usual[0]
        share = pull * surplus  # (QUARTERS, K), of the squared distance
        quarter = int(np.argmax(share.sum(axis=1)))
        share = share * np.abs(surplus) / (counts + self.usual[0] + 1)  # not the background first
        kind = int(np.argmax(share[quarter]))
        unusual = []
        for sign in (1, -1):  # as the one that tells most, then the other way
            alike = share[quarter] * np.sign(surplus[quarter] * surplus[quarter, kind]) * sign
            group = [other for other in np.argsort(-alike)[:GROUP] if alike[other] > 0]
            if sign > 0 and not group:
                group = [kind]
            found, usual = counts[quarter, group].sum(), self.usual[0, quarter, group].sum()
            if group:
                unusual.append(Unusual(quarter, int(group[0]), int(found), float(usual)))
        return sorted(unusual, key=lambda one: -abs(np.log((one.found + 1) / (one.usual + 1))))

    @property
    def speaks(self) -> bool:
        """Whether it has a score, see `of_bank`."""
        return bool(self.unit[4])

    def of_bank(self, bank: Array, learned: Array, known: bool) -> "Composition":
        """Return that of a bank (m, d) after learning.

        Learned rows are of the kind with the largest divisor, so that no distance grows by them.
        With any of them it has no score: their pictures would stay unusual.

        Args:
            learned: (m,) bool, whether each row was learned after the fit.
            known: whether the pictures that limits rest on have its score; else it has none.
        """
        kinds = nearest_kinds(bank, self.middles)
        kinds[learned] = np.argmax(self.divisors)
        unit = np.array([*self.unit[:4], float(known and not learned.any())])
        return replace(self, kinds=kinds, unit=unit)

    def arrays(self) -> dict[str, Array]:
        """Return the arrays by the names that a file has them under."""
        return {f"composition_{field.name}": getattr(self, field.name) for field in fields(self)}


def restore(arrays: Mapping[str, Array], bank: Array) -> Composition:
    """Return a composition from its arrays, for a bank (m, d).

    Raises:
        ValueError: an array is missing or does not fit.
    """
    names = [field.name for field in fields(Composition)]
    if missing := [name for name in names if f"composition_{name}" not in arrays]:
        raise ValueError(f"composition must have {', '.join(names)}; got no {missing[0]}")
    found = Composition(**{name: arrays[f"composition_{name}"] for name in names})
    count, size = len(found.divisors), len(found.mean)
    shapes = {
        "kinds": bank.shape[:1], "middles": (count, bank.shape[1]), "divisors": (count,),
        "points": (count, size // QUARTERS),
        "mean": (size,), "whitening": (size, size), "unit": (5,), "usual": (2, QUARTERS, count),
    }  # fmt: skip
    for name, shape in shapes.items():
        array = getattr(found, name)
        kind = {"kinds": "uint8", "unit": "float64"}.get(name, "float32")
        if array.shape != shape or array.dtype != kind or not np.isfinite(array).all():
            raise ValueError(f"composition_{name} must be {kind} {shape}; got {array.dtype}")
    if found.kinds.max() >= count or not (found.divisors > 0).all() or not found.unit[1] > 0:
        raise ValueError(
            "composition must have kinds of its own, and be divided by numbers above 0"
        )
    return found


def count_kinds(kinds: Array, count: int, rows: Array) -> Array:
    """Return (QUARTERS, count) int64, how many patches (h, w) of each kind each quarter has."""
    down, across = (quarter_of(side) for side in rows.shape)
    cells = 2 * down[:, None] + across[None, :]  # (h, w)
    found = rows >= 0
    flat = np.bincount(cells[found] * count + kinds[rows[found]], minlength=QUARTERS * count)
    return flat.reshape(QUARTERS, count)


def quarter_of(side: int) -> Array:
    """Return (side,) 0 or 1: in which half the middle of each of so many cells lies."""
    return ((np.arange(side) + 0.5) / side >= 0.5).astype(np.int64)


def usual_distances(kinds: Array, count: int, distances: Array) -> Array:
    """Return what is usual of each kind, (count,) float32, over its median of all patches.

    Args:
        kinds: (k,) of patches' nearest rows.
        distances: (k,) of those patches.
    """
    values = distances.astype(np.float64)
    number = np.bincount(kinds, minlength=count)
    mean = (np.bincount(kinds, values, count) + PRIOR * values.mean()) / (number + PRIOR)
    squared = np.bincount(kinds, (values - mean[kinds]) ** 2, count) + PRIOR * values.var()
    usual = mean + DEVIATIONS * np.sqrt(squared / (number + PRIOR))
    middle = np.median(usual[kinds])
    return (usual / middle if middle > 0 else np.ones(count)).astype(np.float32)


def shrunk_gaussian(vectors: Array) -> tuple[Array, Array]:
    """Return mean (d,) and whitening (d, d) float64 of vectors (n, d), shrunk towards a sphere.

    Source: Ledoit and Wolf, A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices,
    2004.
    """
    count, depth = vectors.shape
    mean = vectors.mean(axis=0)
    centred = vectors - mean
    covariance = centred.T @ centred / count
    sphere = np.trace(covariance) / depth * np.eye(depth)
    spread = ((covariance - sphere) ** 2).sum()
    noise = ((centred**2).sum(axis=1) ** 2).sum() / count**2 - (covariance**2).sum() / count
    share = min(noise / spread, 1.0) if spread > 0 else 1.0
    shrunk = (1 - share) * covariance + share * sphere + TINY * np.eye(depth)
    return mean, np.linalg.inv(np.linalg.cholesky(shrunk))
