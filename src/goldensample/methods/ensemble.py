"""PatchCore on several networks: a memory bank for each, and scores brought to one scale."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from goldensample.arrays import array_namespace
from goldensample.features.patches import apply_to_axes, resize_matrix
from goldensample.methods import multiple
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Features, Notify, Scores, silent

HELD_OUT_STEP = 5
"""One of so many good pictures is held out to measure the usual scores of a member."""


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
        """Fit every member on all pictures, and measure its scores on some held out.

        The authors' code normalises by the smallest and largest score of the test set, which a
        production line does not have. Here each member is fitted twice: without every fifth good
        picture, to measure its mean score and mean largest distance on them, and with all of them.

        Args:
            features: of the good pictures, in order; at least two; read several times.
            notify: told as `PatchCore.fit` does.

        Cost: that of two fits for each member.
        """
        detectors, scales, patchcore = [], [], self.patchcore.without_auto()
        for member in range(self._count_members(features)):
            part = _MemberFeatures(features, self.levels_of(member))
            held_out_detector = patchcore.fit(replace(part, held_out=False), silent)
            scores = [held_out_detector.score(batch) for batch in replace(part, held_out=True)]
            if not scores:
                raise ValueError("an ensemble must have at least two pictures; got one")
            image = np.concatenate([batch.image for batch in scores])
            peaks = np.concatenate([batch.grid.max(axis=(1, 2)) for batch in scores])
            scales.append([max(float(values.mean()), 1e-9) for values in (image, peaks)])
            detectors.append(patchcore.fit(part, notify))
        return EnsembleDetector(self, tuple(detectors), np.asarray(scales))

    def _count_members(self, features: Iterable[Features]) -> int:
        """Return the number of members, and check the levels."""
        batch = next(iter(features), None)
        if batch is None:
            raise ValueError("fit must have at least one picture; got none")
        levels = len(batch.maps)
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
        scales = arrays.get("usual")
        is_valid = scales is not None and scales.shape == (count, 2) and scales.dtype == np.float64
        if scales is None or not is_valid or not (scales > 0).all():
            raise ValueError(f"usual must be ({count}, 2) numbers above 0; got {scales}")
        members = {name: array for name, array in arrays.items() if name != "usual"}
        detectors = multiple.restore_detectors(self.patchcore, members, count)
        return EnsembleDetector(self, detectors, scales)


@dataclass(frozen=True)
class EnsembleDetector:
    """A fitted ensemble.

    Args:
        settings: it was fitted with.
        detectors: of the members.
        scales: (k, 2) float64: each member's mean score and mean largest distance on good pictures
            held out of its bank.
    """

    settings: Ensemble
    detectors: tuple[PatchCoreDetector, ...]
    scales: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map, in pixels of the canvas."""
        return self.settings.patchcore.sigma_px

    @cached_property
    def origins(self) -> Array:
        """(m, 3) float32, the members' one after the other."""
        return multiple.concatenate_origins(self.detectors)

    def score(self, features: Features) -> Scores:
        """Score pictures: the mean over members of scores, and of maps, each over its scale.

        Returns:
            Scores without unit, 1 for an average good picture; nearest rows of the member with the
            largest scaled distance of a patch.
        """
        scores = []
        for member, detector in enumerate(self.detectors):
            scores.append(detector.score(_select_levels(features, self.settings.levels_of(member))))
        members = list(zip(scores, self.scales, strict=True))
        image = np.mean([member.image / scale[0] for member, scale in members], axis=0)
        grids = np.stack([member.grid / scale[1] for member, scale in members])
        return replace(
            scores[0],
            image=image.astype(np.float32),
            grid=grids.mean(axis=0).astype(np.float32),
            nearest=multiple.nearest_rows(scores, self.detectors, grids.argmax(axis=0)),
        )

    def arrays(self) -> dict[str, Array]:
        """Return the members' arrays, and their scales."""
        return {**multiple.to_arrays(self.detectors), "usual": self.scales}

    def facts(self) -> dict[str, float]:
        """Return the number of members and of all their bank rows."""
        return {"members": len(self.detectors), "bank_rows": len(self.origins)}


@dataclass(frozen=True)
class _MemberFeatures:
    """The features of one member, of all pictures or of those (not) held out.

    Args:
        levels: none for all.
        held_out: None for all pictures.
    """

    features: Iterable[Features]
    levels: tuple[int, ...]
    held_out: bool | None = None

    def __iter__(self) -> Iterator[Features]:
        for batch in self.features:
            selected = _select_levels(batch, self.levels)
            if self.held_out is None:
                yield selected
                continue
            is_held_out = (np.arange(len(batch)) + batch.first) % HELD_OUT_STEP == 1
            used = np.flatnonzero(is_held_out == self.held_out)
            if len(used):
                maps = tuple(level[used] for level in selected.maps)
                yield Features(maps, selected.valid[used], selected.first)


def _select_levels(features: Features, levels: tuple[int, ...]) -> Features:
    """Return features with some of the levels, the first of them resized to the grid of all."""
    if not levels:
        return features
    maps = [features.maps[level] for level in levels]
    h, w = features.valid.shape[1:]
    if maps[0].shape[2:] != (h, w):
        rows, columns = (
            resize_matrix(s, g) for s, g in zip(maps[0].shape[2:], (h, w), strict=True)
        )
        xp = array_namespace(maps[0])
        maps[0] = xp.stack([apply_to_axes(level, rows, columns) for level in maps[0]])
    return replace(features, maps=tuple(maps))
