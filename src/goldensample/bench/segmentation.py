"""Segmentation F1 at a limit that good pictures set: what MVTec AD 2 asks beside AU-PRO.

The limit is the mean of all pixels of the validation pictures' heat maps and three standard
deviations: no defect is needed, and none is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np

from goldensample.inspection.inspector import Inspector
from goldensample.records import Array, Picture

DEVIATIONS = 3.0


@dataclass
class Segmentation:
    """Pixels of all test pictures, counted at one limit.

    Args:
        limit: a pixel is called defect where the heat map is larger.
        found, called, marked: pixels of defects called so, all called so, and all of defects.
    """

    limit: float
    found: int = 0
    called: int = 0
    marked: int = 0

    def add(self, heat_map: Array, mask: Array) -> None:
        """Count one picture: its heat map (H, W), and its mask (H, W) bool."""
        above = heat_map > self.limit
        self.found += int(np.count_nonzero(above & mask))
        self.called += int(np.count_nonzero(above))
        self.marked += int(np.count_nonzero(mask))

    def as_json(self) -> dict[str, Any]:
        """Return limit and F1 for a raw result; F1 is 0 where nothing is called or marked."""
        f1 = 2 * self.found / max(self.called + self.marked, 1)
        return {"limit": self.limit, "deviations": DEVIATIONS, "f1": f1}


def segmentation_at_limit(inspector: Inspector, good: Iterable[Picture]) -> Segmentation | None:
    """Return the count to begin with, its limit set on good pictures.

    Returns:
        None where there are no pictures, or the method has no heat map.
    """
    pixels, total, squares = 0, 0.0, 0.0
    for inspection in inspector.inspect_many(good):
        if inspection.heat_map is None:
            return None
        values = inspection.heat_map.astype(np.float64)
        pixels += values.size
        total += float(values.sum())
        squares += float(np.square(values).sum())
    if not pixels:
        return None
    mean = total / pixels
    return Segmentation(mean + DEVIATIONS * sqrt(max(squares / pixels - mean**2, 0.0)))
