"""Zones: parts of every picture where another limit holds than elsewhere.

In a zone, each patch counts as its distance over the zone's limit, before a picture's score, the
map or the nearest rows are taken. So everything stays in one unit, that of the places outside all
zones, and one threshold serves for all: what it promises, it promises of this scoring.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.preparation.roi import View
from goldensample.records import Array, Features

LEAST, MOST = 0.01, 100.0
"""Range of limits: beyond it, a zone is nothing to look at or a picture of its own."""
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Zone:
    """A part of every picture with a limit of its own.

    Args:
        name: what results call it: 1 to 60 printable characters.
        limit: how many times the limit elsewhere a defect must exceed there: 2 is twice as
            tolerant, 0.5 twice as strict.
        where: the part.

    Raises:
        ValueError: the name or the limit is out of its range.
    """

    name: str
    limit: float
    where: View

    def __post_init__(self) -> None:
        if not 1 <= len(self.name) <= LONGEST or not self.name.isprintable():
            raise ValueError(
                f"a zone's name must be 1 to {LONGEST} printable characters; got "
                f"{self.name[:LONGEST]!r}"
            )
        if not LEAST <= self.limit <= MOST:  # NaN is not
            raise ValueError(
                f"a zone's limit must be {LEAST:g} to {MOST:g} times that elsewhere; that of "
                f"{self.name} is {self.limit}"
            )


Zones = tuple[Zone, ...]


def times(limit: float) -> str:
    """Return a zone's limit in words: times(2) is "limit 2 times that elsewhere"."""
    return f"limit {limit:g} times that elsewhere"


def check_names(zones: Zones) -> None:
    """Make sure that each zone can be told by its name.

    Raises:
        ValueError: two have the same.
    """
    names = [zone.name for zone in zones]
    twice = [name for k, name in enumerate(names) if name in names[:k]]
    if twice:
        raise ValueError(f"a zone must have a name of its own; {twice[0]} is there twice")


def numbers_at(zones: Zones, rows: Array, columns: Array) -> Array:
    """Tell for points, given as shares of the picture, which zone they are in.

    Args:
        zones: where two overlap, the later one counts: a small zone may follow one around it.
        rows: (k,) in [0, 1], from the top.
        columns: (l,) in [0, 1], from the left.

    Returns:
        (k, l) int: the place in `zones`; -1 elsewhere.
    """
    found = np.full((len(rows), len(columns)), -1)
    for number, zone in enumerate(zones):
        found[zone.where.at(rows, columns)] = number
    return found


def limits_of(zones: Zones, numbers: Array) -> Array:
    """Return the limits that hold where `numbers_at` told the zones, float32; elsewhere it is 1."""
    limits = np.array([*(zone.limit for zone in zones), 1.0], np.float32)  # the last one is at -1
    found: Array = limits[numbers]
    return found


def patch_limits(features: Features, index: int, stride: int = 1) -> Array:
    """Return the limits of the valid patches of one picture, (k,) float32; 1 without zones.

    Args:
        features: of several pictures; not changed.
        index: of the picture.
        stride: every how many-th patch along rows and columns counts.
    """
    valid = features.valid[index, ::stride, ::stride]
    if features.limits is None:
        return np.ones(int(valid.sum()), np.float32)
    limits: Array = features.limits[index, ::stride, ::stride][valid]
    return limits
