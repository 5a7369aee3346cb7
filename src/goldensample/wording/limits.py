"""Texts that describe thresholds and their guarantees."""

from collections.abc import Callable
from functools import reduce

from goldensample.calibration.conformal import NEAR_COPIES, HoldOut, proven_rate, required_count
from goldensample.calibration.words import of_good_parts
from goldensample.inspection.journal import Journal
from goldensample.inspection.revision import DROP, LIMIT, Revision
from goldensample.locales.language import gettext
from goldensample.records import Threshold

SMALLER = (0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
"""Rates that a user may want to reach with more pictures, from large to small."""


def kept_aside(hold_out: HoldOut | None) -> str:
    """Return which good pictures were kept aside, and what that means; "" where none was."""
    if hold_out is None:
        return ""
    if not hold_out.by:
        return gettext(
            "%(count)s good pictures were kept aside one by one, of the same folders and days as "
            "the others: another day may have more false alarms"
        ) % {"count": hold_out.pictures}
    if hold_out.by == NEAR_COPIES and not hold_out.groups:
        return gettext(
            "%(count)s good pictures were kept aside one by one, though there are near-copies: "
            "other pictures of the same part. Too few different parts are left to keep them apart, "
            "so a new part may have more false alarms"
        ) % {"count": hold_out.pictures}
    if hold_out.by == NEAR_COPIES:
        return gettext(
            "%(count)s good pictures of different parts were kept aside, without near-copies of "
            "them among the others. They are of the same folders and days: another day may have "
            "more false alarms"
        ) % {"count": hold_out.pictures}
    return gettext(
        "%(count)s good pictures were kept aside: %(held)s whole groups of %(groups)s, by %(by)s"
    ) % {
        "count": hold_out.pictures,
        "held": hold_out.held_out,
        "groups": hold_out.groups,
        "by": hold_out.by,
    }


def percent(rate: float) -> str:
    """Return a rate as "5 %"."""
    return f"{100 * rate:.3g} %"


def promise(threshold: Threshold | None, journal: Journal | None = None) -> str:
    """Return what limits mean on the line, and what that was measured on, in everyday words."""
    return _describe(threshold, journal, _in_plain_words)


def exact_promise(threshold: Threshold | None, journal: Journal | None = None) -> str:
    """Return the exact statement on limits: their calibration and their guarantee."""
    return _describe(threshold, journal, _guarantee)


def _describe(
    threshold: Threshold | None, journal: Journal | None, told: Callable[[Threshold, float], str]
) -> str:
    """Return a text on a threshold: its scores, then what it promises or why it does not."""
    if threshold is None:
        return gettext("none: there are scores and no verdicts")
    text = f"{threshold.score:.4f}"
    if threshold.review is not None:
        text = gettext("%(score)s, look again above %(review)s") % {
            "score": text,
            "review": f"{threshold.review:.4f}",
        }
    if threshold.false_alarms is None:
        origin = _changes_since(threshold, journal) or gettext("set by hand")
        unknown = gettext("%(limits)s, %(origin)s: no rate of false alarms is known")
        return unknown % {"limits": text, "origin": origin}
    return f"{text}: {told(threshold, threshold.false_alarms)}"


def _in_plain_words(threshold: Threshold, rate: float) -> str:
    """Return how many of a hundred good parts are called defects, and how that is known."""
    n, usual = threshold.held_out, of_good_parts(rate, threshold.review_rate)
    if threshold.kind == "estimate":
        low, high = threshold.interval or (0.0, 1.0)
        text = gettext(
            "%(usual)s. This is an estimate from %(count)s good pictures and no promise: it may "
            "well be %(low)s to %(high)s %%; a promise takes about %(needed)s good pictures in all"
        )
        interval = {"low": f"{100 * low:.2g}", "high": f"{100 * high:.2g}"}
        return text % {"usual": usual, "count": n, "needed": _pictures_for(rate), **interval}
    if threshold.kind == "cross":
        text = gettext(
            "%(usual)s, usually fewer. This was measured on %(count)s good pictures, each judged "
            "without itself"
        )
    else:
        text = gettext("%(usual)s. This was measured on %(count)s good pictures kept aside")
    return text % {"usual": usual, "count": n} + _smaller_rates(rate, 1 / (n + 1))


def _smaller_rates(rate: float, least: float) -> str:
    """Return which smaller rates can be set, of these pictures and of more, or ""."""
    smaller = next((other for other in SMALLER if other < 0.4 * least), None)
    values = {"least": percent(least)}
    if smaller:
        values |= {"rate": percent(smaller), "count": _pictures_for(smaller)}
    if least < 0.99 * rate and smaller:
        text = gettext(
            "; it can be set down to %(least)s, and to %(rate)s with about %(count)s good "
            "pictures in all"
        )
    elif least < 0.99 * rate:
        text = gettext("; it can be set down to %(least)s")
    elif smaller:
        text = gettext("; it can be set to %(rate)s with about %(count)s good pictures in all")
    else:
        return ""
    return text % values


def _pictures_for(rate: float) -> str:
    """Return about how many good pictures a fit must have to promise a rate, of two digits."""
    count = 2 * required_count(rate)
    digits = 10 ** max(0, len(str(count)) - 2)
    return f"{round(count / digits) * digits:,}"


def _changes_since(threshold: Threshold, journal: Journal | None) -> str:
    """Return a text on the calibration of limits and on the changes since, or "" without any."""
    broken = journal.breaking_revisions(journal.head) if journal else []
    if journal is None or not broken:
        return ""
    limits = journal.revisions[journal.limits_revision(journal.head)].limits or ()
    rates = {limit.threshold.score: limit.threshold.false_alarms for limit in limits}
    rate = rates.get(threshold.score)
    changes = [_change_text(number, journal.revisions[number]) for number in broken]
    both = gettext("%(first)s and %(second)s")
    values = {
        "count": threshold.held_out,
        "changes": reduce(lambda one, two: both % {"first": one, "second": two}, changes),
    }
    if not rate:
        text = gettext(
            "set on %(count)s good pictures, and changed since by %(changes)s; set it anew with "
            "golden learn --calibrate"
        )
        return text % values
    text = gettext(
        "set on %(count)s good pictures for %(rate)s of them, and changed since by %(changes)s; "
        "set it anew with golden learn --calibrate"
    )
    return text % {**values, "rate": percent(rate)}


def _change_text(number: int, revision: Revision) -> str:
    """Return a text on a revision: its action, its date, and the false alarms that it added."""
    action = "teach-miss" if revision.action in (DROP, LIMIT) else revision.action
    values = {"action": action, "number": number}
    values["day"] = revision.time[:10] or gettext("a day unknown")
    if not revision.cost:
        return gettext("%(action)s on %(day)s (revision %(number)s)") % values
    text = gettext(
        "%(action)s on %(day)s (revision %(number)s; %(alarms)s of %(tested)s good pictures became "
        "false alarms)"
    )
    return text % {**values, "alarms": revision.cost[0], "tested": revision.cost[1]}


def _guarantee(threshold: Threshold, rate: float) -> str:
    """Return a text on the guarantee, or on the estimate where there is none."""
    n, rates = threshold.held_out, percent(rate)
    if threshold.review_rate is not None:
        text = gettext("%(rate)s (looked at again or called defects: %(review)s)")
        rates = text % {"rate": rates, "review": percent(threshold.review_rate)}
    low, high = threshold.interval or (0.0, 1.0)
    if threshold.kind == "estimate":
        text = gettext(
            "an estimate, no promise: about %(rates)s of good pictures are called defects (90 %% "
            "interval %(low)s to %(high)s); it rests on %(count)s pictures, and a promise of "
            "%(rate)s needs %(required)s"
        )
    elif threshold.kind == "cross":
        text = gettext(
            "set for %(rates)s of good pictures called defects, usually fewer; at most %(bound)s "
            "is proven, on average over fits; it rests on all %(count)s pictures, each judged "
            "without it; the smallest rate that as many support is %(least)s"
        )
    else:
        text = gettext(
            "at most %(rates)s of good pictures are called defects, on average over fits; it rests "
            "on %(count)s pictures kept out of the fit; the smallest rate that as many support is "
            "%(least)s"
        )
    is_cross = threshold.kind == "cross"
    return text % {
        "rates": rates,
        "rate": percent(rate),
        "low": percent(low),
        "high": percent(high),
        "count": n,
        "required": required_count(rate),
        "bound": percent((proven_rate("cross", rate, n) if is_cross else None) or 1.0),
        "least": percent(1 / (n + 1)),
    }
