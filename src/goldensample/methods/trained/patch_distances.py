"""The fitted form of Patch SVDD: distances to the nearest good patches, of two sizes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from goldensample.methods.positions import centres
from goldensample.methods.trained.detector import TrainedDetector
from goldensample.methods.trained.inputs import average, picture_inputs
from goldensample.records import Array, Features, Scores
from goldensample.search.exact import NearestSearch

BLOCK = 4
"""Pixels of the network's picture beside each other that have one value in the map."""


@dataclass(frozen=True)
class PatchDetector:
    """A trained encoder of patches and the patches of the good pictures.

    Args:
        encoder: its graph is from (1, 3, side, side) to "small" and "large", each
            (1, latent, h, w): descriptors of patches of 32 and of 64 pixels.
        small, large: (n, latent) float32, descriptors of the good pictures' patches.
    """

    encoder: TrainedDetector
    small: Array
    large: Array

    @property
    def sigma_px(self) -> float:
        """Blur of the heat map in pixels of the canvas."""
        return self.encoder.sigma_px

    @property
    def losses(self) -> Array:
        """Of the training; see `TrainedDetector`."""
        return self.encoder.losses

    @cached_property
    def _searches(self) -> dict[int, tuple[str, NearestSearch]]:
        """By side of the patches: the name of the output, and the search."""
        return {32: ("small", NearestSearch(self.small)), 64: ("large", NearestSearch(self.large))}

    def score(self, features: Features) -> Scores:
        """Score pictures by the map's largest value, one after the other.

        Raises:
            ValueError: the features are of another shape than those of the fit.
        """
        side = self.encoder.settings.side
        grid = np.stack(
            [self._map(picture_inputs(features, index, side)[0]) for index in range(len(features))]
        )
        valid = np.stack([average(one, grid.shape[1:]) >= 0.5 for one in features.valid])
        grid = np.where(valid, grid, np.float32(0))
        nearest = np.full(grid.shape, -1, np.int32)
        return Scores(grid.max(axis=(1, 2)), grid, nearest, valid, centres(valid))

    def _map(self, pixels: Array) -> Array:
        """Return the product of both maps, (side / 4, side / 4) float32, of one picture."""
        outputs = self.encoder.runner.run(pixels)
        product = np.ones((len(pixels[0]) // BLOCK,) * 2, np.float32)
        for patch, (name, search) in self._searches.items():
            rows = rows_of(outputs[name])
            distances = search.find(rows)[0].reshape(outputs[name].shape[2:])
            product *= spread(distances, patch, len(pixels[0]))
        return product

    def arrays(self) -> dict[str, Array]:
        """Return the graph, the losses and the patches."""
        return self.encoder.arrays() | {"small": self.small, "large": self.large}

    def facts(self) -> dict[str, float]:
        """Return how many epochs were trained, the graph's megabytes, and the patches kept."""
        return self.encoder.facts() | {"patches": len(self.small) + len(self.large)}


def make_patch_detector(encoder: TrainedDetector, pictures: Array) -> PatchDetector:
    """Return the detector that keeps all patches of (n, 3, side, side) good pictures."""
    outputs = [encoder.runner.run(picture) for picture in pictures]
    banks = (np.concatenate([rows_of(one[name]) for one in outputs]) for name in ("small", "large"))
    return PatchDetector(encoder, *banks)


def rows_of(output: Array) -> Array:
    """Return (1, d, h, w) descriptors as (h · w, d) rows."""
    return np.ascontiguousarray(output[0].reshape(output.shape[1], -1).T)


def spread(distances: Array, patch: int, side: int) -> Array:
    """Return at each block the mean distance of the patches that it is in.

    Args:
        distances: (h, w) float32, of patches in even steps from border to border.
        patch: side of these in pixels.
        side: of the picture in pixels.

    Returns:
        (side / 4, side / 4) float32.
    """
    starts = np.linspace(0, side - patch, len(distances))[None]
    blocks = np.arange(0, side, BLOCK)[:, None]
    inside = ((starts <= blocks) & (blocks < starts + patch)).astype(np.float32)
    inside /= inside.sum(axis=1, keepdims=True)
    return np.asarray(inside @ distances @ inside.T, np.float32)
