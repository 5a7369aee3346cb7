"""PatchCore: a memory bank of good patches; pictures are scored by the distance to it.

Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from threading import Lock

import numpy as np
from array_api_compat import device, is_numpy_array

from goldensample.arrays import to_numpy
from goldensample.features.patches import flatten, join_levels
from goldensample.methods import image_scores
from goldensample.methods.composition import Composition
from goldensample.methods.corrections import defect_factors, distance_to_defects
from goldensample.methods.patchcore_checks import check_settings
from goldensample.methods.patchcore_parts import Parts, check_parts, to_arrays
from goldensample.methods.search import Search, open_search
from goldensample.methods.selection import fit_bank
from goldensample.preparation.zones import patch_limits
from goldensample.records import Array, Features, Notify, Scores, knob
from goldensample.runners import Runner, local_runner

_OPENING = Lock()
"""Threads that score at a time share one search: each would sort the bank, and keep a copy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchCore:
    """The settings of PatchCore; the defaults are the paper's where it names one."""

    coreset: float = knob(
        0.1,
        "share of patches kept, in (0, 1], or, above 1, a whole number of bank rows; 0 or auto "
        "grows the bank until more rows change nothing",
    )
    neighbourhood: int = knob(3, "side p of the window averaged around each patch; odd")
    stride: int = knob(1, "keep every s-th patch along rows and columns")
    depth: int = knob(
        0, "values per patch, pooled as in the authors' code; 0 joins the levels as they are"
    )
    subsampler: str = knob(
        "greedy", "how the bank is chosen: greedy (the paper's coreset), random or learned"
    )
    greedy: str = knob(
        "exact",
        "exact: the plain loop's picks; streaming: coresets of coresets, in bounded memory",
    )
    denoise: bool = knob(
        False, "leave out patches that hardly any other picture has the like of, before the coreset"
    )
    projection: int = knob(
        128,
        "depth of the random projection in which the coreset is chosen; 0 for none; patches "
        "no deeper than it are not projected",
    )
    neighbors: int = knob(9, "bank neighbours b that weigh the image score; 1 turns weighing off")
    image_score: str = knob(
        "maximum",
        "maximum: the paper's weighed maximum; top: mean of the largest 1 % of the distances; "
        "statistics: their mean, top, maximum and deviation against those of good pictures",
    )
    by_position: str = knob(
        "auto",
        "auto: distances are divided by what is usual at their position, where good pictures show "
        "that more is found; off: never; not with image_score statistics",
    )
    composition: str = knob(
        "auto",
        "judge as well how much of each kind of place a picture has, and where: finds what is "
        "missing, or too many; auto: where defects imagined in good pictures show that it helps "
        "and costs nothing; on: always, with distances by kind of place; off: never",
    )
    search: str = knob(
        "exact",
        "exact: the true nearest rows; ivfpq or hnsw: FAISS's approximations (extra faiss)",
    )
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    seed: int = knob(0, "of the random projection, which only patches deeper than it need")

    def __post_init__(self) -> None:
        check_settings(self)

    def fit(
        self, features: Iterable[Features], notify: Notify, runner: Runner = local_runner
    ) -> "PatchCoreDetector":
        """Build the memory bank: a coreset of the patches of good pictures.

        Args:
            features: of the good pictures, in order; read several times, always the same.
            notify: told ("patches", pictures read, pictures), then ("coreset", rows picked, rows of
                the bank), then ("coverage", pictures read, pictures).
            runner: of the work; no runner changes the result. Others than `local_runner` need a
                `FeatureStore` that all workers reach; see `cross_fitted.check_distributable`.

        Cost: memory for n·h·w points of the projection's depth; of a streaming coreset, for a
            bounded number of them beside the features' array store; time as `coreset.greedy`.
        """
        return PatchCoreDetector(self, *fit_bank(self, features, notify, runner))

    def without_auto(self) -> "PatchCore":
        """Return the settings with a composition only if it is asked for, for fits of folds."""
        return replace(self, composition="off") if self.composition == "auto" else self

    def counts(self, features: Features) -> list[int]:
        """Return how many patches each picture has."""
        return [int(valid.sum()) for valid in self._valid(features)]

    def _valid(self, features: Features) -> Array:
        """Return (n, h, w) bool on the grid of patches."""
        return features.valid[:, :: self.stride, :: self.stride]

    def patches_of(self, features: Features, index: int) -> tuple[Array, Array]:
        """Return the valid patches (k, d) of one picture and their centres (k, 2) as shares."""
        maps = tuple(level[index] for level in features.maps)
        grid = join_levels(maps, self.neighbourhood, self.stride, self.depth)
        rows, cells = flatten(grid, self._valid(features)[index])
        return rows, (cells.astype(np.float64) * self.stride + 0.5) / features.valid.shape[1:]

    def restore(self, arrays: Mapping[str, Array]) -> "PatchCoreDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or the shapes do not fit.
        """
        return PatchCoreDetector(self, *check_parts(arrays, self.image_score == "statistics"))


@dataclass(frozen=True)
class PatchCoreDetector:
    """A fitted PatchCore.

    Args:
        settings: the knobs it was fitted with.
        bank: (m, d) float32 patches, each value within half precision; or a `ShardedBank`.
        origins: (m, 3) float32: picture index, and the patch's centre as shares of the canvas.
        radius: no patch of the fit, except those removed by denoising, is farther than this from
            its nearest bank row, so a distance is at most this much larger than it would be with
            all of them in the bank.
        reference: (6, 4) float64, reference of image scores by statistics; see `image_scores`.
        defect_patches: (q, d) float32 patches of missed defects; see `corrections`.
        position_scale: (h, w) float32, what distances at each position are divided by; None for 1
            everywhere; see `position_scale`.
        composition: what is usual of it; None judges patches alone.
        evidence: (4,) float64, the values of an `imagined.Evidence`; None where it was not tried.
    """

    settings: PatchCore
    bank: Array
    origins: Array
    radius: float
    reference: Array | None = None
    defect_patches: Array | None = None
    position_scale: Array | None = None
    composition: Composition | None = None
    evidence: Array | None = None

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    def with_composition(self, found: Composition | None) -> "PatchCoreDetector":
        """Return this detector with another composition."""
        return replace(self, composition=found)

    @cached_property
    def _searches(self) -> dict[str, Search]:
        return {}

    def _search(self, patches: Array) -> Search:
        """Return the search over the bank on the device of the patches: NumPy or torch."""
        location = "numpy" if is_numpy_array(patches) else str(device(patches))
        with _OPENING:
            if location not in self._searches:
                self._searches[location] = open_search(self.bank, self.settings.search, patches)
            return self._searches[location]

    def score(self, features: Features) -> Scores:
        """Score pictures, one after the other, so that each scores as it does alone.

        Returns:
            Distances of the patches to the bank, divided by the limits where there are zones, and
            the image score of each picture.
        """
        valid = self.settings._valid(features)
        grid = np.zeros(valid.shape, np.float32)
        rows = np.full(valid.shape, -1, np.int32)
        image = np.zeros(len(valid), np.float32)
        speaks = self.composition and self.composition.speaks
        opinions = np.zeros((len(valid), 2), np.float32) if speaks else None
        for index in range(len(valid)):
            patches, _ = self.settings.patches_of(features, index)
            search = self._search(patches)
            bank_distance, row = (column[:, 0] for column in search.find(patches))
            defect_distance = distance_to_defects(patches, self.defect_patches)
            factor = defect_factors(bank_distance, defect_distance)
            factor = factor / self.patch_limits(features, index, row)
            distance = bank_distance * factor
            grid[index][valid[index]] = distance
            rows[index][valid[index]] = row
            worst = int(np.argmax(distance))
            patch = to_numpy(patches[worst])
            if self.reference is not None:
                image[index] = image_scores.mahalanobis_score(distance, self.reference)
            elif self.settings.image_score == "top":
                image[index] = image_scores.mean_of_top(distance)
            else:
                count = min(self.settings.neighbors, len(self.bank))
                pair = float(bank_distance[worst]), int(row[worst])
                image[index] = factor[worst] * image_scores.reweighted(search, count, patch, pair)
            if self.composition is not None and opinions is not None:
                opinions[index] = image[index], self.composition.score(rows[index])
                image[index] = opinions[index].max()
        centres = tuple(
            tuple((np.arange(0, cells, self.settings.stride) + 0.5) / cells)
            for cells in features.valid.shape[1:]
        )
        return Scores(image, grid, rows, valid, (centres[0], centres[1]), opinions=opinions)

    def patch_limits(self, features: Features, index: int, rows: Array | None = None) -> Array:
        """Return what a picture's patch distances (k,) are over, float32; also by nearest rows."""
        limits = patch_limits(features, index, self.settings.stride)
        if self.composition is not None and rows is not None:
            limits = limits * self.composition.divisors[self.composition.kinds[rows]]
        if self.position_scale is None:
            return limits
        valid = self.settings._valid(features)[index]
        if valid.shape != self.position_scale.shape:
            raise ValueError(
                f"patches must be on the grid of the fit, {self.position_scale.shape}; got "
                f"{valid.shape}"
            )
        scaled: Array = limits * self.position_scale[valid]
        return scaled

    def arrays(self) -> dict[str, Array]:
        """Return the arrays that `PatchCore.restore` takes."""
        names = (field.name for field in fields(self) if field.name != "settings")
        return to_arrays(Parts(*(getattr(self, name) for name in names)))

    def facts(self) -> dict[str, float]:
        """Return the bank's size, its radius, and what is judged beside plain distances."""
        rows, depth = self.bank.shape
        by = float(self.position_scale is not None)
        facts = {"bank_rows": rows, "depth": depth, "radius": self.radius, "by_position": by}
        return facts | {"composition": float(bool(self.composition and self.composition.speaks))}
