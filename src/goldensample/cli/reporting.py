"""Begin and finish the HTML report of a run."""

from pathlib import Path

from goldensample.cli.console import tell
from goldensample.cli.summary import fitted, summary
from goldensample.evaluation.evaluate import Evaluation
from goldensample.inspection.inspector import Inspector
from goldensample.preparation.zones import Zones, times
from goldensample.report import Report
from goldensample.storage.atomic import write_atomic


def start(inspector: Inspector, file: Path) -> Report:
    """Return an empty report that says what it rests on."""
    values = summary(inspector)
    preparation = inspector.preparation
    height, width = preparation.size_hw
    prepared = f"{preparation.mode} to {height}x{width}"
    if preparation.crop_hw:
        prepared += f", centre crop {preparation.crop_hw[0]}x{preparation.crop_hw[1]}"
    if preparation.view:
        prepared += f"; {preparation.view.share:.0%} of each picture is looked at"
    if preparation.reference:
        prepared += "; aligned to a reference picture"
    facts = {
        "file": file.name,
        "network": f"{values['network']} ({values['network_sha256'][:12]}…)",
        "levels": ", ".join(values["levels"]),
        "learned": f"{fitted(inspector)} from {values['pictures']} good pictures",
        "preparation": prepared,
        **({"zones": zones_in_words(preparation.zones)} if preparation.zones else {}),
    }
    return Report(file.stem, facts, inspector.threshold, inspector.pictures)


def zones_in_words(zones: Zones) -> str:
    """Return each zone with its limit, and what that means for the numbers on the page."""
    each = "; ".join(
        f"{zone.name} ({zone.where.share:.1%} of the picture): {times(zone.limit)}"
        for zone in zones
    )
    return (
        f"{each}. What lies in a zone counts over that limit, in scores, heat maps and distances "
        "alike, so the thresholds hold everywhere"
    )


def finish(page: Report, path: Path, evaluation: Evaluation | None = None) -> None:
    """Write the report and say where it is."""
    write_atomic(path, page.html(evaluation.as_json() if evaluation else None))
    tell(f"report: {path}")
