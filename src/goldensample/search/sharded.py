"""A bank in shards, larger than one machine's memory, searched as if it were whole."""

from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from goldensample.arrays import to_numpy
from goldensample.records import Array
from goldensample.runners import States
from goldensample.search.exact import NearestSearch


@dataclass(frozen=True, slots=True)
class BankShard:
    """Some rows of a bank that follow each other, and the search over them; a state.

    Args:
        first: number of its first row.
        search: over its rows, one at least.
    """

    first: int
    search: NearestSearch


def bank_shard(first: int, rows: Array) -> BankShard:
    """Return a shard of a bank.

    Args:
        first: number of its first row.
        rows: (k, d) float16 or float32; not changed.
    """
    return BankShard(first, NearestSearch(np.array(rows, np.float32)))


class ShardedBank:
    """A bank whose rows lie in shards, and the exact search over it, as `NearestSearch` is.

    Each shard gives its nearest rows, with their squared distances in float64, which hang on query
    and row alone. The nearest of these, by distance and row, are those of one search over all rows,
    ties included: what is not among the nearest of its shard is not among the nearest.

    Args:
        states: shards, in the order of their rows.

    Attributes:
        shape: (m, d).
    """

    def __init__(self, states: States[BankShard]) -> None:
        self._states = states
        firsts, shapes = zip(*states.ask(_place, None), strict=True)
        ends = list(accumulate(rows for rows, _ in shapes))
        if list(firsts) != [0, *ends[:-1]]:
            raise ValueError(f"each shard must go on where the last ended; got {list(firsts)}")
        self.shape = ends[-1], shapes[0][1]

    @property
    def bank(self) -> "ShardedBank":
        """The rows that are searched: itself."""
        return self

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        """Return rows by a slice or an array of numbers, (k, d) float32."""
        chosen = range(len(self))[rows] if isinstance(rows, slice) else rows
        numbers = np.asarray(chosen, np.int64)
        found = np.empty((len(numbers), self.shape[1]), np.float32)
        for at, part in self._states.ask(_rows, numbers):
            found[at] = part
        return found

    def astype(self, kind: object) -> Array:
        """Refuse to gather the rows.

        Raises:
            ValueError: always.
        """
        raise ValueError("a bank in shards must stay there; take the file that it was read from")

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query; see `NearestSearch.find`."""
        found = self._states.ask(_nearest, (to_numpy(queries), count))
        squared, rows = (np.concatenate(part, axis=1) for part in zip(*found, strict=True))
        order = np.lexsort((rows, squared), axis=1)[:, :count]
        nearest = np.take_along_axis(squared, order, axis=1)
        return np.sqrt(nearest).astype(np.float32), np.take_along_axis(rows, order, axis=1)


def cuts(rows: int, shards: int) -> list[tuple[int, int]]:
    """Return the first row of each of some shards, and the one after its last; none is empty."""
    edges = np.linspace(0, rows, min(rows, shards) + 1).astype(int).tolist()
    return list(pairwise(edges))


def _place(shard: BankShard, message: None) -> tuple[int, tuple[int, int]]:
    rows, depth = shard.search.bank.shape
    return shard.first, (rows, depth)


def _rows(shard: BankShard, numbers: Array) -> tuple[Array, Array]:
    """Return which of some rows are here, as places in the list, and these rows."""
    local = numbers - shard.first
    at = np.flatnonzero((local >= 0) & (local < len(shard.search.bank)))
    return at, shard.search.bank[local[at]]


def _nearest(shard: BankShard, message: tuple[Array, int]) -> tuple[Array, Array]:
    """Return squared distances, float64, and numbers of the nearest rows here."""
    queries, count = message
    squared, rows = shard.search.find_squared(queries, min(count, len(shard.search.bank)))
    return squared, rows + shard.first
