"""Zones: parts of every picture with a limit of their own.

In a zone, each patch distance is divided by the zone's limit before the image score, the heat map
or the nearest rows are computed. So all scores stay in one unit, that outside all zones, and one
threshold serves for all: its guarantee holds for the scores so scaled.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.locales.language import gettext
from goldensample.preparation.roi import RegionOfInterest
from goldensample.records import Array, Features

MIN_LIMIT, MAX_LIMIT = 0.01, 100.0
"""Range of limits; a zone beyond it should be cut from the ROI, or be fitted alone."""
MAX_NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of every picture with its own limit.

    Args:
        name: its name in results: 1 to 60 printable characters.
        limit: how many times the limit elsewhere a defect must exceed there: 2 is twice as
            tolerant, 0.5 twice as strict.
        where: the region.

    Raises:
        ValueError: the name or the limit is out of its range.
    """

    name: str
    limit: float
    where: RegionOfInterest

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= MAX_NAME_LENGTH or not self.name.isprintable():
            raise ValueError(
                f"a zone's name must be 1 to {MAX_NAME_LENGTH} printable characters; got "
                f"{self.name[:MAX_NAME_LENGTH]!r}"
            )
        if not MIN_LIMIT <= self.limit <= MAX_LIMIT:  # NaN is not
            raise ValueError(
                f"a zone's limit must be {MIN_LIMIT:g} to {MAX_LIMIT:g} times that elsewhere; that "
                f"of {self.name} is {self.limit}"
            )


Zones = tuple[Zone, ...]


def describe_limit(limit: float) -> str:
    """Return a zone's limit in words: describe_limit(2) is "limit 2 times that elsewhere"."""
    return gettext("limit %(times)s times that elsewhere") % {"times": f"{limit:g}"}


def check_names(zones: Zones) -> None:
    """Make sure that the names of zones are unique.

    Raises:
        ValueError: two zones have the same name.
    """
    names = [zone.name for zone in zones]
    duplicates = [name for k, name in enumerate(names) if name in names[:k]]
    if duplicates:
        raise ValueError(f"a zone must have a name of its own; {duplicates[0]} is there twice")


def zone_indices(zones: Zones, rows: Array, columns: Array) -> Array:
    """Return for a grid of points, as shares of the picture, the index of their zone.

    Args:
        zones: where two overlap, the later one holds: a small zone may follow one around it.
        rows: (k,) in [0, 1], from the top.
        columns: (l,) in [0, 1], from the left.

    Returns:
        (k, l) int: indices into `zones`; -1 outside all.
    """
    indices = np.full((len(rows), len(columns)), -1)
    for index, zone in enumerate(zones):
        indices[zone.where.contains(rows, columns)] = index
    return indices


def zone_limits(zones: Zones, indices: Array) -> Array:
    """Return the limits of the zones that `zone_indices` gives, float32; 1 outside all zones."""
    limits = np.array([*(zone.limit for zone in zones), 1.0], np.float32)  # index -1 is the last
    selected: Array = limits[indices]
    return selected


def patch_limits(features: Features, index: int, stride: int = 1) -> Array:
    """Return the limits of the valid patches of one picture, (k,) float32; 1 without zones.

    Args:
        features: of several pictures; not changed.
        index: of the picture.
        stride: of the patches along rows and columns.
    """
    valid = features.valid[index, ::stride, ::stride]
    if features.limits is None:
        return np.ones(int(valid.sum()), np.float32)
    limits: Array = features.limits[index, ::stride, ::stride][valid]
    return limits
