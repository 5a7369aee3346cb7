"""The figures that suites show: how each is read from a raw result and written in a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of merit.

    Args:
        title: with its unit.
        place: keys that lead to it in a raw result.
        factor: from the raw unit to the one shown.
        digits: behind the point.
        total: categories are added up, not averaged.
    """

    title: str
    place: tuple[str, ...]
    factor: float = 100.0
    digits: int = 1
    total: bool = False

    def of(self, raw: Mapping[str, Any]) -> float | None:
        """Return the figure of a raw result; None where it has none (no masks, no map)."""
        value: Any = raw
        for key in self.place:
            value = value.get(key)
            if value is None:
                return None
        if isinstance(value, dict):  # misclassified: false positives and negatives
            value = sum(value.values())
        return float(value) * self.factor

    def text(self, value: float) -> str:
        """Return a value as tables show it."""
        return f"{value:.{self.digits}f}"


FIGURES = {
    "image_auroc": Figure("image AUROC, %", ("evaluation", "image_auroc")),
    "pixel_auroc": Figure("pixel AUROC, %", ("evaluation", "pixel_auroc")),
    "pro": Figure("PRO, %", ("evaluation", "pro")),
    "misclassified": Figure("misclassified", ("evaluation", "misclassified"), 1, 0, True),
    "seconds": Figure("seconds an image", ("times", "seconds_per_image"), 1, 3),
}
