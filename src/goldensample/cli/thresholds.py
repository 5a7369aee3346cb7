"""`golden thresholds`: false alarms and misses of each score limit."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.calibration.tradeoff import LabelledScores, Limit, curves, table
from goldensample.cli.another_day import show_another_day
from goldensample.cli.console import print_json, progress, say, table_lines, tell
from goldensample.cli.learning import Reason
from goldensample.cli.method_options import OwnMethod, open_own
from goldensample.cli.options import CategoryName, GoldenFile, Json, Layout, parse_rate
from goldensample.datasets import Dataset
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.records import Calibration, Notify
from goldensample.wording.limits import percent, promise


def command(
    file: GoldenFile,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Labelled pictures, as for golden evaluate."),
    ] = None,
    layout: Layout = "",
    category: CategoryName = "",
    json: Json = False,
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/thresholds.html.", metavar="DIR")
    ] = None,
    set_: Annotated[
        float | None,
        typer.Option(
            "--set",
            parser=parse_rate,
            metavar="RATE",
            help="Set the limits for this rate of false alarms (2%) and change the file; undo with "
            "golden revert.",
        ),
    ] = None,
    review: Annotated[
        float | None,
        typer.Option(
            parser=parse_rate,
            metavar="RATE",
            help="With --set: of good parts to look at again; 0 for none. \\[default: as it is]",
        ),
    ] = None,
    reason: Reason = "",
    another_day: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            help="Good pictures of another recording: how many of them the limit calls defects.",
        ),
    ] = None,
    method: OwnMethod = None,
) -> None:
    """Show what each score limit would cost in false alarms and, with labelled pictures, in
    misses; or set one.

    False alarms come from the good pictures that the file's own limits rest on. To choose a limit
    by the misses of --data and to report its misses on the same pictures flatters it.
    """
    from goldensample.artifact.store import load
    from goldensample.cli.evaluate import find_dataset

    if another_day is not None:
        if data or report or set_ is not None or review is not None or reason:
            raise ValueError("--another-day must go with --json alone; got another option")
        show_another_day(load(file, open_own(method)), file, another_day, json)
        return
    if set_ is not None:
        if data or report:
            raise ValueError("--set must go without --data and --report; look first, then set")
        set_limits(file, set_, review, reason, json, method)
        return
    if review is not None or reason:
        raise ValueError("--review and --reason must go with --set; got no --set")
    dataset = find_dataset(data, layout, category, None) if data else None
    show_table(load(file, open_own(method)), file, dataset, json, report)


def set_limits(
    file: Path, rate: float, review: float | None, reason: str, json: bool, method: str | None
) -> None:
    """Change a file's limits to those for a rate; print what they promise."""
    from goldensample.cli.learning import locked_inspector, note, write
    from goldensample.learning.relimit import set_rates

    with locked_inspector(file, method) as inspector:
        before = inspector.threshold.review_rate if inspector.threshold else None
        if review is None and before and before <= rate:
            text = gettext("golden: nothing is to be looked at again now: %(rate)s was the rate")
            tell(text % {"rate": percent(before)})
        elif review is None:
            review = before
        changed = set_rates(inspector, rate, review or None, note(reason))
        write(changed, file)
    threshold, journal = changed.threshold, changed.journal
    if json:
        revision = journal.head if journal else 0
        limits = asdict(threshold) if threshold else None
        print_json({"file": str(file), "revision": revision, "threshold": limits})
    else:
        say(f"{file}: {promise(threshold, journal)}")


def show_table(
    inspector: Inspector, file: Path, dataset: Dataset | None, json: bool, report: Path | None
) -> None:
    """Print the table of limits, and write its page."""
    from goldensample.report.tradeoff import page
    from goldensample.storage.atomic import check_writable, write_atomic

    if report:
        check_writable(report / "thresholds.html")
    calibration = calibration_of(inspector, file)
    truth = None
    if dataset:
        with progress() as notify:
            truth = score_dataset(inspector, dataset, notify)
    limits = table(calibration, inspector.threshold, truth)
    if json:
        print_json(table_json(limits, calibration, truth, inspector))
    else:
        for line in table_lines(table_rows(limits, truth)):
            say(line)
        text = gettext("the file's threshold is %(limits)s")
        say("\n" + text % {"limits": promise(inspector.threshold, inspector.journal)})
    if report:
        used = inspector.threshold.score if inspector.threshold else None
        html = page(file.stem, table_rows(limits, truth), curves(calibration, truth), used)
        write_atomic(report / "thresholds.html", html)
        tell(gettext("report: %(path)s") % {"path": report / "thresholds.html"})


def calibration_of(inspector: Inspector, file: Path) -> Calibration:
    """Return the calibration that the limits of a file were computed from."""
    calibration = inspector.calibrations.get(inspector.backbone.precision)
    if calibration is None:
        raise ValueError(
            f"a file must hold scores of good pictures kept out of the fit; {file} has none; set "
            "limits with golden learn --calibrate, or fit anew with more pictures"
        )
    return calibration


def score_dataset(inspector: Inspector, data: Dataset, notify: Notify) -> LabelledScores:
    """Score labelled pictures."""
    from goldensample.datasets import labelled

    truths = [item.defect for item in data.test]
    pictures = (item.picture for item in labelled(data, inspector.preparation.grey_range))
    scores = []
    for done, inspection in enumerate(inspector.inspect_many(pictures), start=1):
        notify("inspect", done, len(truths))
        scores.append(inspection.score)
    all_scores, defects = np.asarray(scores), np.asarray(truths, bool)
    if defects.all() or not defects.any():
        raise ValueError("labelled pictures must show good parts and defects; got one kind alone")
    return LabelledScores(all_scores[~defects], all_scores[defects])


def table_rows(limits: list[Limit], truth: LabelledScores | None) -> list[dict[str, str]]:
    """Return the rows of the table, as text under each header."""
    rows, of = [], gettext("%(done)s of %(total)s")
    span = gettext("%(low)s to %(high)s")
    for limit in limits:
        low, high = limit.interval
        row = {
            gettext("score limit"): f"{limit.score:.4f}",
            gettext("false alarms"): ("≈ " if limit.estimate else "") + percent(limit.rate),
            gettext("may well be"): span % {"low": percent(low), "high": percent(high)},
        }
        if truth is not None:
            alarms = {"done": limit.alarms, "total": len(truth.good)}
            misses = {"done": limit.misses, "total": len(truth.defect)}
            row[gettext("alarms in the data")] = of % alarms
            row[gettext("missed in the data")] = of % misses
        notes = [gettext("in use")] * limit.in_use
        notes += [gettext("estimate, no promise")] * limit.estimate
        rows.append(row | {"": ", ".join(notes)})
    return rows


def table_json(
    limits: list[Limit],
    calibration: Calibration,
    truth: LabelledScores | None,
    inspector: Inspector,
) -> dict[str, Any]:
    """Return the table as JSON values."""
    return {
        "rests_on": len(calibration.scores),
        "calibration": inspector.threshold.kind if inspector.threshold else None,
        "labelled_good": None if truth is None else len(truth.good),
        "labelled_defects": None if truth is None else len(truth.defect),
        "limits": [asdict(limit) for limit in limits],
    }
