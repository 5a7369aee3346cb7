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
class StoredFeatures(Protocol):
    """Features that any process reads by ranges of pictures."""

    @property
    def total(self) -> int:
        """Number of pictures of the fit, stored or not."""

    def __iter__(self) -> Iterator[Features]:
        """Yield all parts, in order, in float32."""

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        """Return the parts with any of the pictures from `start` to `end`, exclusive.

        They are read anew by each iteration, in order.
        """

    def array_store(self, name: str) -> ArrayStore:
        """Return the store, by name, of intermediate arrays computed from the features."""


@runtime_checkable
class FeatureStore(StoredFeatures, Protocol):
    """A store of features in half precision, in parts of several pictures each.

    Parts may be written in any order, and by several processes if the store allows it.
    """

    def __len__(self) -> int:
        """Return the number of pictures stored."""

    def has(self, first: int) -> bool:
        """Return whether the part that begins with this picture is stored."""

    def put(self, features: Features) -> None:
        """Store a part; its `first` is the index of its first picture."""


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


def require_store(features: Iterable[Features]) -> StoredFeatures:
    """Return features that other processes can read.

    Raises:
        ValueError: they are not in a store.
    """
    if not isinstance(features, StoredFeatures):
        raise ValueError("a runner must go with features that are kept in a store; they are not")
    return features


def array_store_of(features: Iterable[Features], name: str) -> ArrayStore:
    """Return the array store, by name, that the features have, or else one in memory."""
    open_store = getattr(features, "array_store", None)
    return InMemoryArrayStore() if open_store is None else open_store(name)


class SequentialReader:
    """Reads ranges of features that can only be iterated from the start.

    A range that starts at or after the end of the previous one continues the iteration.
    """

    def __init__(self, features: Iterable[Features]) -> None:
        self._features, self._iterator = features, iter(features)
        self._position = 0  # of the next picture
        self._batch: Features | None = None  # which starts there, if it was read already

    def read_range(self, start: int, end: int) -> Iterator[Features]:
        """See `FeatureStore.read_range`."""
        if start < self._position:
            self._iterator, self._position, self._batch = iter(self._features), 0, None
        while self._position < end:
            batch = self._batch or replace(next(self._iterator), first=self._position)
            stop = self._position + len(batch)
            if stop > start:
                yield batch
            if stop > end:
                self._batch = batch
                return
            self._position, self._batch = stop, None

    def array_store(self, name: str) -> ArrayStore:
        """See `FeatureStore.array_store`."""
        return array_store_of(self._features, name)
