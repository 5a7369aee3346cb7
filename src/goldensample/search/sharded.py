"""Exact search in a bank that is sharded over the memory of several machines."""

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
    """Consecutive rows of a bank, and the search over them; a state of a `Runner`.

    Args:
        first: index of its first row.
        search: over its rows, one at least.
    """

    first: int
    search: NearestSearch


def make_shard(first: int, rows: Array) -> BankShard:
    """Return a shard of a bank.

    Args:
        first: index of its first row.
        rows: (k, d) float16 or float32; not changed.
    """
    return BankShard(first, NearestSearch(np.array(rows, np.float32)))


class ShardedBank:
    """A bank in shards, and the exact search over it, with the interface of `NearestSearch`.

    Each shard returns its nearest rows, with squared distances in float64, which depend on query
    and row alone. The nearest of these, by distance and row, are those of one search over all rows,
    ties included: a row that is not among the nearest of its shard is not among the nearest.

    Args:
        states: shards, in the order of their rows.

    Attributes:
        shape: (m, d).
    """

    def __init__(self, states: States[BankShard]) -> None:
        self._states = states
        firsts, shapes = zip(*states.query(_extent, None), strict=True)
        ends = list(accumulate(rows for rows, _ in shapes))
        if list(firsts) != [0, *ends[:-1]]:
            raise ValueError(f"each shard must go on where the last ended; got {list(firsts)}")
        self.shape = ends[-1], shapes[0][1]

    @property
    def bank(self) -> "ShardedBank":
        """The bank that is searched: itself."""
        return self

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Array:
        """Return rows by a slice or an array of indices, (k, d) float32."""
        chosen = range(len(self))[rows] if isinstance(rows, slice) else rows
        indices = np.asarray(chosen, np.int64)
        result = np.empty((len(indices), self.shape[1]), np.float32)
        for positions, part in self._states.query(_rows, indices):
            result[positions] = part
        return result

    def astype(self, kind: object) -> Array:
        """Refuse to gather the rows.

        Raises:
            ValueError: always.
        """
        raise ValueError("a bank in shards must stay there; take the file that it was read from")

    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]:
        """Find the nearest rows of each query; see `NearestSearch.find`."""
        results = self._states.query(_nearest, (to_numpy(queries), count))
        squared, rows = (np.concatenate(part, axis=1) for part in zip(*results, strict=True))
        order = np.lexsort((rows, squared), axis=1)[:, :count]
        nearest = np.take_along_axis(squared, order, axis=1)
        return np.sqrt(nearest).astype(np.float32), np.take_along_axis(rows, order, axis=1)


def shard_bounds(rows: int, shards: int) -> list[tuple[int, int]]:
    """Return (first row, end) of each shard; at most `shards`, none empty."""
    edges = np.linspace(0, rows, min(rows, shards) + 1).astype(int).tolist()
    return list(pairwise(edges))


def _extent(shard: BankShard, message: None) -> tuple[int, tuple[int, int]]:
    rows, depth = shard.search.bank.shape
    return shard.first, (rows, depth)


def _rows(shard: BankShard, indices: Array) -> tuple[Array, Array]:
    """Return the positions in `indices` of the rows in this shard, and these rows."""
    local = indices - shard.first
    positions = np.flatnonzero((local >= 0) & (local < len(shard.search.bank)))
    return positions, shard.search.bank[local[positions]]


def _nearest(shard: BankShard, message: tuple[Array, int]) -> tuple[Array, Array]:
    """Return squared distances, float64, and indices of the nearest rows in this shard."""
    queries, count = message
    squared, rows = shard.search.find_squared(queries, min(count, len(shard.search.bank)))
    return squared, rows + shard.first
