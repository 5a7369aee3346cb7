"""`golden part calibrate` and `golden part inspect`: pictures of whole parts."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from goldensample.cli.console import inspection_json, print_json, progress, say, tell
from goldensample.cli.inspect import exit_with
from goldensample.cli.options import Json, Lot, ReportFolder, parse_rate
from goldensample.cli.part_table import open_table
from goldensample.cli.reporting import lot_of
from goldensample.cli.sheet import Delimiter
from goldensample.images.listing import find_files
from goldensample.locales.language import gettext
from goldensample.parts.calibrate import calibrate as calibrate_part
from goldensample.parts.codes import check_installed, with_code
from goldensample.parts.grouping import (
    DEFAULT_PATTERN,
    NamePattern,
    PartPictures,
    left_over_words,
)
from goldensample.parts.inspector import PartInspection, PartInspector, load_part
from goldensample.parts.manifest import read_manifest, refresh_hashes, write_manifest
from goldensample.parts.words import part_facts, part_line, part_row, promise, sum_of
from goldensample.records import Inspection
from goldensample.report.parts_page import PartsReport
from goldensample.storage.atomic import check_writable, write_atomic

PartFile = Annotated[Path, typer.Argument(metavar="PART", help="A .golden-part file.")]
PartPaths = Annotated[
    list[str],
    typer.Argument(metavar="PATH...", help="Pictures of all views: folders, files, globs."),
]
Pattern = Annotated[
    str,
    typer.Option(
        metavar="PATTERN",
        help="How a picture's name tells part and view; a folder may be one of them, as in "
        "{serial}/{view}.",
    ),
]
PartRate = Annotated[
    float | None,
    typer.Option(
        parser=parse_rate,
        metavar="RATE",
        help="Of good parts called defects, such as 2%. \\[default: 5% for a new part, then as the "
        "file has it]",
    ),
]


CodeView = Annotated[
    str | None,
    typer.Option(
        metavar="VIEW",
        help="Read the serial number from a code in this view: DataMatrix, QR or a bar code.",
    ),
]
TableFile = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write a table, one row a part: .csv, .xlsx or .parquet.",
    ),
]
PartJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object a part, its views in it.")
]
FailOnDefect = Annotated[
    bool, typer.Option("--fail-on-defect", help="Exit 1 when a part is a defect.")
]


def calibrate(
    part: PartFile,
    paths: PartPaths,
    name_pattern: Pattern = DEFAULT_PATTERN,
    false_alarms: PartRate = None,
    json: Json = False,
) -> None:
    """Set a part's limits on whole good parts, which no view's file was fitted on.

    One p-value for all views together, so that the rate is that of parts, however many views there
    are. It takes 19 good parts for 5 %, 99 for 1 %. Views' files that have changed are taken as
    they are now.
    """
    from goldensample.storage.lock import lock_files

    with lock_files(part):
        manifest = refresh_hashes(part, read_manifest(part))
        opened = load_part(part, manifest)
        parts = find_parts(paths, name_pattern, opened)
        rate = manifest.false_alarms if false_alarms is None else false_alarms
        with progress() as notify:
            calibrated = calibrate_part(opened, parts, rate, notify)
        write_manifest(part, calibrated)
    done = PartInspector(calibrated, opened.inspectors)
    if json:
        values = {"calibrated_on": len(parts), "false_alarms": rate, "least_rate": done.least_rate}
        print_json({"file": str(part), **values})
    else:
        say(f"{part}: {promise(done)}")


def inspect(
    part: PartFile,
    paths: PartPaths,
    name_pattern: Pattern = DEFAULT_PATTERN,
    read_code: CodeView = None,
    output: TableFile = None,
    delimiter: Delimiter = "comma",
    report: ReportFolder = None,
    lot: Lot = "",
    json: PartJson = False,
    fail_on_defect: FailOnDefect = False,
) -> None:
    """Give each part one verdict from the pictures of its views.

    A part that lacks a view that it must have is an error, not a defect. Exit codes: 0 done; 1 a
    defect was found (only with --fail-on-defect); 2 a part could not be judged, or wrong use.
    """
    opened = load_part(part)
    check_code_view(read_code, opened.manifest.names)
    table = open_table(output, opened.manifest.names, delimiter)
    if report:
        check_writable(report / "report.html")
    page = PartsReport(lot_of(lot, paths) or part.stem, opened) if report else None
    parts = find_parts(paths, name_pattern, opened)
    counts: Counter[str] = Counter()
    with progress() as notify:
        for result in opened.inspect(parts, notify):
            result = with_code(result, read_code) if read_code else result
            counts[result.verdict] += 1
            print_part(result, opened, json)
            if table:
                table.add(part_row(result))
            if page:
                page.add(result)
    if table:
        table.write()
    if page and report:
        write_atomic(report / "report.html", page.html())
        tell(gettext("report: %(path)s") % {"path": report / "report.html"})
    if not json:
        tell(sum_of(counts) + (f"; {output}" if output else ""))
    exit_with(counts["error"], fail_on_defect and counts["defect"])


def check_code_view(view: str | None, views: tuple[str, ...]) -> None:
    """Refuse, before long work, a view that a part has not, and codes without their extra."""
    if view is None:
        return
    if view not in views:
        raise ValueError(f"--read-code must name a view, {', '.join(views)}; got {view}")
    check_installed()


def find_parts(paths: list[str], text: str, part: PartInspector) -> list[PartPictures]:
    """Return the parts of pictures at paths, and tell what was left out.

    Raises:
        ValueError: the pattern is invalid, or no picture's name is of it.
    """
    pattern, listing = NamePattern(text, part.manifest.names), find_files(paths)
    parts, left_over = pattern.group(listing.pictures)
    if not parts:
        raise ValueError(
            f"names of pictures must be {text} with a view {', '.join(part.manifest.names)}; none "
            f"of {len(listing.pictures):,} is, such as {left_over[0]}; give --name-pattern"
        )
    if listing.left_out:
        text = gettext("golden: %(count)s left out, as their endings are no pictures'")
        tell(text % {"count": f"{len(listing.left_out):,}"})
    if left_over:
        tell(f"golden: {left_over_words(left_over, pattern)}")
    return parts


def print_part(result: PartInspection, part: PartInspector, json: bool) -> None:
    """Print the result of one part on a line of its own."""
    if json:
        print_json(part_json(result, part))
    else:
        say(part_line(result))


def part_json(result: PartInspection, part: PartInspector) -> dict[str, Any]:
    """Return a part for machines, under the names of `golden part inspect --json`."""
    limits = {
        name: inspector.threshold
        for name, inspector in zip(part.manifest.names, part.inspectors, strict=True)
    }
    views = {
        name: inspection_json(view, limits[name])
        if isinstance(view, Inspection)
        else {"error": str(view)}
        for name, (_, view) in result.views.items()
    }
    return {**part_facts(result), "views": views}
