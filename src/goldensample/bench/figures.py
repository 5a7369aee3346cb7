"""The metrics of suites: how each is read from a raw result and formatted in a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Args:
        title: with its unit.
        keys: path of keys to it in a raw result.
        factor: from the raw unit to the one shown.
        digits: decimals.
        total: categories are summed, not averaged.
    """

    title: str
    keys: tuple[str, ...]
    factor: float = 100.0
    digits: int = 1
    total: bool = False

    def read(self, raw: Mapping[str, Any]) -> float | None:
        """Return the metric of a raw result; None where it has none (no masks, no map)."""
        value: Any = raw
        for key in self.keys:
            value = value.get(key)
            if value is None:
                return None
        if isinstance(value, dict):  # misclassified: false positives and negatives
            value = sum(value.values())
        return float(value) * self.factor

    def format(self, value: float) -> str:
        """Return a value formatted for tables."""
        return f"{value:.{self.digits}f}"


METRICS = {
    "image_auroc": Metric("image AUROC, %", ("evaluation", "image_auroc")),
    "pixel_auroc": Metric("pixel AUROC, %", ("evaluation", "pixel_auroc")),
    "pro": Metric("PRO, %", ("evaluation", "pro")),
    "pro_5": Metric("PRO to 5 %, %", ("evaluation", "pro_5")),
    "pixel_f1": Metric("pixel F1, %", ("evaluation", "pixel_f1")),
    "segmentation_f1": Metric(
        "pixel F1 at the validation pictures' limit, %", ("segmentation", "f1")
    ),
    "spro": Metric("sPRO to 30 %, %", ("evaluation", "spro")),
    "spro_5": Metric("sPRO to 5 %, %", ("evaluation", "spro_5")),
    "type_auroc": Metric("image AUROC, mean of the types, %", ("evaluation", "type_auroc")),
    **{
        f"image_auroc_view_c{number}": Metric(
            f"image AUROC of view C{number}, %", ("evaluation", "image_auroc_by_view", f"C{number}")
        )
        for number in range(1, 6)
    },
    "image_auroc_per_part": Metric(
        "image AUROC of whole parts, %", ("evaluation", "image_auroc_per_part")
    ),
    "misclassified": Metric("misclassified", ("evaluation", "misclassified"), 1, 0, True),
    "fit_seconds": Metric("seconds to fit", ("times", "fit_seconds"), 1, 0),
    "megabytes": Metric("MB of the file", ("file_bytes",), 1e-6, 1),
    "seconds": Metric("seconds an image", ("times", "seconds_per_image"), 1, 3),
}
