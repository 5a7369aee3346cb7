"""PatchCore: a memory bank of good patches, and the distance of the worst patch to it.

Source: Roth et al., Towards Total Recall in Industrial Anomaly Detection, CVPR 2022.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from array_api_compat import array_namespace, device, is_numpy_array

from goldensample import coreset
from goldensample.errors import WeightsError
from goldensample.neighbors import NearestSearch, to_numpy
from goldensample.patches import flatten, join_levels
from goldensample.records import Array, Features, Notify, Scores, knob


@dataclass(frozen=True, kw_only=True, slots=True)
class PatchCore:
    """The settings of PatchCore; the defaults are the paper's where it names one."""

    coreset: float = knob(
        0.1, "share of patches kept, in (0, 1], or, above 1, a whole number of bank rows"
    )
    neighbourhood: int = knob(3, "side p of the window averaged around each patch; odd")
    stride: int = knob(1, "keep every s-th patch along rows and columns")
    depth: int = knob(
        0, "values per patch, pooled as in the authors' code; 0 joins the levels as they are"
    )
    projection: int = knob(
        128,
        "depth of the random projection in which the coreset is chosen; 0 for none; patches "
        "no deeper than it are not projected",
    )
    neighbors: int = knob(9, "bank neighbours b that weigh the image score; 1 turns weighing off")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")
    seed: int = knob(0, "of the random projection, which only patches deeper than it need")

    def __post_init__(self) -> None:
        share = _is_number(self.coreset) and 0 < self.coreset <= 1
        rows = _is_number(self.coreset) and 1 < self.coreset < 2**31 and self.coreset % 1 == 0
        _check(share or rows, "coreset", "in (0, 1], or a whole number of rows above 1", self)
        blur = _is_number(self.sigma_px) and 0 <= self.sigma_px <= 1000
        _check(blur, "sigma_px", "in [0, 1000]", self)
        odd = _is_whole(self.neighbourhood) and self.neighbourhood % 2 == 1
        _check(odd, "neighbourhood", "an odd whole number", self)
        ranges = {
            "neighbourhood": (1, 63),
            "stride": (1, 64),
            "depth": (0, 8192),
            "projection": (0, 8192),
            "neighbors": (1, 10_000),
            "seed": (0, 2**63 - 1),
        }
        for name, (low, high) in ranges.items():
            inside = _is_whole(getattr(self, name)) and low <= getattr(self, name) <= high
            _check(inside, name, f"a whole number from {low} to {high}", self)

    def fit(self, features: Iterable[Features], notify: Notify) -> "PatchCoreDetector":
        """Collect the patches of good pictures and keep a coreset of them.

        Args:
            features: of the good pictures, in order; read once.
            notify: told ("coreset", rows picked, rows wanted).

        Cost: memory for n·h·w·d half-precision values; time as `coreset.greedy`.
        """
        patches, origins = self._collect(features)
        count = len(patches)
        rows = round(self.coreset * count) if self.coreset <= 1 else int(self.coreset)
        rows = min(max(rows, 1), count)
        picks = np.arange(count)
        if rows < count:
            points = coreset.project(patches, self.projection, self.seed)
            if points is patches:
                points = patches.astype(np.float32)
            chosen = coreset.greedy(points, rows, notify=lambda done: notify("coreset", done, rows))
            picks = chosen.picks
        return PatchCoreDetector(self, patches[picks].astype(np.float32), origins[picks])

    def _collect(self, features: Iterable[Features]) -> tuple[Array, Array]:
        """Return all patches, (k, d) float16, and their (picture, row share, column share)."""
        patches, origins = [], []
        for batch in features:
            for index in range(len(batch)):
                rows, places = self.patches_of(batch, index)
                with np.errstate(over="ignore"):
                    half = to_numpy(rows).astype(np.float16)
                if not np.isfinite(half).all():  # the features are finite: see inspector.extract
                    raise WeightsError(
                        "features must lie within half precision (65,504); this network's do "
                        "not; scale its outputs"
                    )
                patches.append(half)
                number = np.full((len(places), 1), batch.first + index)
                origins.append(np.hstack([number, places]).astype(np.float32))
        if not patches:
            raise ValueError("fit must have at least one picture; got none")
        return np.concatenate(patches), np.concatenate(origins)

    def patches_of(self, features: Features, index: int) -> tuple[Array, Array]:
        """Return the valid patches (k, d) of one picture and their centres (k, 2) as shares."""
        maps = tuple(level[index] for level in features.maps)
        grid = join_levels(maps, self.neighbourhood, self.stride, self.depth)
        rows, cells = flatten(grid, features.valid[index, :: self.stride, :: self.stride])
        if not len(rows):
            raise ValueError(f"stride must leave a patch on every picture; got {self.stride}")
        return rows, (cells.astype(np.float64) * self.stride + 0.5) / features.valid.shape[1:]

    def restore(self, arrays: Mapping[str, Array]) -> "PatchCoreDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing or the shapes do not fit.
        """
        bank, origins = arrays["bank"], arrays["origins"]
        if bank.ndim != 2 or not len(bank) or origins.shape != (len(bank), 3):
            raise ValueError(f"bank and origins must fit; got {bank.shape} and {origins.shape}")
        if set(arrays) != {"bank", "origins"}:
            raise ValueError(f"arrays must be bank and origins; got {', '.join(sorted(arrays))}")
        if (bank.dtype.name, origins.dtype.name) != ("float16", "float32"):
            raise ValueError(
                f"bank and origins must be float16 and float32; got {bank.dtype}, {origins.dtype}"
            )
        return PatchCoreDetector(self, bank.astype(np.float32), origins)


@dataclass(frozen=True)
class PatchCoreDetector:
    """A fitted PatchCore.

    Args:
        settings: the knobs it was fitted with.
        bank: (m, d) float32 patches, each value within half precision.
        origins: (m, 3) float32: picture index, and the patch's centre as shares of the canvas.
    """

    settings: PatchCore
    bank: Array
    origins: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    @cached_property
    def _searches(self) -> dict[str, NearestSearch]:
        return {}

    def _search(self, patches: Array) -> NearestSearch:
        """Return the search over the bank where the patches live: NumPy, or torch on a device."""
        place = str(device(patches)) if not is_numpy_array(patches) else "numpy"
        if place not in self._searches:
            xp = array_namespace(patches)
            bank = xp.asarray(self.bank, device=device(patches))
            self._searches[place] = NearestSearch(bank)
        return self._searches[place]

    def score(self, features: Features) -> Scores:
        """Score pictures, one after the other, so that each scores as it does alone.

        Returns:
            Distances of the patches to the bank, and per picture the paper's weighed maximum.
        """
        stride = self.settings.stride
        valid = features.valid[:, ::stride, ::stride]
        grid = np.zeros(valid.shape, np.float32)
        rows = np.full(valid.shape, -1, np.int32)
        image = np.zeros(len(valid), np.float32)
        for index in range(len(valid)):
            patches, _ = self.settings.patches_of(features, index)
            search = self._search(patches)
            distance, row = (found[:, 0] for found in search.find(patches))
            grid[index][valid[index]] = distance
            rows[index][valid[index]] = row
            worst = int(np.argmax(distance))
            patch = to_numpy(patches[worst])
            image[index] = self._weigh(search, patch, distance[worst], row[worst])
        centres = tuple(
            tuple((np.arange(0, cells, stride) + 0.5) / cells) for cells in features.valid.shape[1:]
        )
        return Scores(image, grid, rows, valid, (centres[0], centres[1]))

    def _weigh(self, search: NearestSearch, patch: Array, distance: float, row: int) -> float:
        """Return the re-weighted image score (equation 7), by log-sum-exp.

        With b = 1, or one bank row, the formula would give 0: the distance stays as it is.
        """
        count = min(self.settings.neighbors, len(self.bank))
        if count == 1:
            return float(distance)
        _, around = search.find(search.bank[row : row + 1], count)
        near = self.bank[around[0]].astype(np.float64) - patch
        lengths = np.sqrt(np.einsum("kd,kd->k", near, near))
        largest = lengths.max()
        log_sum = largest + np.log(np.exp(lengths - largest).sum())
        return float(distance * (1 - np.exp(distance - log_sum)))

    def arrays(self) -> dict[str, Array]:
        """Return the bank and the origin of each row."""
        return {"bank": self.bank.astype(np.float16), "origins": self.origins}

    def origin(self, row: int) -> tuple[int, float, float]:
        """Return a bank row's picture index and its centre as shares of the canvas."""
        picture, down, right = self.origins[row]
        return int(picture), float(down), float(right)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, float) and bool(np.isfinite(value)))


def _check(holds: bool, name: str, must: str, settings: PatchCore) -> None:
    """Refuse a wrong setting by its name."""
    if not holds:
        raise ValueError(f"{name} must be {must}; got {getattr(settings, name)!r}")
