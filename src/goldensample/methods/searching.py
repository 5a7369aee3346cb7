"""How the rows nearest to a patch are found, by the name that the knob gives."""

from typing import Protocol

from array_api_compat import is_numpy_array

from goldensample.approximate import KINDS, ApproximateSearch
from goldensample.neighbors import NearestSearch
from goldensample.records import Array

SEARCHES = ("exact", *KINDS)


class Search(Protocol):
    """Finds near rows of a bank; see `NearestSearch`."""

    @property
    def bank(self) -> Array: ...
    def find(self, queries: Array, count: int = 1) -> tuple[Array, Array]: ...


def open_search(bank: Array, kind: str) -> Search:
    """Return the search over a bank.

    Args:
        bank: (m, d) float32, NumPy, or torch for the exact search.
        kind: one of SEARCHES.
    """
    if kind == "exact":
        return NearestSearch(bank)
    if not is_numpy_array(bank):
        raise ValueError(f"search must be exact where torch runs the network; got {kind}")
    return ApproximateSearch(bank, kind)
