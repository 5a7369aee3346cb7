"""A feature cache in memory, for benchmarks that inspect the same pictures repeatedly."""

from hashlib import sha256

import numpy as np

from goldensample.backbones.network import Backbone


class CachingBackbone:
    """A backbone that caches the features of every picture in memory."""

    def __init__(self, backbone: Backbone) -> None:
        self.network, self.precision = backbone.network, backbone.precision
        self._backbone = backbone
        self._cache: dict[bytes, tuple[np.ndarray, ...]] = {}

    def extract(self, images: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return feature maps, one array per level, as the backbone does."""
        keys = [sha256(image.tobytes()).digest() for image in images]
        missing = [k for k, key in enumerate(keys) if key not in self._cache]
        if missing:
            maps = self._backbone.extract(images[missing])
            for position, k in enumerate(missing):
                self._cache[keys[k]] = tuple(np.array(level[position]) for level in maps)
        cached = [self._cache[key] for key in keys]
        return tuple(np.stack(levels) for levels in zip(*cached, strict=True))
