"""Texts that describe thresholds and their guarantees."""

from goldensample.calibration.conformal import proven_rate, required_count
from goldensample.inspection.journal import DROP, LIMIT, Journal, Revision
from goldensample.records import Threshold


def percent(rate: float) -> str:
    """Return a rate as "5 %"."""
    return f"{100 * rate:.3g} %"


def promise(threshold: Threshold | None, journal: Journal | None = None) -> str:
    """Return a text on a threshold: its calibration, its guarantee, and changes that ended it."""
    if threshold is None:
        return "none: there are scores and no verdicts"
    text = f"{threshold.score:.4f}"
    if threshold.review is not None:
        text += f", look again above {threshold.review:.4f}"
    if threshold.false_alarms is None:
        origin = _changes_since(threshold, journal) or "set by hand"
        return f"{text}, {origin}: no rate of false alarms is known"
    rates = percent(threshold.false_alarms)
    if threshold.review_rate is not None:
        rates += f" (looked at again or called defects: {percent(threshold.review_rate)})"
    return f"{text}: {_guarantee(threshold, threshold.false_alarms, rates)}"


def _changes_since(threshold: Threshold, journal: Journal | None) -> str:
    """Return a text on the calibration of limits and on the changes since, or "" without any."""
    broken = journal.breaking_revisions(journal.head) if journal else []
    if journal is None or not broken:
        return ""
    limits = journal.revisions[journal.limits_revision(journal.head)].limits or ()
    rates = {limit.threshold.score: limit.threshold.false_alarms for limit in limits}
    rate = rates.get(threshold.score)
    target = f" for {percent(rate)} of them" if rate else ""
    changes = [_change_text(number, journal.revisions[number]) for number in broken]
    return (
        f"set on {threshold.held_out} good pictures{target}, and changed since by "
        f"{' and '.join(changes)}; set it anew with golden learn --calibrate"
    )


def _change_text(number: int, revision: Revision) -> str:
    """Return a text on a revision: its action, its date, and the false alarms that it added."""
    action = "teach-miss" if revision.action in (DROP, LIMIT) else revision.action
    text = f"{action} on {revision.time[:10] or 'a day unknown'} (revision {number}"
    if revision.cost:
        text += "; {} of {} good pictures became false alarms".format(*revision.cost)
    return text + ")"


def _guarantee(threshold: Threshold, rate: float, rates: str) -> str:
    """Return a text on the guarantee, or on the estimate where there is none."""
    n = threshold.held_out
    if threshold.kind == "estimate":
        low, high = threshold.interval or (0.0, 1.0)
        return (
            f"an estimate, no promise: about {rates} of good pictures are called defects "
            f"(90 % interval {percent(low)} to {percent(high)}); it rests on {n} pictures, and a "
            f"promise of {percent(rate)} needs {required_count(rate)}"
        )
    least = f"the smallest rate that as many support is {percent(1 / (n + 1))}"
    if threshold.kind == "cross":
        bound = percent(proven_rate("cross", rate, n) or 1.0)
        return (
            f"set for {rates} of good pictures called defects, usually fewer; at most {bound} is "
            f"proven, on average over fits; it rests on all {n} pictures, each judged without it; "
            f"{least}"
        )
    return (
        f"at most {rates} of good pictures are called defects, on average over fits; it rests on "
        f"{n} pictures kept out of the fit; {least}"
    )
