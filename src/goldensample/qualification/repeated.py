"""The section on repeatability."""

from collections.abc import Mapping, Sequence
from typing import Any

from goldensample.locales.language import gettext
from goldensample.qualification.paper import Cell, Section, Table
from goldensample.qualification.repeatability import components
from goldensample.qualification.trials import Trial, said, scores_of
from goldensample.report.words import number, percent


def repeated(parts: Mapping[str, Sequence[Trial]], limit: float) -> Section:
    """Return whether the same parts get the same verdicts and scores every time.

    Args:
        parts: the trials of each, at least two parts, each photographed equally often.
        limit: the score limit.
    """
    times = len(next(iter(parts.values())))
    same = sum(len({trial.verdict for trial in trials}) == 1 for trials in parts.values())
    groups = [scores_of(trials) for trials in parts.values()]
    spread = components(groups)
    nearest = min(abs(float(group.mean()) - limit) for group in groups)
    distance = nearest / spread.within if spread.within else None
    values = {
        "parts": len(parts), "times": times, "same_verdict": same,
        "within": spread.within, "between": spread.between, "distance_to_limit": distance,
    }  # fmt: skip
    return Section(
        key="repeatability",
        title=gettext("The same part again"),
        answer=_words(values),
        rests_on=gettext(
            "%(count)s parts, each photographed %(times)s times; pictures of one name in each "
            "folder are of one part. Variance components of a one-way analysis of variance."
        )
        % {"count": len(parts), "times": times},
        shows_not=gettext(
            "What changes when parts are put in by another person, on another day or at another "
            "station, unless the pictures were taken so."
        ),
        values=values,
        tables=[_table(parts)],
    )


def _words(values: Mapping[str, Any]) -> list[str]:
    """Return how many parts got the same verdict, and how scores spread."""
    first = gettext(
        "%(same)s of %(count)s parts (%(share)s) got the same verdict in all of %(times)s pictures."
    )
    second = gettext(
        "Scores spread by %(within)s within a part and by %(between)s between parts (standard "
        "deviations). The part nearest to the limit is %(distance)s spreads within a part away "
        "from it."
    )
    same, count, distance = (values[k] for k in ("same_verdict", "parts", "distance_to_limit"))
    spreads = {"within": number(values["within"]), "between": number(values["between"])}
    spreads["distance"] = "∞" if distance is None else number(distance)
    counts = {"same": same, "count": count, "share": percent(same / count)}
    return [first % {**counts, "times": values["times"]}, second % spreads]


def _table(parts: Mapping[str, Sequence[Trial]]) -> Table:
    """Return a row for each part."""
    rows: list[Sequence[Cell]] = []
    for name, trials in parts.items():
        scores = scores_of(trials)
        verdicts = ", ".join(sorted({said(trial.verdict) for trial in trials}))
        rows.append([name, verdicts, float(scores.mean()), float(scores.std(ddof=1))])
    heads = [gettext("Part"), gettext("verdicts"), gettext("mean score"), gettext("spread")]
    return Table(heads, rows)
