"""The head of a report: what was inspected, when, by whom, and with which file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from goldensample._version import __version__
from goldensample.inspection.inspector import Inspector
from goldensample.preparation.zones import Zones, describe_limit
from goldensample.report.page import Report
from goldensample.wording.numbers import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What the pictures of a report are of.

    Args:
        lot: its name or number, or the folder of the pictures.
        operator: who inspected; "" leaves it out.
        date: when, in the words to show.
        file: name of the .golden file; "" for an inspector that is in none.
    """

    lot: str = ""
    operator: str = ""
    date: str = ""
    file: str = ""


def now() -> str:
    """Return the date and the time of this place, with its zone, as a report shows them."""
    return datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")


def new_report(inspector: Inspector, occasion: Occasion) -> Report:
    """Return an empty report with the facts of an occasion and of the fit."""
    title = occasion.lot or Path(occasion.file).stem or "Inspection"
    return Report(title, facts(inspector, occasion), inspector.threshold, inspector.pictures)


def facts(inspector: Inspector, occasion: Occasion) -> dict[str, str]:
    """Return the facts of an occasion and of the fit, name to value, in their order."""
    journal, network = inspector.journal, inspector.backbone.network
    revision = str(journal.head) if journal and journal.head else "0, as it was fitted"
    learned = len(journal.pictures(journal.head) if journal else inspector.pictures)
    values = {
        "lot": occasion.lot,
        "date": occasion.date,
        "operator": occasion.operator,
        "file": f"{occasion.file}, revision {revision}" if occasion.file else "",
        "version": f"goldensample {__version__}",
        "network": f"{network.name} ({network.source_sha256[:12]}…)",
        "levels": ", ".join(network.levels),
        "learned": f"{describe_method(inspector)} from {count(learned, 'good picture')}",
        "preparation": describe_preparation(inspector),
        "zones": describe_zones(inspector.preparation.zones),
    }
    return {name: value for name, value in values.items() if value}


def describe_method(inspector: Inspector) -> str:
    """Return the method and the sizes of what it fitted, in words."""
    facts = dict(inspector.detector.facts())
    choices = {"by_position": ", distances by position", "composition": ", composition judged"}
    chosen = [words for name, words in choices.items() if facts.pop(name, 0)]
    sizes = ", ".join(f"{name.replace('_', ' ')} {value:,g}" for name, value in facts.items())
    sizes += "".join(chosen)
    budget = getattr(inspector.method, "budget", None)
    return f"{inspector.method_name} ({f'budget {budget}, ' if budget else ''}{sizes})"


def describe_preparation(inspector: Inspector) -> str:
    """Return how pictures are brought to the network, in words."""
    preparation = inspector.preparation
    height, width = preparation.size_hw
    prepared = f"{preparation.mode} to {height}x{width}"
    if preparation.crop_hw:
        prepared += f", centre crop {preparation.crop_hw[0]}x{preparation.crop_hw[1]}"
    if preparation.view:
        prepared += f"; {preparation.view.share:.0%} of each picture is looked at"
    if preparation.reference:
        prepared += "; aligned to a reference picture"
    return prepared


def describe_zones(zones: Zones) -> str:
    """Return in words each zone with its limit, and how the limits act on the page's numbers."""
    listed = "; ".join(
        f"{zone.name} ({zone.where.share:.1%} of the picture): {describe_limit(zone.limit)}"
        for zone in zones
    )
    return listed and (
        f"{listed}. What lies in a zone counts over that limit, in scores, heat maps and distances "
        "alike, so the thresholds hold everywhere"
    )
