"""The section on false alarms."""

from collections.abc import Sequence
from typing import Any

from goldensample.locales.language import gettext
from goldensample.qualification.paper import Section
from goldensample.qualification.rates import interval, needed, needed_of_lot, upper_bound
from goldensample.qualification.trials import Trial
from goldensample.report.words import percent


def false_alarms(
    trials: Sequence[Trial], wanted: float, left_out: int = 0, lot: int | None = None
) -> Section:
    """Return how often good parts are called defects, and what that proves.

    Args:
        trials: of good parts, at least one.
        wanted: the rate to prove.
        left_out: pictures that were left out because the fit had learned them.
        lot: parts of a lot that a sample is to speak for.
    """
    values = _values(trials, wanted, lot) | {"left_out": left_out}
    rests = gettext(
        "%(count)s pictures of good parts; %(left)s more were left out, because the fit had "
        "learned them. That they are of another day than the fit's is for you to see to."
    )
    return Section(
        key="false_alarms",
        title=gettext("False alarms"),
        answer=[_rate(values), *_proof(values), *_lot(values)],
        rests_on=rests % {"count": len(trials), "left": left_out},
        shows_not=gettext(
            "False alarms under other light, another lens or with parts of another batch: pictures "
            "taken one after another are alike, and prove less than they count."
        ),
        values=values,
    )


def _values(trials: Sequence[Trial], wanted: float, lot: int | None) -> dict[str, Any]:
    """Return all figures."""
    n, alarms = len(trials), sum(trial.found for trial in trials)
    allowed = int(wanted * lot) if lot else None
    return {
        "good": n,
        "alarms": alarms,
        "review": sum(trial.verdict == "review" for trial in trials),
        "rate": alarms / n,
        "interval_95": list(interval(alarms, n)),
        "upper_bound_95": upper_bound(alarms, n),
        "wanted": wanted,
        "needed_with_0_1_2_alarms": [needed(wanted, events) for events in (0, 1, 2)],
        "needed_now": needed(wanted, alarms),
        "lot": lot,
        "lot_allowed": allowed,
        "lot_sample": needed_of_lot(lot, allowed) if lot and allowed is not None else None,
    }


def _rate(values: dict[str, Any]) -> str:
    text = gettext(
        "%(alarms)s of %(count)s good parts were called defects, and %(reviews)s were to be looked "
        "at again. With 95 %% confidence the true rate of false alarms is between %(low)s and "
        "%(high)s (Clopper–Pearson), and at most %(bound)s."
    )
    low, high = map(percent, values["interval_95"])
    counts = {"alarms": values["alarms"], "count": values["good"], "reviews": values["review"]}
    bound = percent(values["upper_bound_95"])
    return text % {**counts, "low": low, "high": high, "bound": bound}


def _proof(values: dict[str, Any]) -> list[str]:
    """Return whether the rate wanted is proven, what to collect, and what proves it."""
    rate, enough = percent(values["wanted"]), values["needed_now"]
    if values["upper_bound_95"] <= values["wanted"]:
        first = gettext("This proves a rate of at most %(rate)s.") % {"rate": rate}
    else:
        text = gettext(
            "This does not prove a rate of at most %(rate)s. To prove it, collect %(more)s more "
            "good parts, %(count)s in all, without another false alarm."
        )
        first = text % {"rate": rate, "more": enough - values["good"], "count": enough}
    text = gettext(
        "A rate of at most %(rate)s is proven by %(none)s good parts without a false alarm, by "
        "%(one)s with one, and by %(two)s with two."
    )
    names = ("none", "one", "two")
    counts = dict(zip(names, values["needed_with_0_1_2_alarms"], strict=True))
    return [first, text % {**counts, "rate": rate}]


def _lot(values: dict[str, Any]) -> list[str]:
    """Return what a sample of a lot proves, where a lot is asked for."""
    text = gettext(
        "In a lot of %(lot)s good parts, %(sample)s drawn at random and all without a false alarm "
        "prove at most %(allowed)s in the whole lot (hypergeometric)."
    )
    known = {name: values[key] for name, key in LOT.items()}
    return [text % known] if values["lot"] else []


LOT = {"lot": "lot", "sample": "lot_sample", "allowed": "lot_allowed"}
"""Places of the sentence on a lot, and the figures that are put there."""
