"""SPADE: distance to the good pictures nearest to the picture, and to their patches.

Source: Cohen and Hoshen, Sub-Image Anomaly Detection with Deep Pyramid Correspondences, 2020
(arXiv 2005.02357).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldensample.methods.pooled import pool_picture
from goldensample.methods.positions import centres, join_picture, valid_positions
from goldensample.methods.validation import check_arrays, check_integer, check_number
from goldensample.records import Array, Features, Notify, Scores, knob
from goldensample.search.exact import NearestSearch

BLOCK_BYTES = 2**26
"""Patches of good pictures searched at a time; changes the speed only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SPADE:
    """The settings of SPADE; the defaults are the paper's."""

    pictures: int = knob(50, "good pictures K, those most like the picture, that it is compared to")
    sigma_px: float = knob(4.0, "blur of the heat map, in pixels of the network's picture")

    def __post_init__(self) -> None:
        check_integer(self, "pictures", 1, 100_000)
        check_number(self, "sigma_px", 0, 1000)

    def fit(self, features: Iterable[Features], notify: Notify) -> "SPADEDetector":
        """Store all patches of all good pictures, and each picture's pooled last level.

        The paper pools the network's last level, before its classifier. Here it is the last of
        the levels given, which are also those of the patches: with levels 1, 2 and 3 of a ResNet,
        level 3 replaces the paper's level 4.

        Args:
            features: of the good pictures, in order; read twice.
            notify: told ("patches", pictures read, pictures).

        Cost: memory and file 2·n·h·w·d bytes: 470 MB for 167 pictures at 56x56 with d = 448.
        """
        valid = valid_positions(features)
        gallery, vectors = np.empty((0, 0, 0), np.float16), list[Array]()
        for batch in features:
            for index in range(len(batch)):
                patches = join_picture(batch, index)
                if not vectors:
                    gallery = np.empty((len(valid), *patches.shape), np.float16)
                gallery[len(vectors)] = patches
                vectors.append(pool_picture(batch, index)[-1])
            notify("patches", len(vectors), len(valid))
        return SPADEDetector(self, gallery, np.stack(vectors), valid)

    def restore(self, arrays: Mapping[str, Array]) -> "SPADEDetector":
        """Rebuild the detector from its arrays.

        Raises:
            ValueError: an array is missing, or their kinds or shapes do not fit.
        """
        shapes = {
            "gallery": ("pictures", "places", "d"),
            "pooled": ("pictures", "d_last"),
            "valid": ("pictures", "h", "w"),
        }
        check_arrays(arrays, shapes, {"gallery": "float16", "valid": "bool"})
        gallery, pooled_last, valid = (arrays[name] for name in shapes)
        if valid[0].size != gallery.shape[1] or not valid.any(axis=(1, 2)).all():
            raise ValueError(f"valid must be of {gallery.shape[1]} places; got {valid.shape}")
        return SPADEDetector(self, gallery, pooled_last, valid)


@dataclass(frozen=True)
class SPADEDetector:
    """A fitted SPADE.

    Args:
        settings: the knobs it was fitted with.
        gallery: (n, h·w, d) float16, all patches of the good pictures.
        pooled: (n, d of the last level) float32, that level's mean over each picture.
        valid: (n, h, w) bool, where the good pictures have patches.
    """

    settings: SPADE
    gallery: Array
    pooled: Array
    valid: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.settings.sigma_px

    @cached_property
    def origins(self) -> Array:
        """(n·h·w, 3) float32: each row's picture index, and its centre as shares of the canvas."""
        rows, columns = centres(self.valid)
        axes = np.meshgrid(np.arange(len(self.valid)), rows, columns, indexing="ij")
        return np.stack(axes, axis=-1).reshape(-1, 3).astype(np.float32)

    def score(self, features: Features) -> Scores:
        """Score pictures, one after the other, so that each scores as it does alone.

        Returns:
            Per position the distance to the nearest patch of the K good pictures nearest to the
            picture, and per picture the mean distance to these K, by the pooled last level.

        Cost: at most K·(h·w)²·d multiplications a picture: some seconds at 56x56 with d = 448.
        """
        valid = features.valid
        grid = np.zeros(valid.shape, np.float32)
        rows = np.full(valid.shape, -1, np.int32)
        image = np.zeros(len(valid), np.float32)
        for index in range(len(valid)):
            chosen, image[index] = self._nearest_pictures(pool_picture(features, index)[-1])
            patches = join_picture(features, index)[valid[index].reshape(-1)]
            distances, nearest = self._nearest_patches(patches, chosen)
            grid[index][valid[index]], rows[index][valid[index]] = distances, nearest
        return Scores(image, grid, rows, valid, centres(valid))

    def _nearest_pictures(self, vector: Array) -> tuple[Array, float]:
        """Return the K good pictures nearest by pooled levels, and their mean distance."""
        difference = self.pooled - vector
        distances = np.sqrt(np.einsum("nd,nd->n", difference, difference))
        chosen = np.argsort(distances, kind="stable")[: self.settings.pictures]
        return chosen, float(distances[chosen].mean())

    def _nearest_patches(self, patches: Array, chosen: Array) -> tuple[Array, Array]:
        """Return the distances (k,) to, and the rows (k,) of, the nearest patches of pictures."""
        positions, depth = self.gallery.shape[1:]
        step = max(1, BLOCK_BYTES // (4 * positions * depth))
        nearest, rows = np.full(len(patches), np.inf, np.float32), np.zeros(len(patches), int)
        for start in range(0, len(chosen), step):
            block = chosen[start : start + step]
            picture, position = np.nonzero(self.valid[block].reshape(len(block), -1))
            bank = self.gallery[block[picture], position].astype(np.float32)
            distance, row = (column[:, 0] for column in NearestSearch(bank).find(patches))
            closer = distance < nearest
            nearest[closer] = distance[closer]
            rows[closer] = (block[picture] * positions + position)[row[closer]]
        return nearest, rows

    def arrays(self) -> dict[str, Array]:
        """Return the patches, the pooled levels, and where the patches are."""
        return {"gallery": self.gallery, "pooled": self.pooled, "valid": self.valid}

    def facts(self) -> dict[str, float]:
        """Return the number of patches, their depth, and that of the level that is pooled."""
        depth = self.gallery.shape[2]
        patches = int(self.valid.sum())
        return {"patches": patches, "depth": depth, "pooled_depth": self.pooled.shape[1]}
