"""The nearest-neighbour searches over a bank, by the name of the knob."""

from typing import Protocol

from array_api_compat import device, is_numpy_array

from goldensample.arrays import array_namespace
from goldensample.records import Array
from goldensample.search.approximate import KINDS, ApproximateSearch
from goldensample.search.exact import NearestSearch
from goldensample.search.sharded import ShardedBank

SEARCHES = ("exact", *KINDS)


class Search(Protocol):
    """Finds the nearest rows of a bank; see `NearestSearch`."""

    @property
    def bank(self) -> Array | ShardedBank: ...
    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]: ...


def open_search(bank: Array | ShardedBank, kind: str, patches: Array) -> Search:
    """Return the search over a bank, on the device of the patches: NumPy or torch.

    Args:
        bank: (m, d) float32, or in shards.
        kind: one of SEARCHES; exact for torch, and for a bank in shards.
        patches: examples of the queries.
    """
    if isinstance(bank, ShardedBank):
        if kind != "exact":
            raise ValueError(f"search must be exact where the bank is in shards; got {kind}")
        return bank
    rows = array_namespace(patches).asarray(bank, device=device(patches))
    if kind == "exact":
        return NearestSearch(rows)
    if not is_numpy_array(rows):
        raise ValueError(f"search must be exact where torch runs the network; got {kind}")
    return ApproximateSearch(rows, kind)
