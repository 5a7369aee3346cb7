"""A summary of what was fitted, as JSON values and in words."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from goldensample.cli.console import tell
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.journal import Journal
from goldensample.locales.language import counted, gettext
from goldensample.methods.composition_fit import LEAST_PICTURES
from goldensample.methods.imagined import Evidence
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.report.facts import describe_method
from goldensample.wording.intake import intake_json


def summary(inspector: Inspector) -> dict[str, Any]:
    """Return what was fitted as JSON values."""
    limit, method, journal = inspector.threshold, inspector.method, inspector.journal
    kept = inspector.hold_out
    selection = {"chosen_by": describe_selection(method)} if isinstance(method, PatchCore) else {}
    return {
        "network": inspector.backbone.network.name,
        "network_sha256": inspector.backbone.network.source_sha256,
        "levels": inspector.backbone.network.levels,
        "size_hw": inspector.preparation.canvas_hw,
        "pictures": len(journal.pictures(journal.head) if journal else inspector.pictures),
        "held_out": limit.held_out if limit else 0,
        "method": inspector.method_name,
        **({"budget": method.budget} if hasattr(method, "budget") else {}),
        **inspector.detector.facts(),
        **selection,
        "precision": inspector.backbone.precision,
        "threshold": limit.score if limit else None,
        "pixel_threshold": limit.pixel if limit else None,
        "false_alarms": limit.false_alarms if limit else None,
        **(journal_facts(journal) if journal else {}),
        "calibration": limit.kind if limit else None,
        "review_threshold": limit.review if limit else None,
        "review_rate": limit.review_rate if limit else None,
        "false_alarms_interval": limit.interval if limit else None,
        "hold_out": {**asdict(kept), "by": kept.by or None} if kept else None,
        "intake": intake_json(inspector.intake),
    }


def journal_facts(journal: Journal) -> dict[str, Any]:
    """Return which revision of a file is in use, and which guarantees hold in it."""
    head = journal.head
    return {
        "revision": head,
        "radius_known": journal.radius_holds(head),
        "limits_hold": journal.limits_hold(head),
    }


def describe(inspector: Inspector) -> str:
    """Return what was fitted, in words."""
    values, method = summary(inspector), inspector.method
    height, width = values["size_hw"]
    source = gettext("%(pictures)s at %(size)s, network %(network)s") % {
        "pictures": counted("%(num)s picture", "%(num)s pictures", values["pictures"]),
        "size": f"{height}x{width}",
        "network": values["network"],
    }
    if not isinstance(method, PatchCore):
        text = gettext("%(method)s from %(pictures)s")
        return text % {"method": describe_method(inspector), "pictures": source}
    text = gettext("learned from %(source)s; remembers %(places)s of them")
    places = counted("%(num)s place", "%(num)s places", values["bank_rows"])
    text %= {"source": source, "places": places}
    if values["by_position"]:
        text += gettext("; each place is held against what is usual there")
    return text + composition_words(inspector)


def composition_words(inspector: Inspector) -> str:
    """Return whether what a picture is composed of is judged, and why; "" where it is off."""
    detector, method = inspector.detector, inspector.method
    if not isinstance(detector, PatchCoreDetector) or method != detector.settings:
        return ""
    if detector.evidence is None:
        few = gettext(
            "; not what pictures are composed of: that takes %(count)s good pictures in the bank"
        )
        return few % {"count": LEAST_PICTURES} if method.composition != "off" else ""
    found = Evidence(*detector.evidence.tolist())
    shares = gettext(
        "parts imagined missing, doubled or swapped score above %(together)s of good pictures with "
        "it, %(alone)s without, odd places above %(odd_together)s and %(odd_alone)s"
    ) % {name: f"{share:.0%}" for name, share in found._asdict().items()}
    if detector.composition is not None:
        text = gettext("; what a picture is composed of is judged, too (%(shares)s)")
    else:
        text = gettext(
            "; what a picture is composed of is not judged, as that would not help enough "
            "(%(shares)s)"
        )
    return text % {"shares": shares}


def describe_selection(method: PatchCore) -> str:
    """Return in words how the bank was chosen."""
    if method.coreset == 1:
        return "all patches"
    if method.subsampler == "greedy":
        return f"{method.greedy} greedy coreset"
    return f"{method.subsampler} choice"


def tell_renamed(paths: Sequence[str] | None, learned: Sequence[str]) -> None:
    """Print which pictures were learned under a name made unique."""
    from goldensample.images.listing import find_pictures

    given = [name for name, _ in find_pictures(paths)] if paths else []
    for name, used in zip(given, learned, strict=False):
        if name != used:
            text = gettext(
                "golden: another %(name)s is known already, so this one was learned as %(used)s"
            )
            tell(text % {"name": name, "used": used})


def tell_slow(names: Sequence[str]) -> None:
    """Print that opening takes a while, where one of the networks is built by timm."""
    if any(name.startswith(("timm:", "effnet-")) for name in names):
        text = gettext("opening %(names)s: building, exporting and checking takes some seconds")
        tell(text % {"names": ", ".join(names)})
