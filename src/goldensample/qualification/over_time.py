"""The section on the time after the release: control charts of a line's records."""

from typing import Any

from goldensample.errors import GoldenError
from goldensample.locales.language import gettext, mark
from goldensample.qualification.alarm_rate import AlarmRate, alarm_rate
from goldensample.qualification.control import WEIGHT, run_length
from goldensample.qualification.control_figure import control_figure, date
from goldensample.qualification.followed import LEAST_BASELINE, Followed, follow
from goldensample.qualification.history import History, normal_scores
from goldensample.qualification.paper import Cell, Figure, Section, Table

SHIFTS = (0.0, 0.5, 1.0, 2.0)
NAMES = {
    "score": mark("Oddness of good parts"),
    "brightness": mark("Light"),
    "sharpness": mark("Focus"),
}


def over_time(history: History, promised: float | None) -> Section:
    """Return whether scores, false alarms, light and focus are what they were.

    Args:
        history: of one product.
        promised: rate of false alarms, or None.

    Raises:
        GoldenError: there are too few good parts.
    """
    numbers = (normal_scores(history), history.brightness, history.sharpness)
    every = [
        follow(name, values[history.good], history.time[history.good])
        for name, values in zip(NAMES, numbers, strict=True)
    ]
    followed = [one for one in every if one]
    if every[0] is None:
        raise GoldenError(
            f"control charts must have {2 * LEAST_BASELINE} good parts; the records have "
            f"{int(history.good.sum())}; come back when there are more"
        )
    rate = alarm_rate(history, promised)
    return Section(
        key="over_time",
        title=gettext("The time since"),
        answer=[
            *map(_sentence, followed),
            *_missing(followed),
            rate.sentence,
            _cost(),
            _neighbours(followed),
        ],
        rests_on=_rests_on(history, every[0]),
        shows_not=gettext(
            "Whether defects are still found: nobody sees those that were missed. And who "
            "changed what: a new batch, a lamp or another revision of the file look alike here."
        ),
        values=_values(followed, rate),
        tables=[_table(followed), _rules(), rate.table],
        figures=[*_figures(followed), rate.figure],
    )


def _sentence(one: Followed) -> str:
    """Return whether a measure is where it was."""
    known = {"what": gettext(NAMES[one.name]), "size": f"{abs(one.size):.2g}"}
    single, smooth = one.signals
    outside = sorted({*single, *smooth})
    if not outside:
        return gettext("%(what)s: steady.") % known
    known["date"] = date(float(one.times[outside[0] if one.since is None else one.since]))
    if one.since is None:
        watched = len(one.times) - one.baseline
        chance = watched / run_length(0) + watched / run_length(0, WEIGHT)
        counts = {"count": len(outside), "points": watched, "chance": f"{chance:.1g}"}
        return gettext(
            "%(what)s: inside the limits now. %(count)s of %(points)s points were outside, the "
            "first on %(date)s; about %(chance)s would be by chance."
        ) % {**known, **counts}
    text = (
        gettext(
            "%(what)s: outside the limits since %(date)s; the newest tenth is higher than at the "
            "beginning, by %(size)s times the spread of single parts."
        )
        if one.size > 0
        else gettext(
            "%(what)s: outside the limits since %(date)s; the newest tenth is lower than at the "
            "beginning, by %(size)s times the spread of single parts."
        )
    )
    return text % known


def _missing(followed: list[Followed]) -> list[str]:
    """Return which measures too few pictures have."""
    missing = [gettext(NAMES[name]) for name in NAMES if name not in {one.name for one in followed}]
    text = gettext(
        "%(names)s: not drawn, as too few of these pictures were measured; the station measures "
        "one picture in half a second, since this version."
    )
    return [text % {"names": ", ".join(missing)}] if missing else []


