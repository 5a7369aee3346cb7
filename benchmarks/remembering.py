"""A network that computes each picture once: for benchmarks that look at the same ones often."""

from hashlib import sha256

import numpy as np

from goldensample.backbones.network import Backbone


class Remembering:
    """A backbone that keeps the features of every picture it has seen, in memory."""

    def __init__(self, backbone: Backbone) -> None:
        self.network, self.precision = backbone.network, backbone.precision
        self._backbone = backbone
        self._known: dict[bytes, tuple[np.ndarray, ...]] = {}

    def extract(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return feature maps, one array per level, as the backbone does."""
        keys = [sha256(image.tobytes()).digest() for image in images]
        new = [k for k, key in enumerate(keys) if key not in self._known]
        if new:
            maps = self._backbone.extract(images[new])
            for place, k in enumerate(new):
                self._known[keys[k]] = tuple(np.array(level[place]) for level in maps)
        found = [self._known[key] for key in keys]
        return tuple(np.stack(levels) for levels in zip(*found, strict=True))
