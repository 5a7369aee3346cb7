"""Progress bars, and printing of results as lines, tables and JSON."""

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from goldensample.records import Inspection, Notify, Threshold, silent
from goldensample.wording.progress import STAGES, Pace
from goldensample.wording.regions import PLAIN, RegionOptions, composition_json, regions_json

QUIET_S = 10.0


@contextmanager
def progress() -> Iterator[Notify]:
    """Show progress with the time left on stderr: bars on a terminal, else a line now and then.

    Nothing is shown where stderr is captured in memory, to be printed later.
    """
    if not sys.stderr.isatty():
        yield silent if isinstance(sys.stderr, io.StringIO) else _line_notifier()
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
    # rich would send what is printed meanwhile to its own console, stderr: right only where stdout
    # is the same terminal
    console, redirect = Console(stderr=True), sys.stdout.isatty()
    with Progress(*columns, console=console, redirect_stdout=redirect) as bars:
        tasks: dict[str, Any] = {}

        def notify(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    bars.update(task, completed=bars.tasks[task].total)
                tasks[stage] = bars.add_task(STAGES.get(stage, stage), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield notify


def _line_notifier() -> Notify:
    """Return a notifier that writes a line every ten seconds."""
    paces: dict[str, Pace] = {}
    printed = time.monotonic()

    def notify(stage: str, done: int, total: int) -> None:
        nonlocal printed
        now = time.monotonic()
        left = paces.setdefault(stage, Pace()).time_left(now, done, total)
        if now - printed >= QUIET_S and done:
            printed = now
            tell(f"{STAGES.get(stage, stage)}: {done:,} of {total:,}{left}")

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


def table_lines(rows: Sequence[Mapping[str, str]], left: str = "") -> list[str]:
    """Return a table with its header as lines; the column `left` is left-aligned, no other."""
    widths = {head: max(len(head), *(len(row[head]) for row in rows)) for head in rows[0]}
    aligns = {head: "<" if head == left else ">" for head in widths}
    header = {head: head for head in widths}
    return [
        "  ".join(f"{row[head]:{aligns[head]}{width}}" for head, width in widths.items()).rstrip()
        for row in (header, *rows)
    ]


def failure_list(failures: Mapping[str, str]) -> str:
    """Return what failed and why, each on an indented line of its own."""
    return "".join(f"\n  {name}: {reason}" for name, reason in failures.items())


def inspection_json(
    inspection: Inspection, threshold: Threshold | None, options: RegionOptions = PLAIN
) -> dict[str, Any]:
    """Return an inspection without its heat map, under the names of `golden inspect --json`."""
    return {
        "picture": inspection.name,
        "score": inspection.score,
        "verdict": inspection.verdict,
        "p_value": inspection.p_value,
        "composition": composition_json(inspection),
        "threshold": threshold.score if threshold else None,
        "review_threshold": threshold.review if threshold else None,
        "pixel_threshold": threshold.pixel if threshold else None,
        "regions": regions_json(inspection, options),
        "inspected_px": inspection.box_px,
        "note": inspection.note,
    }


def inspection_line(inspection: Inspection) -> str:
    """Return an inspection as one line for people."""
    verdict = inspection.verdict or "-"
    line = f"{verdict:7}{inspection.score:9.4f}  {inspection.name}"
    if inspection.regions:
        largest = max(inspection.regions, key=lambda region: region.area_px)
        row, column = largest.peak_px
        count = len(inspection.regions)
        line += f"  {count} region{'s' * (count > 1)}, largest {largest.area_px:,} px"
        line += f" around row {row}, column {column}"
    return line + (f"  ({inspection.note})" if inspection.note else "")
