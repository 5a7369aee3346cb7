"""Verdicts of many pictures: rows of a table, and their sum."""

from collections.abc import Mapping
from typing import Any

from goldensample.errors import ImageError
from goldensample.locales.language import counted, gettext, mark
from goldensample.records import Inspection, Threshold

COLUMNS = (
    "picture", "verdict", "score", "threshold", "review_threshold", "p_value", "regions",
    "row_px", "column_px", "area_px", "zone", "note", "error",
)  # fmt: skip
"""Place, size and zone are of the region that is farthest over the limit."""
KINDS = {
    "review": mark("%(count)s to look at again"),
    "good": mark("%(count)s good"),
    "none": mark("%(count)s without a verdict"),
    "error": mark("%(count)s could not be read"),
}
"""What the pictures with each verdict but "defect" are called in a sum."""


def failure_row(name: str, error: str) -> dict[str, Any]:
    """Return the row of a picture that could not be read."""
    return {"picture": name, "verdict": "error", "error": error}


def verdict_row(result: Inspection, limits: Threshold | None) -> dict[str, Any]:
    """Return the row of a picture, by the names in `COLUMNS`; what is not known is None."""
    values = {
        "picture": result.name,
        "verdict": result.verdict,
        "score": result.score,
        "threshold": limits.score if limits else None,
        "review_threshold": limits.review if limits else None,
        "p_value": result.p_value,
        "regions": len(result.regions),
        "note": result.note or None,
    }
    if result.regions:
        worst = max(result.regions, key=lambda region: region.peak)
        values["row_px"], values["column_px"] = worst.peak_px
        values |= {"area_px": worst.area_px, "zone": worst.zone or None}
    return values


def verdict_of(result: Inspection | ImageError) -> str:
    """Return "good", "review", "defect", "none" without limits, or "error"."""
    return "error" if isinstance(result, ImageError) else result.verdict or "none"


def sum_of(counts: Mapping[str, int]) -> str:
    """Return how many pictures have which verdict: "7 of 40 defects, 33 good"."""
    total = sum(counts.values())
    others = [
        gettext(text) % {"count": f"{counts[kind]:,}"}
        for kind, text in KINDS.items()
        if counts.get(kind)
    ]
    if counts.get("none") and not counts.get("defect"):
        pictures = counted("%(num)s picture", "%(num)s pictures", total)
        return f"{pictures}: {', '.join(others)}"
    defects = gettext("%(count)s of %(total)s defects")
    values = {"count": f"{counts.get('defect', 0):,}", "total": f"{total:,}"}
    return ", ".join([defects % values, *others])
