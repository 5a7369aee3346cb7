"""The section on the probability of detection by size."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from goldensample.locales.language import gettext, mark
from goldensample.qualification.detection import LEAST_TRIALS, PAPER, Detection, detect
from goldensample.qualification.figures import detection_figure
from goldensample.qualification.paper import Figure, Section, Table
from goldensample.qualification.rates import interval, needed, upper_bound
from goldensample.qualification.trials import Trial
from goldensample.records import Array
from goldensample.report.words import number, percent

WHY = {
    "few": mark("there are fewer than %(least)s defects with a mask."),
    "all_found": mark(
        "all were found, so that nothing shows where finding begins to fail. Add smaller ones."
    ),
    "none_found": mark("none was found."),
    "separated": mark(
        "all that were found are larger than all that were missed, or the reverse, so that the "
        "curve is a step between two sizes. Add defects of sizes in between."
    ),
    "no_slope": mark("larger ones were not found significantly more often than smaller ones."),
    "plateau": mark(
        "large ones are missed as well, so that the curve levels out below 90 %%. Look at the "
        "missed ones: their kind or place matters, not their size."
    ),
    "no_bound": mark("the data do not bound it. Add defects."),
}
WORDS = {"least": LEAST_TRIALS}
"""Places in the texts of WHY."""
DEFINITIONS = {
    PAPER: mark("likelihood ratio, one-sided, modified for few trials: the one of this paper"),
    "likelihood_ratio": mark("likelihood ratio, one-sided (2.706)"),
    "likelihood_ratio_1df": mark("likelihood ratio, two-sided (3.841)"),
    "likelihood_ratio_2df": mark("likelihood ratio, for both parameters (5.991)"),
    "delta": mark("delta method (covers less than it says)"),
    "wald_curve": mark("lower Wald bound of the curve"),
}


def found_by_size(trials: Sequence[Trial], mm_per_px: float | None) -> Section:
    """Return how often defects are found, by their size and by their kind.

    Args:
        trials: of defects, at least one.
        mm_per_px: millimetres of a pixel; None leaves sizes in pixels.
    """
    scale, unit = mm_per_px or 1.0, "mm" if mm_per_px else gettext("pixels")
    sizes, found = _measured(trials, scale)
    result = detect(sizes, found)
    kinds = {
        kind: _measured([one for one in trials if one.kind == kind], scale)
        for kind in sorted({trial.kind for trial in trials if trial.size})
    }
    of_kinds = {kind: detect(*data) for kind, data in kinds.items()} if len(kinds) > 1 else {}
    answer = [*_sum(trials), *_curve_words(result, unit), *_simple_rule(trials)]
    rests = gettext(
        "%(count)s pictures of defects, of them %(sized)s with a mask. The size is the length of "
        "the largest marked part; found means that the picture is called a defect. The curve is a "
        "logit on the log of the size by maximum likelihood, not regularised (MIL-HDBK-1823A)."
    )
    values = {"count": len(trials), "sized": len(sizes)}
    return Section(
        key="detection",
        title=gettext("Defects found, by size"),
        answer=answer,
        rests_on=rests % values,
        shows_not=gettext(
            "Defects of other kinds, at other places or of sizes beyond these; and what comes of "
            "real ones, where these were made on purpose."
        ),
        values=_values(trials, result, unit) | {"by_kind": _by_kind(of_kinds, kinds)},
        tables=[
            _kinds(trials),
            *_curves_of_kinds(of_kinds, kinds, unit),
            *_definitions(result, unit),
        ],
        figures=[
            *([detection_figure(result, sizes, found, unit)] if len(sizes) > 1 else []),
            *_figures_of_kinds(of_kinds, kinds, unit),
        ],
    )


def _measured(trials: Sequence[Trial], scale: float) -> tuple[Array, Array]:
    """Return the lengths of the defects that have a mask, and which were found."""
    sized = [(trial.size.length_px * scale, trial.found) for trial in trials if trial.size]
    return np.array([size for size, _ in sized]), np.array([found for _, found in sized], bool)


def _sum(trials: Sequence[Trial]) -> list[str]:
    n, found = len(trials), sum(trial.found for trial in trials)
    text = gettext(
        "%(found)s of %(count)s defects were found: %(share)s, and with 95 %% confidence between "
        "%(low)s and %(high)s."
    )
    low, high = map(percent, interval(found, n))
    values = {"found": found, "count": n, "share": percent(found / n), "low": low, "high": high}
    return [text % values]


def _curve_words(result: Detection, unit: str) -> list[str]:
    """Return a50, a90 and a90/95 in a sentence, or why they do not exist."""
    known: dict[str, Any] = {"unit": unit}
    lines = []
    if result.a50 and result.a90:
        known |= {"a50": number(result.a50), "a90": number(result.a90)}
        text = gettext(
            "A defect of %(a50)s %(unit)s is found every second time (a50), one of %(a90)s "
            "%(unit)s nine times in ten (a90)."
        )
        lines.append(text % known)
    if result.a90_95:
        text = gettext(
            "With 95 %% confidence, one of %(bound)s %(unit)s is found nine times in ten (a90/95)."
        )
        lines.append(text % (known | {"bound": number(result.a90_95)}))
    else:
        lines.append(_why(result))
    if result.firth:
        text = gettext(
            "Firth's penalised likelihood gives %(a50)s and %(a90)s %(unit)s for a50 and a90: an "
            "estimate to plan by, without a bound."
        )
        a50, a90 = map(number, result.firth)
        lines.append(text % {"a50": a50, "a90": a90, "unit": unit})
    return lines


def _simple_rule(trials: Sequence[Trial]) -> list[str]:
    """Return the rule of 29 of 29, and whether these defects meet it."""
    n, missed = len(trials), sum(not trial.found for trial in trials)
    text = gettext(
        "The simple rule: 29 defects of one size, all found, prove 90 %% with 95 %% confidence; "
        "with one missed it takes 46. These %(count)s, with %(missed)s missed, take %(needed)s."
    )
    return [text % {"count": n, "missed": missed, "needed": needed(0.1, missed)}]


def _kinds(trials: Sequence[Trial]) -> Table:
    """Return a row for each kind of defect."""
    rows: list[list[str | float | None]] = []
    for kind in sorted({trial.kind for trial in trials}):
        of_kind = [trial for trial in trials if trial.kind == kind]
        found = sum(trial.found for trial in of_kind)
        placed = [trial.located for trial in of_kind if trial.located is not None]
        least = 1 - upper_bound(len(of_kind) - found, len(of_kind))
        where = f"{sum(placed)} / {len(placed)}" if placed else ""
        rows.append([kind, len(of_kind), found, percent(least), where])
    heads = [gettext("kind of defect"), gettext("pictures"), gettext("found")]
    heads += [gettext("at least, at a confidence of 0.95"), gettext("marked at its place")]
    return Table(heads, rows)


def _curves_of_kinds(
    results: Mapping[str, Detection], data: Mapping[str, tuple[Array, Array]], unit: str
) -> list[Table]:
    """Return the curve of each kind in numbers, or why it has none; nothing of a single kind."""
    rows: list[list[str | float | None]] = [
        [
            kind,
            len(data[kind][0]),
            one.a50,
            one.a90,
            number(one.a90_95) if one.a90_95 else gettext(WHY[one.case]) % WORDS,
        ]
        for kind, one in results.items()
    ]
    size = gettext("size in %(unit)s") % {"unit": unit}
    heads = [gettext("kind of defect"), gettext("with a mask")]
    heads += [f"a50, {size}", f"a90, {size}", f"a90/95, {size}"]
    return [Table(heads, rows)] if rows else []


def _figures_of_kinds(
    results: Mapping[str, Detection], data: Mapping[str, tuple[Array, Array]], unit: str
) -> list[Figure]:
    """Return the curves of the kinds that have one."""
    return [
        detection_figure(one, *data[kind], unit, kind)
        for kind, one in results.items()
        if len(one.curve)
    ]


def _by_kind(
    results: Mapping[str, Detection], data: Mapping[str, tuple[Array, Array]]
) -> list[list[str | float | None]]:
    """Return kind, trials, a50, a90, a90/95 and why there is none, a row for each."""
    return [
        [kind, len(data[kind][0]), one.a50, one.a90, one.a90_95, one.case]
        for kind, one in results.items()
    ]


def _why(result: Detection) -> str:
    """Return that there is no a90/95, and why."""
    text = gettext("A size that is found nine times in ten (a90/95) does not exist: %(why)s")
    return text % {"why": gettext(WHY[result.case]) % WORDS}


def _definitions(result: Detection, unit: str) -> list[Table]:
    """Return a90/95 by each usual definition."""
    none = gettext("does not exist")
    rows = [
        [gettext(text), number(value) if (value := result.bounds[name]) else none]
        for name, text in DEFINITIONS.items()
        if name in result.bounds
    ]
    heads = [gettext("definition of a90/95"), gettext("size in %(unit)s") % {"unit": unit}]
    return [Table(heads, rows)] if rows else []


def _values(trials: Sequence[Trial], result: Detection, unit: str) -> dict[str, Any]:
    """Return all figures."""
    values = asdict(result)
    values |= {"curve": result.curve.tolist(), "a90_95": result.a90_95, "unit": unit}
    found = sum(trial.found for trial in trials)
    low, high = interval(found, len(trials))
    kinds = [
        [kind, len(hits), sum(hits)]
        for kind in sorted({trial.kind for trial in trials})
        for hits in [[trial.found for trial in trials if trial.kind == kind]]
    ]
    sums = {"defects": len(trials), "found": found, "kinds": kinds}
    return {**sums, "interval_95": [low, high], **values}
