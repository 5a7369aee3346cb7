"""What is said of parts: the promise and the risk in words, verdicts as rows and as JSON values."""

from collections.abc import Mapping
from typing import Any

from goldensample.calibration.conformal import required_count
from goldensample.parts.inspector import PartInspection, PartInspector
from goldensample.parts.rule import Risk
from goldensample.records import Inspection
from goldensample.wording.limits import percent
from goldensample.wording.numbers import count

KINDS = {
    "defect": "defects",
    "good": "good",
    "error": "could not be judged",
}
"""What the parts with each verdict are called in a sum."""


def promise(part: PartInspector) -> str:
    """Return what the verdicts of a part promise, and what that rests on."""
    manifest = part.manifest
    asked, views = percent(manifest.false_alarms), len(manifest.views)
    if manifest.calibration:
        n = len(manifest.calibration.parts)
        return (
            f"of 100 good parts at most about {100 * manifest.false_alarms:.3g} are called "
            f"defects, on average. This was measured on {count(n, 'whole good part')}, so it holds "
            f"however the views depend on each other; it can be set down to {percent(1 / (n + 1))}"
        )
    if manifest.false_alarms * (1 + 1e-9) < part.least_rate:
        return (
            f"no verdicts yet: {asked} of good parts was asked for, and the views' own limits "
            f"support {percent(part.least_rate)} at the least; calibrate on whole good parts "
            f"({required_count(manifest.false_alarms)} or more)"
        )
    share = percent(manifest.false_alarms / views)
    text = f"a part is a defect where a view is, at {asked} / {count(views, 'view')} = {share} each"
    proven = part.proven_rate()
    if proven is None:
        return (
            f"{text}: about {asked} of good parts at most, an estimate and no promise, as the "
            "limits of a view are an estimate or were changed since its fit"
        )
    return (
        f"{text}: of good parts at most {percent(proven)} are called defects, and fewer where the "
        "views err on the same parts; calibrated on whole good parts it comes closer to "
        f"{asked} then"
    )


def risk_lines(rates: Mapping[str, float], found: Risk, wanted: float) -> list[str]:
    """Return what views with these rates of false alarms mean for parts, and what to set."""
    k = len(rates)
    lines = [f"view {name}: {percent(rate)}" for name, rate in rates.items() if k <= 10]
    lines.append(
        f"a part of {count(k, 'view')}, a defect where any view is one: about "
        f"{percent(found.independent)} of good parts where views err independently; between "
        f"{percent(found.least)} and {percent(found.most)} in any case"
    )
    share = wanted / k
    lines.append(
        f"for {percent(wanted)} of parts: set each view to {percent(share)}, which takes "
        f"{required_count(share):,} good pictures of each view kept out of its fit; or keep "
        f"{required_count(wanted):,} whole good parts aside for golden part calibrate"
    )
    return lines


def part_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a table of parts: those of the part, then four for each view."""
    own = (f"{name}_{kind}" for name in names for kind in ("verdict", "score", "p_value"))
    pictures = (f"{name}_picture" for name in names)
    return ("part", "serial", "verdict", "p_value", "view", "error", *own, *pictures)


def part_row(result: PartInspection) -> dict[str, Any]:
    """Return the row of a part, by the names in `part_columns`; what is not known is None."""
    row: dict[str, Any] = {
        "part": result.part,
        "serial": result.serial,
        "verdict": result.verdict,
        "p_value": result.p_value,
        "view": result.view or None,
        "error": result.error or None,
    }
    for name, (picture, view) in result.views.items():
        if isinstance(view, Inspection):
            row[f"{name}_verdict"], row[f"{name}_score"] = view.verdict, view.score
            row[f"{name}_p_value"] = view.p_value
            row[f"{name}_picture"] = picture.name if picture else view.name
        else:
            row[f"{name}_verdict"] = "error"
    return row


def part_line(result: PartInspection) -> str:
    """Return a part as one line for people."""
    line = f"{result.verdict:7}  {result.serial}"
    if result.error:
        return f"{line}  {result.error}"
    oddest = f"the oddest view is {result.view}" if len(result.views) > 1 else f"view {result.view}"
    return f"{line}  p {result.p_value:.3g}, {oddest}"


def sum_of(counts: Mapping[str, int]) -> str:
    """Return how many parts have which verdict: "2 of 40 parts are defects, 38 good"."""
    total = sum(counts.values())
    defects = f"{counts.get('defect', 0):,} of {count(total, 'part')} are defects"
    return ", ".join(
        [defects, *(f"{counts[k]:,} {w}" for k, w in KINDS.items() if k != "defect" and counts[k])]
    )
