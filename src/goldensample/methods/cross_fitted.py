"""PatchCore fitted once without each fold of the pictures: limits from all of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from goldensample.calibration.conformal import FOLDS
from goldensample.methods import multiple
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Features, Notify, Scores, silent


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossed:
    """The settings of a cross-fitted PatchCore.

    Args:
        patchcore: of every fold's fit.
    """

    patchcore: PatchCore = field(default_factory=PatchCore)

    def fit(self, features: Iterable[Features], notify: Notify) -> "CrossedDetector":
        """Fit once without each fold; each picture is in all banks but one.

        Args:
            features: of the good pictures, in order; at least two; read several times.
            notify: told as `PatchCore.fit` does.

        Cost: that of FOLDS fits.
        """
        return self.fit_by(self.patchcore.fit, features, sum(map(len, features)), notify)

    def fit_by(
        self,
        fit: Callable[["WithoutFold", Notify], "PatchCoreDetector"],
        features: Iterable[Features],
        count: int,
        notify: Notify,
    ) -> "CrossedDetector":
        """See `fit`; `fit` is told what each fold fits on, of `count` pictures in all."""
        if count < 2:
            got = "one" if count else "none"
            least = "two pictures to be crossed" if count else "one picture"
            raise ValueError(f"fit must have at least {least}; got {got}")
        told = [*[silent] * (FOLDS - 1), notify]
        detectors = []
        for fold, tell in enumerate(told):
            fitted = fit(WithoutFold(features, fold), tell)
            origins, every = fitted.origins.copy(), np.arange(count)
            origins[:, 0] = every[every % FOLDS != fold][origins[:, 0].astype(int)]
            detectors.append(replace(fitted, origins=origins))
        return CrossedDetector(self, tuple(detectors))

    def restore(self, arrays: Mapping[str, Array]) -> "CrossedDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or the shapes do not fit.
        """
        return CrossedDetector(self, multiple.restored(self.patchcore, arrays, FOLDS))


@dataclass(frozen=True)
class CrossedDetector:
    """A cross-fitted PatchCore.

    Args:
        settings: it was fitted with.
        detectors: by fold, each fitted without it.
    """

    settings: Crossed
    detectors: tuple[PatchCoreDetector, ...]

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, in pixels of the canvas."""
        return self.settings.patchcore.sigma_px

    @cached_property
    def origins(self) -> Array:
        """(m, 3) float32, the folds' one after the other."""
        return multiple.origins(self.detectors)

    def score(self, features: Features) -> Scores:
        """Score pictures by every fold, and each patch by the fold that finds it least odd.

        `conformal.crossed` holds the folds' scores, each, against those held out of the same fold.
        The map, the distance to all banks together, is held against the pixel limit as it is: its
        peak lies below each fold's own, so fewer good pictures than promised have a region.

        Source: Vovk, Cross-conformal predictors, 2015; for the map Barber, Candès, Ramdas and
            Tibshirani, Predictive inference with the jackknife+, 2021 (there "minmax").
        """
        found = [detector.score(features) for detector in self.detectors]
        grids = np.stack([one.grid for one in found])
        images = np.stack([one.image for one in found], axis=1)  # (n, K)
        return replace(
            found[0],
            image=images.mean(axis=1),
            folds=images,
            grid=grids.min(axis=0),
            nearest=multiple.nearest(found, self.detectors, grids.argmin(axis=0)),
        )

    def arrays(self) -> dict[str, Array]:
        """Return the arrays of every fold."""
        return multiple.to_arrays(self.detectors)

    def facts(self) -> dict[str, float]:
        """Return the number of folds and of all their bank rows."""
        return {"folds": len(self.detectors), "bank_rows": len(self.origins)}


@dataclass(frozen=True)
class WithoutFold:
    """The features of all pictures but those of a fold, numbered anew from 0."""

    features: Iterable[Features]
    fold: int

    def __iter__(self) -> Iterator[Features]:
        for batch in self.features:
            numbers = batch.first + np.arange(len(batch))
            wanted = np.flatnonzero(numbers % FOLDS != self.fold)
            if len(wanted):
                before = batch.first - len(pictures_of(self.fold, batch.first))
                yield Features(tuple(m[wanted] for m in batch.maps), batch.valid[wanted], before)


def pictures_of(fold: int, count: int) -> Array:
    """Return the numbers, ascending, of a fold's pictures among `count`."""
    return np.arange(fold, count, FOLDS)


def number_without(fold: int, number: int) -> int:
    """Return the number, among all pictures, of one that is numbered without a fold."""
    group, place = divmod(number, FOLDS - 1)
    return group * FOLDS + place + (place >= fold)
