"""What limits promise, in words."""

from goldensample.calibration.conformal import needed, proven
from goldensample.inspection.journal import DROP, LIMIT, Journal, Revision
from goldensample.records import Threshold


def percent(rate: float) -> str:
    """Return a rate as "5 %"."""
    return f"{100 * rate:.3g} %"


def promise(threshold: Threshold | None, journal: Journal | None = None) -> str:
    """Return in words what a threshold rests on, what it promises, and what ended that."""
    if threshold is None:
        return "none: there are scores and no verdicts"
    words = f"{threshold.score:.4f}"
    if threshold.review is not None:
        words += f", look again above {threshold.review:.4f}"
    if threshold.false_alarms is None:
        origin = _changed(threshold, journal) or "set by hand"
        return f"{words}, {origin}: no rate of false alarms is known"
    rates = percent(threshold.false_alarms)
    if threshold.review_rate is not None:
        rates += f" (looked at again or called defects: {percent(threshold.review_rate)})"
    return f"{words}: {_kept(threshold, threshold.false_alarms, rates)}"


def _changed(threshold: Threshold, journal: Journal | None) -> str:
    """Return what limits rested on and what was changed since, or "" if nothing was."""
    broken = journal.broken_by(journal.head) if journal else []
    if journal is None or not broken:
        return ""
    limits = journal.revisions[journal.limited_by(journal.head)].limits or ()
    rates = {one.threshold.score: one.threshold.false_alarms for one in limits}
    rate = rates.get(threshold.score)
    asked = f" for {percent(rate)} of them" if rate else ""
    changes = [_change(number, journal.revisions[number]) for number in broken]
    return (
        f"set on {threshold.held_out} good pictures{asked}, and changed since by "
        f"{' and '.join(changes)}; set it anew with golden learn --calibrate"
    )


def _change(number: int, change: Revision) -> str:
    """Return in words what a revision did to the limits, and what it cost when it was tried."""
    what = "teach-miss" if change.action in (DROP, LIMIT) else change.action
    words = f"{what} on {change.time[:10] or 'a day unknown'} (revision {number}"
    if change.cost:
        words += "; {} of {} good pictures became false alarms".format(*change.cost)
    return words + ")"


def _kept(threshold: Threshold, rate: float, rates: str) -> str:
    """Return what is promised, or that nothing is, after the limits."""
    n = threshold.held_out
    if threshold.kind == "estimate":
        low, high = threshold.interval or (0.0, 1.0)
        return (
            f"an estimate, no promise: about {rates} of good pictures are called defects "
            f"(90 % interval {percent(low)} to {percent(high)}); it rests on {n} pictures, and a "
            f"promise of {percent(rate)} needs {needed(rate)}"
        )
    least = f"the smallest rate that as many support is {percent(1 / (n + 1))}"
    if threshold.kind == "cross":
        bound = percent(proven("cross", rate, n) or 1.0)
        return (
            f"set for {rates} of good pictures called defects, usually fewer; at most {bound} is "
            f"proven, on average over fits; it rests on all {n} pictures, each judged without it; "
            f"{least}"
        )
    return (
        f"at most {rates} of good pictures are called defects, on average over fits; it rests on "
        f"{n} pictures kept out of the fit; {least}"
    )
