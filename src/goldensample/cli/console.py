"""What people see while they wait, and how results are printed."""

import io
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from goldensample.records import Inspection, Notify, Threshold, silent
from goldensample.wording.progress import STAGES
from goldensample.wording.regions import PLAIN, RegionOptions, regions_json

QUIET_S = 10.0


@contextmanager
def progress() -> Iterator[Notify]:
    """Show progress with the time left on stderr: bars on a terminal, else a line now and then.

    Nothing is shown where stderr is kept in memory, to be told later: nobody waits there.
    """
    if not sys.stderr.isatty():
        yield silent if isinstance(sys.stderr, io.StringIO) else _lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # rich would send what is printed meanwhile to its own console, stderr: right only where both
    # are the same terminal
    console, both = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, redirect_stdout=both) as bars:
        tasks: dict[str, Any] = {}

        def notify(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=bars.tasks[task].total)
                tasks[stage] = bars.add_task(STAGES.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield notify


def _lines() -> Notify:
    """Return a notifier that writes a line every ten seconds of a stage."""
    began: dict[str, float] = {}
    told = [time.monotonic()]

    def notify(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        start = began.setdefault(stage, now)
        if now - told[0] >= QUIET_S and done:
            told[0] = now
            left = (now - start) * (total - done) / done
            tell(f"{STAGES.get(stage, stage)}: {done:,} of {total:,}, about {left:.0f} s left")

    return notify


def tell(text: str) -> None:
    """Write a line for people to stderr."""
    print(text, file=sys.stderr, flush=True)


def say(text: str) -> None:
    """Write a line of results to stdout; a reader that has left ends the run with exit code 2."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(2) from None


def print_json(values: dict[str, Any]) -> None:
    """Write one object on one line to stdout."""
    say(json.dumps(values, allow_nan=False))


def inspection_json(
    inspection: Inspection, threshold: Threshold | None, told: RegionOptions = PLAIN
) -> dict[str, Any]:
    """Return an inspection without its heat map, under the names of `golden inspect --json`."""
    return {
        "picture": inspection.name,
        "score": inspection.score,
        "verdict": inspection.verdict,
        "p_value": inspection.p_value,
        "threshold": threshold.score if threshold else None,
        "review_threshold": threshold.review if threshold else None,
        "pixel_threshold": threshold.pixel if threshold else None,
        "regions": regions_json(inspection, threshold, told),
        "inspected_px": inspection.box_px,
        "note": inspection.note,
    }


def inspection_line(inspection: Inspection) -> str:
    """Return an inspection as one line for people."""
    verdict = inspection.verdict or "-"
    words = f"{verdict:7}{inspection.score:9.4f}  {inspection.name}"
    if inspection.regions:
        largest = max(inspection.regions, key=lambda region: region.area_px)
        row, column = largest.peak_px
        many = len(inspection.regions)
        words += f"  {many} region{'s' * (many > 1)}, largest {largest.area_px:,} px"
        words += f" around row {row}, column {column}"
    return words + (f"  ({inspection.note})" if inspection.note else "")
