"""The scope of an inspection: what of every picture is looked at, and by which limits."""

from dataclasses import dataclass

import numpy as np

from goldensample.preparation.roi import MAX_CELLS, RegionOfInterest
from goldensample.preparation.zones import Zones, check_names, zone_indices, zone_limits
from goldensample.records import Array

SAMPLES = (np.arange(2 * MAX_CELLS) + 0.5) / (2 * MAX_CELLS)
"""Points along a side, as shares of it: at least one in every cell of any region."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is looked at, and where other limits hold.

    Args:
        view: the region of interest; None for the whole picture.
        zones: see `zones.zone_indices`.

    Raises:
        ValueError: two zones have the same name.
    """

    view: RegionOfInterest | None = None
    zones: Zones = ()

    def __post_init__(self) -> None:
        check_names(self.zones)

    def looked_at(self) -> Array:
        """Return (k, k) bool at `SAMPLES`, whether each is looked at."""
        if self.view is None:
            return np.ones((len(SAMPLES), len(SAMPLES)), bool)
        return self.view.contains(SAMPLES, SAMPLES)

    def limits(self) -> Array:
        """Return (k, k) float32 at `SAMPLES`: the divisors of distances."""
        return zone_limits(self.zones, zone_indices(self.zones, SAMPLES, SAMPLES))


def is_within(scope: Scope, other: Scope) -> bool:
    """Return whether all that one scope looks at is looked at in the other."""
    return not (scope.looked_at() & ~other.looked_at()).any()


def may_raise(before: Scope, after: Scope) -> bool:
    """Return whether a distance can be larger in a scope than it was in the one before."""
    if before == after:
        return False
    stricter = after.limits() < before.limits()
    return bool((after.looked_at() & (stricter | ~before.looked_at())).any())
