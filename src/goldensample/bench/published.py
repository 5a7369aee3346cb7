"""The values that the paper reports, and the sources of its data sets."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from goldensample.datasets import LAYOUTS

CATEGORIES = (
    *("bottle", "cable", "capsule", "carpet", "grid", "hazelnut", "leather", "metal_nut"),
    *("pill", "screw", "tile", "toothbrush", "transistor", "wood", "zipper"),
)
"""Of MVTec AD, in the paper's order."""


@cache
def _numbers() -> dict[str, Any]:
    resource = files("goldensample.bench").joinpath("published.toml")
    return tomllib.loads(resource.read_text(encoding="utf-8"))


def lookup(suite: str, label: str, metric: str, value: Any = None) -> float | None:
    """Return the value that the paper reports for an entry, at a point of an axis if it has one."""
    reported: Any = _numbers().get(suite, {}).get(label, {}).get(metric)
    if value is not None:
        reported = (reported or {}).get(str(value))
    return None if reported is None else float(reported)


def labels(suite: str, metric: str) -> list[str]:
    """Return the methods for which the paper reports a metric in a suite."""
    return [label for label, metrics in _numbers().get(suite, {}).items() if metric in metrics]


def remark(label: str) -> str:
    """Return how an entry differs from the paper's; "" without a notable difference."""
    return str(_numbers()["remarks"].get(label.partition(" (")[0], ""))


def auroc_by_category(label: str) -> dict[str, float]:
    """Return a method's image AUROC by category of MVTec AD; empty where none is reported."""
    return dict(_numbers()["tableS1"].get(label, {}))


def methods_by_category() -> list[str]:
    """Return the methods for which the paper reports every category."""
    return list(_numbers()["tableS1"])


def source_of(pattern: str) -> str:
    """Return a data set's title, its address and its licence, from a pattern of its name."""
    name = pattern.rstrip("*") or "mvtec_ad"
    if name in LAYOUTS:
        layout = LAYOUTS[name]
        return f"{layout.title} ({layout.url}; {layout.licence})"
    return str(_numbers()["data_sets"].get(name, name))
