"""The section on attribute agreement, and the table of appraisals it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from goldensample.errors import GoldenError
from goldensample.locales.language import gettext
from goldensample.qualification.agreement import BOUNDS, Appraiser, appraise, between
from goldensample.qualification.paper import Section, Table
from goldensample.records import Array
from goldensample.report.words import percent

COLUMNS = ("appraiser", "part", "trial", "call", "reference")
CALLS = {"good": False, "ok": False, "0": False, "defect": True, "ng": True, "1": True}


def read_appraisals(rows: Sequence[Mapping[str, str]]) -> tuple[dict[str, Array], list[str], Array]:
    """Return the calls of each appraiser, (parts, trials) bool, the parts, and their references.

    Args:
        rows: with COLUMNS; calls and references are good or defect.

    Raises:
        GoldenError: a column or a call is missing, or is none of those.
    """
    found: dict[tuple[str, str, str], bool] = {}
    truth: dict[str, bool] = {}
    for number, row in enumerate(rows, 2):
        if missing := [name for name in COLUMNS if not row.get(name)]:
            raise GoldenError(
                f"appraisals must have {', '.join(COLUMNS)} in each row; row {number} lacks "
                f"{', '.join(missing)}; fill it in"
            )
        call, reference = (row[name].strip().casefold() for name in ("call", "reference"))
        if not {call, reference} <= set(CALLS):
            raise GoldenError(
                f"call and reference must be good or defect; row {number} has {call!r} and "
                f"{reference!r}; correct it"
            )
        if truth.setdefault(row["part"], CALLS[reference]) != CALLS[reference]:
            raise GoldenError(
                f"a part must have one reference; {row['part']} has two, see row {number}"
            )
        found[row["appraiser"], row["part"], row["trial"]] = CALLS[call]
    people, trials = (sorted({key[k] for key in found}) for k in (0, 2))
    parts = sorted(truth)
    if len(found) != len(people) * len(parts) * len(trials):
        raise GoldenError(
            f"every appraiser must call every part in every trial; {len(people)} appraisers, "
            f"{len(parts)} parts and {len(trials)} trials make "
            f"{len(people) * len(parts) * len(trials)} calls; got {len(found)}; complete the table"
        )
    calls = {
        name: np.array([[found[name, part, trial] for trial in trials] for part in parts])
        for name in people
    }
    return calls, parts, np.array([truth[part] for part in parts])


def appraisers(calls: Mapping[str, Array], reference: Array) -> Section:
    """Return how well people and the inspector agree with the reference and with each other.

    Args:
        calls: (parts, trials) bool of each appraiser.
        reference: (parts,) bool.
    """
    results = {name: appraise(one, reference) for name, one in calls.items()}
    kappa, share = between(calls), float(reference.mean())
    known = {"kappa": _kappa(kappa), "share": percent(share)}
    answer = [
        gettext("Between appraisers, Fleiss' kappa is %(kappa)s.") % known,
        gettext(
            "%(share)s of the parts are defects. Kappa falls with that share: at equal errors it "
            "is about 0.90 where half are defects, and about 0.6 where a twentieth are."
        )
        % known,
    ]
    return Section(
        key="agreement",
        title=gettext("Agreement with people"),
        answer=answer,
        rests_on=gettext(
            "%(parts)s parts. Effectiveness counts parts called right in every trial; acceptable "
            "is 90 %% with at most 2 %% missed and 5 %% false alarms, marginal 80, 5 and 10 %%. "
            "Kappa is of all trials in one table against the reference."
        )
        % {"parts": len(reference)},
        shows_not=gettext(
            "That the reference is right; and agreement on other parts than these, which are "
            "seldom as mixed as the line's."
        ),
        values={
            "between": kappa, "defects": share,
            **{name: asdict(result) for name, result in results.items()},
        },
        tables=[_table(results)],
    )  # fmt: skip


def _table(results: Mapping[str, Appraiser]) -> Table:
    """Return a row for each appraiser."""
    heads = [gettext("appraiser"), gettext("effectiveness"), gettext("missed")]
    heads += [gettext("false alarms"), gettext("Cohen's kappa"), gettext("by AIAG's bounds")]
    rows = []
    for name, one in results.items():
        rates = map(_share, (one.effectiveness, one.miss_rate, one.false_alarm_rate))
        rows.append([name, *rates, _kappa(one.kappa), _judge(one)])
    return Table(heads, rows)


def _kappa(value: float | None) -> str:
    return gettext("none: one class alone was called") if value is None else f"{value:.2f}"


def _share(value: float | None) -> str:
    return "–" if value is None else percent(value)


def _judge(result: Appraiser) -> str:
    """Return acceptable, marginal or not acceptable, by the worst of the three rates."""
    worst = 0
    for name, (good, marginal) in BOUNDS.items():
        value = getattr(result, name)
        if value is not None:
            sign = -1 if name == "effectiveness" else 1
            worst = max(worst, sum(sign * value > sign * bound for bound in (good, marginal)))
    return (gettext("acceptable"), gettext("marginal"), gettext("not acceptable"))[worst]
