"""`golden thresholds`: what each limit would cost."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.calibration.tradeoff import Labelled, Limit, curves, table
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.options import CategoryName, Layout
from goldensample.datasets import Dataset
from goldensample.inspection.inspector import Inspector
from goldensample.records import Calibration, Notify
from goldensample.wording.limits import percent, promise


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="DATASET", help="Labelled pictures, as for golden evaluate."),
    ] = None,
    layout: Layout = "",
    category: CategoryName = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/thresholds.html.", metavar="DIR")
    ] = None,
) -> None:
    """Show what each score limit would cost in false alarms and, with labelled pictures, in misses.

    False alarms come from the good pictures that the file's own limits rest on. To choose a limit
    by the misses of --data and to report its misses on the same pictures flatters it.
    """
    from goldensample.artifact.store import load
    from goldensample.cli.evaluate import find
    from goldensample.report.tradeoff import page
    from goldensample.storage.atomic import check_writable, write_atomic

    if report:
        check_writable(report / "thresholds.html")
    found = find(data, layout, category) if data else None
    inspector = load(file)
    known = calibration(inspector, file)
    truth = None
    if found:
        with progress() as notify:
            truth = judged(inspector, found, notify)
    limits = table(known, inspector.threshold, truth)
    if json:
        print_json(values(limits, known, truth, inspector))
    else:
        for line in lines(limits, truth):
            say(line)
        say(f"\nthe file's threshold is {promise(inspector.threshold, inspector.journal)}")
    if report:
        used = inspector.threshold.score if inspector.threshold else None
        drawn = page(file.stem, cells(limits, truth), curves(known, truth), used)
        write_atomic(report / "thresholds.html", drawn)
        tell(f"report: {report / 'thresholds.html'}")


def calibration(inspector: Inspector, file: Path) -> Calibration:
    """Return what the file's limits rest on."""
    known = inspector.calibrations.get(inspector.backbone.precision)
    if known is None:
        raise ValueError(
            f"a file must hold scores of good pictures kept out of the fit; {file} has none; set "
            "limits with golden learn --calibrate, or fit anew with more pictures"
        )
    return known


def judged(inspector: Inspector, data: Dataset, notify: Notify) -> Labelled:
    """Score labelled pictures."""
    from goldensample.datasets import labelled

    truths = [one.defect for one in data.test]
    pictures = (one.picture for one in labelled(data, inspector.preparation.white))
    scores = []
    for done, inspection in enumerate(inspector.inspect_many(pictures), start=1):
        notify("inspect", done, len(truths))
        scores.append(inspection.score)
    among, defects = np.asarray(scores), np.asarray(truths, bool)
    if defects.all() or not defects.any():
        raise ValueError("labelled pictures must show good parts and defects; got one kind alone")
    return Labelled(among[~defects], among[defects])


def cells(limits: list[Limit], truth: Labelled | None) -> list[dict[str, str]]:
    """Return the table in words."""
    rows = []
    for limit in limits:
        low, high = limit.interval
        row = {
            "score limit": f"{limit.score:.4f}",
            "false alarms": ("≈ " if limit.estimate else "") + percent(limit.rate),
            "90 % of fits": f"{percent(low)} to {percent(high)}",
        }
        if truth is not None:
            row["alarms there"] = f"{limit.alarms} of {len(truth.good)}"
            row["missed there"] = f"{limit.misses} of {len(truth.defect)}"
        notes = ["in use"] * limit.in_use + ["estimate, no promise"] * limit.estimate
        rows.append(row | {"": ", ".join(notes)})
    return rows


def lines(limits: list[Limit], truth: Labelled | None) -> list[str]:
    """Return the table as lines for people."""
    rows = cells(limits, truth)
    widths = {head: max(len(head), *(len(row[head]) for row in rows)) for head in rows[0]}
    head = "  ".join(f"{name:>{width}}" for name, width in widths.items())
    body = ["  ".join(f"{row[name]:>{width}}" for name, width in widths.items()) for row in rows]
    return [line.rstrip() for line in (head, *body)]


def values(
    limits: list[Limit], known: Calibration, truth: Labelled | None, inspector: Inspector
) -> dict[str, Any]:
    """Return the table for machines."""
    return {
        "rests_on": len(known.scores),
        "calibration": inspector.threshold.kind if inspector.threshold else None,
        "labelled_good": None if truth is None else len(truth.good),
        "labelled_defects": None if truth is None else len(truth.defect),
        "limits": [asdict(limit) for limit in limits],
    }
