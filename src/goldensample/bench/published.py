"""The paper's own numbers, and where its data sets are to be had."""

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
    place = files("goldensample.bench").joinpath("published.toml")
    return tomllib.loads(place.read_text(encoding="utf-8"))


def number(suite: str, label: str, figure: str, value: Any = None) -> float | None:
    """Return what the paper reports for an entry, at a value along an axis if there is one."""
    found: Any = _numbers().get(suite, {}).get(label, {}).get(figure)
    if value is not None:
        found = (found or {}).get(str(value))
    return None if found is None else float(found)


def labels(suite: str, figure: str) -> list[str]:
    """Return the methods for which the paper reports a figure in a suite."""
    return [label for label, said in _numbers().get(suite, {}).items() if figure in said]


def remark(label: str) -> str:
    """Return in what an entry of ours differs from the paper's; "" where in nothing of note."""
    return str(_numbers()["remarks"].get(label.partition(" (")[0], ""))


def by_category(label: str) -> dict[str, float]:
    """Return a method's image AUROC by category of MVTec AD; empty where none is reported."""
    return dict(_numbers()["tableS1"].get(label, {}))


def methods_by_category() -> list[str]:
    """Return the methods for which the paper reports every category."""
    return list(_numbers()["tableS1"])


def where_to_get(pattern: str) -> str:
    """Return a data set's title, its address and its licence, from a pattern of its name."""
    name = pattern.rstrip("*") or "mvtec_ad"
    if name in LAYOUTS:
        layout = LAYOUTS[name]
        return f"{layout.title} ({layout.where}; {layout.licence})"
    return str(_numbers()["data_sets"].get(name, name))