def _cost() -> str:
    """Return what the rules cost, and what they see."""
    text = gettext(
        "While nothing changes, the chart of single points signals once in %(single)s points on "
        "average, and the EWMA once in %(smooth)s: a signal is a reason to look, not a proof. A "
        "shift by one spread of a point is seen after %(single_one)s and %(smooth_one)s points."
    )
    lengths = {
        "single": run_length(0), "smooth": run_length(0, WEIGHT),
        "single_one": run_length(1), "smooth_one": run_length(1, WEIGHT),
    }  # fmt: skip
    return text % {name: f"{length:.0f}" for name, length in lengths.items()}


def _neighbours(followed: list[Followed]) -> str:
    """Return whether neighbouring points resemble each other, which makes signals more frequent."""
    alike = [one for one in followed if one.correlation > 2 / one.baseline**0.5]
    if not alike:
        return gettext(
            "Neighbouring points do not resemble each other more than by chance, so these numbers "
            "hold as far as the first points tell the usual spread."
        )
    return gettext(
        "Neighbouring points resemble each other (%(names)s), so the charts signal more often than "
        "that though nothing has changed: look at the size of a shift, not at one signal."
    ) % {"names": ", ".join(gettext(NAMES[one.name]) for one in alike)}


def _rests_on(history: History, scores: Followed) -> str:
    text = gettext(
        "%(count)s records from %(first)s to %(last)s, of which %(good)s are of good parts: called "
        "good and nobody says otherwise, or good by a person's answer. A point is the mean of "
        "%(parts)s of them, one after another; the limits rest on the first %(baseline)s points, "
        "left of the upright line. "
        "Scores are drawn as normal scores of their p-values, which makes them about normal and "
        "comparable from revision to revision; where there is none, as their logarithm."
    )
    return text % {
        "count": f"{len(history):,}", "good": f"{int(history.good.sum()):,}",
        "first": date(float(history.time[0])), "last": date(float(history.time[-1])),
        "parts": scores.parts, "baseline": scores.baseline,
    }  # fmt: skip


def _values(followed: list[Followed], rate: AlarmRate) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for one in followed:
        single, smooth = map(len, one.signals)
        values[one.name] = {
            "points": len(one.times), "parts_a_point": one.parts, "baseline": one.baseline,
            "signals_individuals": single, "signals_ewma": smooth,
            "outside_since": None if one.since is None else float(one.times[one.since]),
            "shift": one.size, "correlation": one.correlation, "skewness": one.skewness,
        }  # fmt: skip
    rules = {"individuals": 1.0, "ewma": WEIGHT}
    lengths = {name: [run_length(s, weight) for s in SHIFTS] for name, weight in rules.items()}
    return {**values, "run_lengths": lengths, "false_alarms": rate.values}


def _table(followed: list[Followed]) -> Table:
    heads = [gettext("Measure"), gettext("signals, single points"), gettext("signals, EWMA")]
    heads += [gettext("shift, in spreads of a part"), gettext("neighbours' correlation")]
    heads += [gettext("skewness")]
    rows: list[list[Cell]] = []
    for one in followed:
        shape = [round(value, 2) for value in (one.size, one.correlation, one.skewness)]
        rows.append([gettext(NAMES[one.name]), *map(len, one.signals), *shape])
    return Table(heads, rows)


def _rules() -> Table:
    """Return after how many points a rule signals, by the size of a shift."""
    heads = [gettext("Rule: points until a signal"), gettext("nothing changed")]
    heads += [gettext("shifted by %(size)s spreads") % {"size": f"{size:g}"} for size in SHIFTS[1:]]
    rules = ((gettext("single points, 3 spreads"), 1.0), (gettext("EWMA, weight 0.2"), WEIGHT))
    rows: list[list[Cell]] = [
        [name, *[round(run_length(s, weight), 1) for s in SHIFTS]] for name, weight in rules
    ]
    return Table(heads, rows)


def _figures(followed: list[Followed]) -> list[Figure]:
    figures = []
    for one in followed:
        charts = [(gettext("%(what)s, moving average (EWMA)"), one.smooth)]
        if one.name == "score":
            charts.insert(0, (gettext("%(what)s, single points"), one.single))
        for title, chart in charts:
            said = title % {"what": gettext(NAMES[one.name])}
            figures.append(control_figure(said, chart, one.times, one.baseline))
    return figures
