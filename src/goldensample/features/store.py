"""Where the features of a fit are kept, for as many readings as a method needs."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.errors import WeightsError
from goldensample.records import Array, Features


class ArrayStore(Protocol):
    """Keeps named arrays that one task makes and another reads."""

    def has(self, name: str) -> bool:
        """Return whether arrays of this name are there."""

    def get(self, name: str) -> Mapping[str, Array]:
        """Return arrays."""

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """Keep arrays whole or not at all; the same ones a second time change nothing."""


@runtime_checkable
class FeatureStore(Protocol):
    """Keeps features in half precision, in parts of some pictures each.

    Parts may come in any order, and from several processes if the store says so.
    """

    @property
    def total(self) -> int:
        """Pictures of the fit, kept already or not."""

    def __len__(self) -> int:
        """Return the number of pictures kept."""

    def has(self, first: int) -> bool:
        """Return whether the part that begins with this picture is kept."""

    def put(self, features: Features) -> None:
        """Keep a part; its `first` says where it belongs."""

    def __iter__(self) -> Iterator[Features]:
        """Give all parts, in order, in float32."""

    def between(self, start: int, end: int) -> Iterable[Features]:
        """Return the parts that hold any of the pictures from `start` up to, not with, `end`.

        They are read each time anew, in order.
        """

    def aside(self, name: str) -> ArrayStore:
        """Return a place, by name, for what is made of the features on the way to a bank."""


class InMemory:
    """A `FeatureStore` in the memory of this process."""

    def __init__(self) -> None:
        self._parts: dict[int, Features] = {}
        self._aside: dict[str, InMemoryArrays] = {}

    @property
    def total(self) -> int:
        """Those kept: it does not know of others."""
        return len(self)

    def __len__(self) -> int:
        return sum(map(len, self._parts.values()))

    def has(self, first: int) -> bool:
        """See `FeatureStore.has`."""
        return first in self._parts

    def put(self, features: Features) -> None:
        """See `FeatureStore.put`."""
        self._parts[features.first] = halved(features)

    def __iter__(self) -> Iterator[Features]:
        for first in sorted(self._parts):
            part = self._parts[first]
            yield replace(part, maps=tuple(level.astype(np.float32) for level in part.maps))

    def between(self, start: int, end: int) -> Iterable[Features]:
        """See `FeatureStore.between`."""
        chosen = InMemory()
        chosen._parts = {
            first: one
            for first, one in self._parts.items()
            if max(first, start) < min(first + len(one), end)
        }
        return chosen

    def aside(self, name: str) -> ArrayStore:
        """See `FeatureStore.aside`."""
        return self._aside.setdefault(name, InMemoryArrays())


class InMemoryArrays:
    """An `ArrayStore` in the memory of this process."""

    def __init__(self) -> None:
        self._kept: dict[str, Mapping[str, Array]] = {}

    def has(self, name: str) -> bool:
        """See `ArrayStore.has`."""
        return name in self._kept

    def get(self, name: str) -> Mapping[str, Array]:
        """See `ArrayStore.get`."""
        return self._kept[name]

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """See `ArrayStore.put`."""
        self._kept[name] = arrays


def halved(features: Features) -> Features:
    """Return features with NumPy maps in half precision.

    Raises:
        WeightsError: a value does not fit.
    """
    with np.errstate(over="ignore"):
        maps = tuple(to_numpy(level).astype(np.float16) for level in features.maps)
    if not all(np.isfinite(level).all() for level in maps):
        raise WeightsError(
            "features must lie within half precision (65,504); this network's do not; scale its "
            "outputs"
        )
    return replace(features, maps=maps)
