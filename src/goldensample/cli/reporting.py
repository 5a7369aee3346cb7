"""The HTML report of a run: an empty page with its facts, and the finished file."""

from pathlib import Path

from goldensample.cli.console import tell
from goldensample.cli.summary import describe_method, summary
from goldensample.errors import ImageError
from goldensample.evaluation.evaluate import Evaluation
from goldensample.inspection.inspector import Inspector
from goldensample.preparation.zones import Zones, describe_limit
from goldensample.records import Inspection, Picture
from goldensample.report import Report
from goldensample.storage.atomic import write_atomic


def begin_report(inspector: Inspector, file: Path) -> Report:
    """Return an empty report with the facts of the fit."""
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
        "learned": f"{describe_method(inspector)} from {values['pictures']} good pictures",
        "preparation": prepared,
        **({"zones": describe_zones(preparation.zones)} if preparation.zones else {}),
    }
    return Report(file.stem, facts, inspector.threshold, inspector.pictures)


def describe_zones(zones: Zones) -> str:
    """Return in words each zone with its limit, and how the limits act on the page's numbers."""
    listed = "; ".join(
        f"{zone.name} ({zone.where.share:.1%} of the picture): {describe_limit(zone.limit)}"
        for zone in zones
    )
    return (
        f"{listed}. What lies in a zone counts over that limit, in scores, heat maps and distances "
        "alike, so the thresholds hold everywhere"
    )


def write_report(page: Report, path: Path, evaluation: Evaluation | None = None) -> None:
    """Write the report and print its path."""
    write_atomic(path, page.html(evaluation.as_json() if evaluation else None))
    tell(f"report: {path}")


def add_to_page(
    page: Report, name: str, picture: Picture | None, result: Inspection | ImageError
) -> None:
    """Add a picture to a report, readable or not."""
    if isinstance(result, ImageError):
        page.add_failure(name, str(result))
    elif picture:
        page.add(picture.pixels, result)
