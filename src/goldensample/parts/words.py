"""What is said of parts: the promise and the risk in words, verdicts as rows and as JSON values."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from goldensample.calibration.conformal import required_count
from goldensample.locales.language import counted, gettext, mark, ngettext
from goldensample.parts.inspector import PartInspection, PartInspector
from goldensample.parts.rule import Risk
from goldensample.records import Inspection
from goldensample.wording.limits import percent

KINDS = {
    "good": mark("%(count)s good"),
    "error": mark("%(count)s could not be judged"),
}
"""What the parts with each verdict but "defect" are called in a sum."""
VERDICTS = {"defect": mark("defect"), "good": mark("good"), "error": mark("error")}
"""What a verdict is called on a line."""


def promise(part: PartInspector) -> str:
    """Return what the verdicts of a part promise, and what that rests on."""
    manifest = part.manifest
    asked, views = percent(manifest.false_alarms), len(manifest.views)
    if manifest.calibration:
        n = len(manifest.calibration.parts)
        text = ngettext(
            "of 100 good parts at most about %(share)s are called defects, on average. This was "
            "measured on %(num)s whole good part, so it holds however the views depend on each "
            "other; it can be set down to %(least)s",
            "of 100 good parts at most about %(share)s are called defects, on average. This was "
            "measured on %(num)s whole good parts, so it holds however the views depend on each "
            "other; it can be set down to %(least)s",
            n,
        )
        share = f"{100 * manifest.false_alarms:.3g}"
        return text % {"share": share, "num": f"{n:,}", "least": percent(1 / (n + 1))}
    if manifest.false_alarms * (1 + 1e-9) < part.least_rate:
        text = gettext(
            "no verdicts yet: %(asked)s of good parts was asked for, and the views' own limits "
            "support %(least)s at the least; calibrate on whole good parts (%(count)s or more)"
        )
        count = required_count(manifest.false_alarms)
        return text % {"asked": asked, "least": percent(part.least_rate), "count": count}
    rule = _rule(asked, views, manifest.false_alarms)
    proven = part.proven_rate()
    if proven is None:
        text = gettext(
            "%(rule)s: about %(asked)s of good parts at most, an estimate and no promise, as the "
            "limits of a view are an estimate or were changed since its fit"
        )
        return text % {"rule": rule, "asked": asked}
    text = gettext(
        "%(rule)s: of good parts at most %(proven)s are called defects, and fewer where the views "
        "err on the same parts; calibrated on whole good parts it comes closer to %(asked)s then"
    )
    return text % {"rule": rule, "proven": percent(proven), "asked": asked}


def _rule(asked: str, views: int, false_alarms: float) -> str:
    """Return when a part is a defect, where its views have limits of their own."""
    rule = gettext("a part is a defect where a view is, at %(asked)s / %(views)s = %(share)s each")
    return rule % {
        "asked": asked,
        "views": counted("%(num)s view", "%(num)s views", views),
        "share": percent(false_alarms / views),
    }


def risk_lines(rates: Mapping[str, float], found: Risk, wanted: float) -> list[str]:
    """Return what views with these rates of false alarms mean for parts, and what to set."""
    k = len(rates)
    view = gettext("view %(name)s: %(rate)s")
    lines = [view % {"name": n, "rate": percent(rate)} for n, rate in rates.items() if k <= 10]
    text = gettext(
        "a part of %(views)s, a defect where any view is one: about %(independent)s of good parts "
        "where views err independently; between %(least)s and %(most)s in any case"
    )
    shares = {name: percent(rate) for name, rate in asdict(found).items()}
    lines.append(text % {"views": counted("%(num)s view", "%(num)s views", k), **shares})
    share = wanted / k
    text = gettext(
        "for %(wanted)s of parts: set each view to %(share)s, which takes %(pictures)s good "
        "pictures of each view kept out of its fit; or keep %(parts)s whole good parts aside for "
        "golden part calibrate"
    )
    needed = {"pictures": f"{required_count(share):,}", "parts": f"{required_count(wanted):,}"}
    lines.append(text % {"wanted": percent(wanted), "share": percent(share), **needed})
    return lines


def part_columns(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the columns of a table of parts: those of the part, then four for each view."""
    own = (f"{name}_{kind}" for name in names for kind in ("verdict", "score", "p_value"))
    pictures = (f"{name}_picture" for name in names)
    return ("part", "serial", "verdict", "p_value", "view", "error", *own, *pictures)


def part_facts(result: PartInspection) -> dict[str, Any]:
    """Return what is known of a part as a whole, as tables and JSON name it; else None."""
    return {
        "part": result.part,
        "serial": result.serial,
        "verdict": result.verdict,
        "p_value": result.p_value,
        "view": result.view or None,
        "error": result.error or None,
    }


def part_row(result: PartInspection) -> dict[str, Any]:
    """Return the row of a part, by the names in `part_columns`; what is not known is None."""
    row = part_facts(result)
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
    line = f"{gettext(VERDICTS[result.verdict]):7}  {result.serial}"
    if result.error:
        return f"{line}  {result.error}"
    several = gettext("the oddest view is %(name)s")
    oddest = several if len(result.views) > 1 else gettext("view %(name)s")
    return f"{line}  p {result.p_value:.3g}, {oddest % {'name': result.view}}"


def sum_of(counts: Mapping[str, int]) -> str:
    """Return how many parts have which verdict: "2 of 40 parts are defects, 38 good"."""
    total = sum(counts.values())
    text = ngettext(
        "%(count)s of %(num)s part are defects", "%(count)s of %(num)s parts are defects", total
    )
    defects = text % {"count": f"{counts.get('defect', 0):,}", "num": f"{total:,}"}
    others = (gettext(t) % {"count": f"{counts[k]:,}"} for k, t in KINDS.items() if counts[k])
    return ", ".join([defects, *others])
