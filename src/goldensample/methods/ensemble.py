"""PatchCore on several networks at once: a bank for each, their scores brought to one measure."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from array_api_compat import array_namespace

from goldensample.features.patches import both_axes, resize_matrix
from goldensample.methods import multiple
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Features, Notify, Scores, silent

EVERY = 5
"""One of how many good pictures is kept out to measure what is usual for a network."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """The settings of an ensemble.

    Args:
        members: for each level, the number of its network, from 0; none: all are of one.
        patchcore: of every member.
    """

    members: tuple[int, ...] = ()
    patchcore: PatchCore = field(default_factory=PatchCore)

    def __post_init__(self) -> None:
        if self.members and set(self.members) != set(range(max(self.members) + 1)):
            raise ValueError(f"members must be numbered from 0; got {self.members!r}")

    def fit(self, features: Iterable[Features], notify: Notify) -> "EnsembleDetector":
        """Fit every member on all pictures, and measure what is usual on some kept out.

        The authors' code normalises by the smallest and largest score of the test set, which a
        line does not have. Here each member is fitted twice: without every fifth good picture,
        which then tell its usual score and its usual largest distance, and with all of them.

        Args:
            features: of the good pictures, in order; at least two; read several times.
            notify: told as `PatchCore.fit` does.

        Cost: that of two fits for each member.
        """
        detectors, usual = [], []
        for member in range(self._count(features)):
            own = _Part(features, self.levels_of(member))
            part = self.patchcore.fit(replace(own, kept_out=False), silent)
            scores = [part.score(batch) for batch in replace(own, kept_out=True)]
            if not scores:
                raise ValueError("an ensemble must have at least two pictures; got one")
            image = np.concatenate([one.image for one in scores])
            peaks = np.concatenate([one.grid.max(axis=(1, 2)) for one in scores])
            usual.append([max(float(values.mean()), 1e-9) for values in (image, peaks)])
            detectors.append(self.patchcore.fit(own, notify))
        return EnsembleDetector(self, tuple(detectors), np.asarray(usual))

    def _count(self, features: Iterable[Features]) -> int:
        """Return how many members there are, and make sure of the levels."""
        some = next(iter(features), None)
        if some is None:
            raise ValueError("fit must have at least one picture; got none")
        levels = len(some.maps)
        if self.members and levels != len(self.members):
            raise ValueError(f"members must be one for each of {levels} levels; got {self.members}")
        return max(self.members, default=0) + 1

    def levels_of(self, member: int) -> tuple[int, ...]:
        """Return the numbers of a member's levels; none for all."""
        return tuple(level for level, number in enumerate(self.members) if number == member)

    def restore(self, arrays: Mapping[str, Array]) -> "EnsembleDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or the shapes do not fit.
        """
        count = max(self.members, default=0) + 1
        usual = arrays.get("usual")
        fits = usual is not None and usual.shape == (count, 2) and usual.dtype == np.float64
        if usual is None or not fits or not (usual > 0).all():
            raise ValueError(f"usual must be ({count}, 2) numbers above 0; got {usual}")
        rest = {name: array for name, array in arrays.items() if name != "usual"}
        return EnsembleDetector(self, multiple.restored(self.patchcore, rest, count), usual)


@dataclass(frozen=True)
class EnsembleDetector:
    """A fitted ensemble.

    Args:
        settings: it was fitted with.
        detectors: of the members.
        usual: (k, 2) float64: each member's mean score and mean largest distance on good pictures
            that were not in its bank.
    """

    settings: Ensemble
    detectors: tuple[PatchCoreDetector, ...]
    usual: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, in pixels of the canvas."""
        return self.settings.patchcore.sigma_px

    @cached_property
    def origins(self) -> Array:
        """(m, 3) float32, the members' one after the other."""
        return multiple.origins(self.detectors)

    def score(self, features: Features) -> Scores:
        """Score pictures: the mean over members of scores, and of maps, over what is usual.

        Returns:
            Scores without unit, 1 for a usual good picture; nearest rows of the member that finds
            a patch oddest.
        """
        found = []
        for member, detector in enumerate(self.detectors):
            found.append(detector.score(_of_member(features, self.settings.levels_of(member))))
        image = np.mean([one.image / self.usual[k, 0] for k, one in enumerate(found)], axis=0)
        grids = np.stack([one.grid / self.usual[k, 1] for k, one in enumerate(found)])
        return replace(
            found[0],
            image=image.astype(np.float32),
            grid=grids.mean(axis=0).astype(np.float32),
            nearest=multiple.nearest(found, self.detectors, grids.argmax(axis=0)),
        )

    def arrays(self) -> dict[str, Array]:
        """Return the members' arrays, and what is usual."""
        return {**multiple.to_arrays(self.detectors), "usual": self.usual}

    def facts(self) -> dict[str, float]:
        """Return the number of members and of all their bank rows."""
        return {"members": len(self.detectors), "bank_rows": len(self.origins)}


@dataclass(frozen=True)
class _Part:
    """The features of one member, of all pictures or of those (not) kept out.

    Args:
        levels: none for all.
        kept_out: None for all pictures.
    """

    features: Iterable[Features]
    levels: tuple[int, ...]
    kept_out: bool | None = None

    def __iter__(self) -> Iterator[Features]:
        for batch in self.features:
            own = _of_member(batch, self.levels)
            if self.kept_out is None:
                yield own
                continue
            out = (np.arange(len(batch)) + batch.first) % EVERY == 1
            wanted = np.flatnonzero(out == self.kept_out)
            if len(wanted):
                yield Features(tuple(m[wanted] for m in own.maps), own.valid[wanted], own.first)


def _of_member(features: Features, levels: tuple[int, ...]) -> Features:
    """Return some of the levels, the first of them brought to the grid of all."""
    if not levels:
        return features
    maps = [features.maps[level] for level in levels]
    h, w = features.valid.shape[1:]
    if maps[0].shape[2:] != (h, w):
        rows, columns = (
            resize_matrix(s, g) for s, g in zip(maps[0].shape[2:], (h, w), strict=True)
        )
        xp = array_namespace(maps[0])
        maps[0] = xp.stack([both_axes(one, rows, columns) for one in maps[0]])
    return replace(features, maps=tuple(maps))
