"""The head of a report: what was inspected, when, by whom, and with which file."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from goldensample._version import __version__
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import counted, gettext, mark
from goldensample.preparation.zones import Zones, describe_limit
from goldensample.report.page import Report
from goldensample.wording.limits import kept_aside


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
    title = occasion.lot or Path(occasion.file).stem or gettext("Inspection")
    return Report(title, facts(inspector, occasion), inspector.threshold, inspector.pictures)


def facts(inspector: Inspector, occasion: Occasion) -> dict[str, str]:
    """Return the facts of an occasion and of the fit, name to value, in their order."""
    journal, network = inspector.journal, inspector.backbone.network
    head = journal.head if journal else 0
    learned = len(journal.pictures(head) if journal else inspector.pictures)
    revision = gettext("%(file)s, revision %(revision)s") % {
        "file": occasion.file,
        "revision": head or gettext("0, as it was fitted"),
    }
    source = gettext("%(method)s from %(pictures)s") % {
        "method": describe_method(inspector),
        "pictures": counted("%(num)s good picture", "%(num)s good pictures", learned),
    }
    values = {
        gettext("lot"): occasion.lot,
        gettext("date"): occasion.date,
        gettext("operator"): occasion.operator,
        gettext("file"): revision if occasion.file else "",
        gettext("version"): f"goldensample {__version__}",
        gettext("network"): f"{network.name} ({network.source_sha256[:12]}…)",
        gettext("levels"): ", ".join(network.levels),
        gettext("learned"): source,
        gettext("kept aside"): kept_aside(inspector.hold_out),
        gettext("preparation"): describe_preparation(inspector),
        gettext("zones"): describe_zones(inspector.preparation.zones),
    }
    return {name: value for name, value in values.items() if value}


SIZES = (
    *(mark("folds"), mark("bank rows"), mark("members"), mark("depth"), mark("places")),
    *(mark("vectors"), mark("support vectors"), mark("rank"), mark("radius"), mark("patches")),
    *(mark("pooled depth"), mark("epochs"), mark("model mb"), mark("labelled defects")),
)
"""What methods count, as their facts name it."""


def describe_method(inspector: Inspector) -> str:
    """Return the method and the sizes of what it fitted, in words."""
    facts = dict(inspector.detector.facts())
    by_position = facts.pop("by_position", 0)
    composition = facts.pop("composition", 0)
    sizes = [f"{gettext(name.replace('_', ' '))} {value:,g}" for name, value in facts.items()]
    if budget := getattr(inspector.method, "budget", None):
        sizes.insert(0, gettext("budget %(name)s") % {"name": budget})
    sizes += [gettext("distances by position")] if by_position else []
    sizes += [gettext("composition judged")] if composition else []
    return f"{inspector.method_name} ({', '.join(sizes)})"


def describe_preparation(inspector: Inspector) -> str:
    """Return how pictures are brought to the network, in words."""
    preparation = inspector.preparation
    height, width = preparation.size_hw
    values = {"mode": preparation.mode, "size": f"{height}x{width}"}
    prepared = gettext("%(mode)s to %(size)s") % values
    if preparation.crop_hw:
        size = {"size": f"{preparation.crop_hw[0]}x{preparation.crop_hw[1]}"}
        prepared += gettext(", centre crop %(size)s") % size
    if preparation.view:
        share = {"share": f"{preparation.view.share:.0%}"}
        prepared += gettext("; %(share)s of each picture is looked at") % share
    if preparation.reference:
        prepared += gettext("; aligned to a reference picture")
    return prepared


def describe_zones(zones: Zones) -> str:
    """Return in words each zone with its limit, and how the limits act on the page's numbers."""
    text = gettext("%(name)s (%(share)s of the picture): %(limit)s")
    listed = "; ".join(
        text
        % {
            "name": zone.name,
            "share": f"{zone.where.share:.1%}",
            "limit": describe_limit(zone.limit),
        }
        for zone in zones
    )
    note = gettext(
        "%(zones)s. What lies in a zone counts over that limit, in scores, heat maps and distances "
        "alike, so the thresholds hold everywhere"
    )
    return listed and note % {"zones": listed}
