"""Progress bars, and printing of results as lines, tables and JSON."""

import io
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unicodedata import east_asian_width

import typer

from goldensample.locales.language import counted, gettext, mark
from goldensample.locales.unmarked import translated
from goldensample.records import Inspection, Notify, Threshold, silent
from goldensample.wording.notes import told
from goldensample.wording.progress import STAGES, Pace
from goldensample.wording.regions import PLAIN, RegionOptions, composition_json, regions_json

QUIET_S = 10.0
VERDICTS = {
    "good": mark("good"),
    "review": mark("review"),
    "defect": mark("defect"),
    "error": mark("error"),
}
"""What a verdict is called on a line."""


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
        TextColumn(gettext("elapsed")),
        TimeElapsedColumn(),
        TextColumn(gettext("left")),
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
                tasks[stage] = bars.add_task(gettext(STAGES.get(stage, stage)), total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield notify


def _line_notifier() -> Notify:
    """Return a notifier that writes a line every ten seconds."""
    paces: dict[str, Pace] = {}
    printed = heard = time.monotonic()

    def notify(stage: str, done: int, total: int) -> None:
        nonlocal printed, heard
        now = time.monotonic()
        pace, heard = paces.setdefault(stage, Pace(heard)), now  # it begins as the last one ends
        left = pace.time_left(now, done, total)
        if now - printed >= QUIET_S and done:
            printed = now
            values = {"done": f"{done:,}", "total": f"{total:,}"}
            counts = gettext("%(done)s of %(total)s") % values
            tell(f"{gettext(STAGES.get(stage, stage))}: {counts}{left}")

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


def table_lines(rows: Sequence[Mapping[str, str]], *left: str) -> list[str]:
    """Return a table with its header as lines; the columns `left` are left-aligned, no other."""
    header = {head: head for head in rows[0]}
    widths = {head: max(width_of(row[head]) for row in (header, *rows)) for head in header}
    return [
        "  ".join(
            padded(row[head], width, head not in left) for head, width in widths.items()
        ).rstrip()
        for row in (header, *rows)
    ]


def failure_list(failures: Mapping[str, str]) -> str:
    """Return what failed and why, each on an indented line of its own."""
    return "".join(f"\n  {name}: {translated(reason)}" for name, reason in failures.items())


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


def verdict_cell(verdict: str | None) -> str:
    """Return a verdict as people read it, as wide as the longest."""
    width = max(7, *(width_of(gettext(text)) + 1 for text in VERDICTS.values()))
    return padded(gettext(VERDICTS[verdict]) if verdict else "-", width)


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: Korean and Chinese letters take two."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def padded(text: str, width: int, right: bool = False) -> str:
    """Return a text with spaces after it, or before it, up to a width."""
    spaces = " " * (width - width_of(text))
    return spaces + text if right else text + spaces


def inspection_line(inspection: Inspection) -> str:
    """Return an inspection as one line for people."""
    line = f"{verdict_cell(inspection.verdict)}{inspection.score:9.4f}  {inspection.name}"
    if inspection.regions:
        largest = max(inspection.regions, key=lambda region: region.area_px)
        row, column = largest.peak_px
        place = gettext("%(regions)s, largest %(area)s px around row %(row)s, column %(column)s")
        regions = len(inspection.regions)
        line += "  " + place % {
            "regions": counted("%(num)s region", "%(num)s regions", regions),
            "area": f"{largest.area_px:,}",
            "row": row,
            "column": column,
        }
    return line + (f"  ({told(inspection.note)})" if inspection.note else "")
