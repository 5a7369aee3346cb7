"""The rate of false alarms over time, from the answers that people gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldensample.locales.language import gettext
from goldensample.qualification.control import Chart
from goldensample.qualification.control_figure import control_figure, date
from goldensample.qualification.history import History
from goldensample.qualification.paper import Cell, Figure, Table
from goldensample.qualification.rates import interval
from goldensample.report.words import percent

PERIODS, PARTS = 10, 20
"""Periods, at most; and good parts that each has on average, at least."""
TAIL = 0.00135
"""Chance that an unchanged rate lies beyond the limit, as with three standard deviations."""


@dataclass(frozen=True, slots=True)
class AlarmRate:
    """Of all, and period by period: in words, as a table, a figure and figures."""

    sentence: str
    table: Table
    figure: Figure
    values: dict[str, Any]


def alarm_rate(history: History, promised: float | None) -> AlarmRate:
    """Return how often good parts were called defects, by what people answered.

    Args:
        history: at least one good part.
        promised: rate of false alarms, or None: then the rate of all is the centre of the chart.
    """
    periods = min(PERIODS, max(2, int(history.good.sum()) // PARTS))
    edges = np.linspace(history.time[0], history.time[-1], periods + 1)
    place = np.clip(np.searchsorted(edges, history.time, side="right") - 1, 0, periods - 1)
    alarm, open_ = history.good & history.defect, history.defect & ~history.answered
    good, alarms, undecided = (
        np.bincount(place[flags], minlength=periods) for flags in (history.good, alarm, open_)
    )
    n, count = int(good.sum()), int(alarms.sum())
    rate = count / n
    low, high = interval(count, n)
    values = {
        "good": good.tolist(), "false_alarms": alarms.tolist(), "undecided": undecided.tolist(),
        "rate": rate, "interval_95": [low, high], "promised": promised,
    }  # fmt: skip
    used = good > 0
    centre = rate if promised is None else promised
    chart = _chart(alarms[used], good[used], centre)
    title = gettext("false alarms: share of the good parts of a period")
    return AlarmRate(
        _sentence(values, n, count),
        _table(edges, good, alarms, undecided),
        control_figure(title, chart, edges[1:][used], 0),
        values,
    )


def _chart(alarms: Any, good: Any, centre: float) -> Chart:
    """Return the chart of a rate; the binomial limit above is of each period's number of parts."""
    from scipy.stats import binom

    high = binom.ppf(1 - TAIL, good, centre) / good
    return Chart(alarms / good, centre, np.zeros(len(good)), high)


def _sentence(values: dict[str, Any], n: int, count: int) -> str:
    low, high = map(percent, values["interval_95"])
    known = {"alarms": count, "count": f"{n:,}", "low": low, "high": high}
    text = gettext(
        "False alarms by people's answers: %(alarms)s of %(count)s good parts; with 95 %% "
        "confidence between %(low)s and %(high)s."
    )
    said, promised, left = [text % known], values["promised"], sum(values["undecided"])
    if promised is not None:
        last = (
            gettext("That is more than the %(rate)s promised.")
            if values["interval_95"][0] > promised
            else gettext("The limits promise %(rate)s.")
        )
        said.append(last % {"rate": percent(promised)})
    if left:
        text = gettext(
            "%(open)s more were called defects and nobody has said what they are: each of them may "
            "be a false alarm."
        )
        said.append(text % {"open": left})
    return " ".join(said)


def _table(edges: Any, good: Any, alarms: Any, undecided: Any) -> Table:
    heads = [gettext("Until"), gettext("good parts"), gettext("false alarms"), gettext("rate")]
    heads += [gettext("between (95 %)"), gettext("not answered")]
    rows: list[Sequence[Cell]] = []
    for end, n, count, left in zip(edges[1:], good, alarms, undecided, strict=True):
        share, ends = "–", "–"
        if n:
            share = percent(count / n)
            ends = " – ".join(map(percent, interval(int(count), int(n))))
        rows.append([date(float(end)), float(n), float(count), share, ends, float(left)])
    return Table(heads, rows)
