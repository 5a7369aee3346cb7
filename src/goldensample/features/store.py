"""Stores of the features of a fit, which a method may read several times."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.errors import WeightsError
from goldensample.records import Array, Features


class ArrayStore(Protocol):
    """A store of named arrays that one task writes and another reads."""

    def has(self, name: str) -> bool:
        """Return whether the name is stored."""

    def get(self, name: str) -> Mapping[str, Array]:
        """Return the arrays of a name."""

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Store arrays atomically; storing the same ones again changes nothing."""


@runtime_checkable
class FeatureStore(Protocol):
    """A store of features in half precision, in parts of several pictures each.

    Parts may be written in any order, and by several processes if the store allows it.
    """

    @property
    def total(self) -> int:
        """Number of pictures of the fit, stored or not."""

    def __len__(self) -> int:
        """Return the number of pictures stored."""

    def has(self, first: int) -> bool:
        """Return whether the part that begins with this picture is stored."""

    def put(self, features: Features) -> None:
        """Store a part; its `first` is the index of its first picture."""

    def __iter__(self) -> Iterator[Features]:
        """Yield all parts, in order, in float32."""

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        """Return the parts with any of the pictures from `start` to `end`, exclusive.

        They are read anew by each iteration, in order.
        """

    def array_store(self, name: str) -> ArrayStore:
        """Return the store, by name, of intermediate arrays computed from the features."""


class InMemoryFeatureStore:
    """A `FeatureStore` in the memory of this process."""

    def __init__(self) -> None:
        self._parts: dict[int, Features] = {}
        self._array_stores: dict[str, InMemoryArrayStore] = {}

    @property
    def total(self) -> int:
        """Number of pictures stored: no others are known."""
        return len(self)

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def has(self, first: int) -> bool:
        """See `FeatureStore.has`."""
        return first in self._parts

    def put(self, features: Features) -> None:
        """See `FeatureStore.put`."""
        self._parts[features.first] = to_half_precision(features)

    def __iter__(self) -> Iterator[Features]:
        for first in sorted(self._parts):
            part = self._parts[first]
            yield replace(part, maps=tuple(level.astype(np.float32) for level in part.maps))

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        """See `FeatureStore.read_range`."""
        chosen = InMemoryFeatureStore()
        chosen._parts = {
            first: part
            for first, part in self._parts.items()
            if max(first, start) < min(first + len(part), end)
        }
        return chosen

    def array_store(self, name: str) -> ArrayStore:
        """See `FeatureStore.array_store`."""
        return self._array_stores.setdefault(name, InMemoryArrayStore())


class InMemoryArrayStore:
    """An `ArrayStore` in the memory of this process."""

    def __init__(self) -> None:
        self._arrays: dict[str, Mapping[str, Array]] = {}

    def has(self, name: str) -> bool:
        """See `ArrayStore.has`."""
        return name in self._arrays

    def get(self, name: str) -> Mapping[str, Array]:
        """See `ArrayStore.get`."""
        return self._arrays[name]

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """See `ArrayStore.put`."""
        self._arrays[name] = arrays


def to_half_precision(features: Features) -> Features:
    """Return features with NumPy maps in half precision.

    Raises:
        WeightsError: a value overflows.
    """
    with np.errstate(over="ignore"):
        maps = tuple(to_numpy(level).astype(np.float16) for level in features.maps)
    if not all(np.isfinite(level).all() for level in maps):
        raise WeightsError(
            "features must lie within half precision (65,504); this network's do not; scale its "
            "outputs"
        )
    return replace(features, maps=maps)
