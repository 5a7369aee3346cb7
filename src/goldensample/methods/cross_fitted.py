"""Cross-fitted PatchCore: fitted once without each fold, so that all pictures calibrate limits."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from goldensample.calibration.conformal import FOLDS, Scheme
from goldensample.features.store import (
    ArrayStore,
    StoredFeatures,
    array_store_of,
    require_store,
)
from goldensample.methods import multiple
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.methods.protocols import Method
from goldensample.methods.selection import AUTO
from goldensample.records import Array, Features, Notify, Scores, silent
from goldensample.runners import Runner, local_runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Crossed:
    """The settings of a cross-fitted PatchCore.

    Args:
        patchcore: of every fold's fit.
    """

    patchcore: PatchCore = field(default_factory=PatchCore)

    def fit(
        self, features: Iterable[Features], notify: Notify, runner: Runner = local_runner
    ) -> "CrossedDetector":
        """Fit once without each fold; each picture is in all banks but one.

        Args:
            features: of the good pictures, in order; at least two; read several times.
            notify, runner: as for `PatchCore.fit`.

        Cost: that of FOLDS fits.
        """
        count = features.total if isinstance(features, StoredFeatures) else sum(map(len, features))
        if count < 2:
            raise ValueError(
                "fit must have at least two pictures to be crossed; got one"
                if count
                else "fit must have at least one picture; got none"
            )
        if self.patchcore.composition == "on":
            raise ValueError(
                "composition must go with limits from pictures kept out of the bank; got too few "
                "of them; give 38 for 5 % false alarms, more for fewer, or leave it off"
            )
        detectors, indices = [], np.arange(count)
        for fold, fold_notify in enumerate([*[silent] * (FOLDS - 1), notify]):
            detector = self.patchcore.without_auto().fit(
                WithoutFold(features, fold), fold_notify, runner
            )
            origins = detector.origins.copy()
            origins[:, 0] = indices[indices % FOLDS != fold][origins[:, 0].astype(int)]
            detectors.append(replace(detector, origins=origins))
        return CrossedDetector(self, tuple(detectors))

    def restore(self, arrays: Mapping[str, Array]) -> "CrossedDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or the shapes do not fit.
        """
        return CrossedDetector(self, multiple.restore_detectors(self.patchcore, arrays, FOLDS))


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
        return multiple.concatenate_origins(self.detectors)

    def score(self, features: Features) -> Scores:
        """Score pictures by every fold, and each patch by the fold with the smallest distance.

        `conformal.cross_conformal_score` compares each fold's score with those held out of that
        fold. The map, the distance to all banks together, is compared with the pixel limit as it
        is: its peak lies below each fold's, so fewer good pictures than promised have a region.

        Source: Vovk, Cross-conformal predictors, 2015; for the map Barber, Candès, Ramdas and
            Tibshirani, Predictive inference with the jackknife+, 2021 (there "minmax").
        """
        scores = [detector.score(features) for detector in self.detectors]
        grids = np.stack([fold.grid for fold in scores])
        images = np.stack([fold.image for fold in scores], axis=1)  # (n, K)
        return replace(
            scores[0],
            image=images.mean(axis=1),
            folds=images,
            grid=grids.min(axis=0),
            nearest=multiple.nearest_rows(scores, self.detectors, grids.argmin(axis=0)),
        )

    def arrays(self) -> dict[str, Array]:
        """Return the arrays of every fold."""
        return multiple.to_arrays(self.detectors)

    def facts(self) -> dict[str, float]:
        """Return the number of folds and of all their bank rows."""
        return {"folds": len(self.detectors), "bank_rows": len(self.origins)}


def method_of_scheme(method: Method, scheme: Scheme) -> Method:
    """Return the method that is fitted where limits are calibrated so.

    Where no picture is held out, a composition must be asked for: else each fold's fit would choose
    for itself.
    """
    if not isinstance(method, PatchCore):
        return method
    if scheme.kind == "cross":
        return Crossed(patchcore=method)
    return method.without_auto() if scheme.kind and not len(scheme.held_out) else method


@dataclass(frozen=True)
class WithoutFold:
    """The features of all pictures except those of a fold, renumbered from 0.

    It is read by ranges, and by other processes, if the features are in a store.
    """

    features: Iterable[Features]
    fold: int
    folds: int = FOLDS

    @property
    def total(self) -> int:
        """See `FeatureStore.total`."""
        count = require_store(self.features).total
        return count - len(fold_indices(self.fold, count, self.folds))

    def __iter__(self) -> Iterator[Features]:
        for batch in self.features:
            numbers = batch.first + np.arange(len(batch))
            used = np.flatnonzero(numbers % self.folds != self.fold)
            if len(used):
                first = batch.first - len(fold_indices(self.fold, batch.first, self.folds))
                yield Features(tuple(m[used] for m in batch.maps), batch.valid[used], first)

    def read_range(self, start: int, end: int) -> "WithoutFold":
        """See `FeatureStore.read_range`."""
        edges = (index_without_fold(self.fold, number, self.folds) for number in (start, end))
        return replace(self, features=require_store(self.features).read_range(*edges))

    def array_store(self, name: str) -> ArrayStore:
        """See `FeatureStore.array_store`."""
        parts = "" if self.folds == FOLDS else f"of{self.folds}"  # others hold other pictures
        return array_store_of(self.features, f"{name}-{self.fold}{parts}")


def fold_indices(fold: int, count: int, folds: int = FOLDS) -> Array:
    """Return the ascending indices of a fold's pictures among `count`."""
    return np.arange(fold, count, folds)


def index_without_fold(fold: int, number: int, folds: int = FOLDS) -> int:
    """Return the index, among all pictures, of picture `number` without a fold."""
    group, position = divmod(number, folds - 1)
    return group * folds + position + (position >= fold)


def check_distributable(method: Method) -> PatchCore | Crossed:
    """Return a method that any runner can fit: one that never needs all patches in one place.

    Raises:
        ValueError: it is not one.
    """
    settings = method.patchcore if isinstance(method, Crossed) else method
    if not isinstance(method, PatchCore | Crossed) or not isinstance(settings, PatchCore):
        raise ValueError(
            "a runner must go with patchcore on one network; got another method; fit it here, or "
            "many of its products at a time with --each"
        )
    obstacles = {
        f"subsampler {settings.subsampler}": settings.subsampler != "greedy",
        "denoise": settings.denoise,
        "coreset auto": settings.coreset == AUTO,
        "composition": settings.composition == "on",
    }
    if present := [name for name, is_present in obstacles.items() if is_present]:
        raise ValueError(
            "a runner must go with a greedy coreset of a given size, without denoise or "
            "composition; got "
            f"{present[0]}; fit it here"
        )
    return method
