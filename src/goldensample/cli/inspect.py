"""`golden inspect`: score new pictures, print the results and write files of them."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import Annotated, Any

import typer

from goldensample.cli.console import (
    inspection_json,
    inspection_line,
    print_json,
    progress,
    say,
    verdict_cell,
)
from goldensample.cli.drift import DriftMonitor, StrictInput, WatchFile, reject_unusual
from goldensample.cli.intake import (
    begin_intake,
    count_picture,
    print_intake,
    tell_intake,
)
from goldensample.cli.loading import check_here, load_inspector
from goldensample.cli.method_options import OwnMethod
from goldensample.cli.options import (
    GoldenFile,
    Lot,
    Operator,
    PdfFile,
    Precision,
    ReportFolder,
    RunnerName,
)
from goldensample.cli.regions_options import (
    CocoFile,
    CocoResults,
    Explain,
    Masks,
    MmPerPx,
    Smallest,
)
from goldensample.cli.sheet import (
    Delimiter,
    add_row,
    open_sheet,
    print_counts,
    tell_sum,
)
from goldensample.cli.table import (
    HeatMaps,
    Output,
    ResumeTable,
    Table,
    check_compatible,
    write_table,
)
from goldensample.cli.table_part import InspectOptions
from goldensample.errors import ImageError
from goldensample.features.extraction import BATCH
from goldensample.inspection.streams import inspect_stream
from goldensample.locales.language import gettext
from goldensample.locales.unmarked import translated
from goldensample.records import Inspection, Threshold
from goldensample.storage.verdict_sheet import VerdictSheet
from goldensample.wording.regions import PLAIN, RegionOptions, explanation_lines
from goldensample.wording.verdicts import verdict_of

JsonLines = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print one JSON object a picture, and a last one where files were left out by "
        "their ending or may show no part; with --output, one for all of them.",
    ),
]


def command(
    file: GoldenFile,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures: folders, files, globs, URLs.")
    ],
    report: ReportFolder = None,
    pdf: PdfFile = None,
    output: Output = None,
    delimiter: Delimiter = "comma",
    runner: RunnerName = "here",
    resume: ResumeTable = False,
    heat_maps: HeatMaps = None,
    json: JsonLines = False,
    fail_on_defect: Annotated[
        bool, typer.Option("--fail-on-defect", help="Exit 1 when a defect was found.")
    ] = False,
    threshold: Annotated[
        float | None, typer.Option(help="Call pictures with a larger score defects.")
    ] = None,
    precision: Precision = "auto",
    batch: Annotated[
        int,
        typer.Option(
            min=1, help="Pictures at a time: more for throughput, 1 for the shortest wait for each."
        ),
    ] = BATCH,
    explain: Explain = False,
    mm_per_px: MmPerPx = None,
    smallest: Smallest = 1,
    masks: Masks = None,
    coco: CocoFile = None,
    coco_results: CocoResults = None,
    strict_input: StrictInput = False,
    watch: WatchFile = None,
    method: OwnMethod = None,
    lot: Lot = "",
    operator: Operator = "",
) -> None:
    """Score pictures, find defects and say where they are.

    With --output, verdicts go to a table, each picture exactly once, whatever is lost on the way.
    """
    from goldensample.cli import reporting
    from goldensample.images.folder import open_images
    from goldensample.masks.annotations import Annotations
    from goldensample.storage.lock import lock_files

    started = perf_counter()
    region_options = RegionOptions(explain, mm_per_px, smallest)
    table_options = {"--runner": runner != "here", "--resume": resume, "--heat-maps": heat_maps}
    other_options = {"--report": report, "--pdf": pdf, "--masks": masks, "--watch": watch}
    other_options |= {"--coco": coco, "--coco-results": coco_results}
    sheet = open_sheet(output, delimiter)
    whole = None if sheet else output
    check_here(method, runner)
    check_compatible(whole, table_options, other_options)
    table = Table(whole, runner, resume, heat_maps, batch) if whole else None
    reporting.check_reports(report, pdf)
    inspector = load_inspector(file, precision, threshold, method)
    limits = inspector.threshold
    check_limits(limits, fail_on_defect, file)
    pictures = open_images(paths, grey_range=inspector.preparation.grey_range)
    intake = begin_intake(pictures)
    if table:
        options = InspectOptions(inspector.backbone.precision, limits, region_options, strict_input)
        with lock_files(table.file):
            counts = write_table(table, file, inspector, pictures, options)
        print_counts(table.output, counts, perf_counter() - started, intake, json)
        exit_with(counts["error"], fail_on_defect and counts["defect"])
        return
    annotations = Annotations(masks, (coco, coco_results), pictures, limits)
    attempts = pictures.attempts()
    if strict_input:
        attempts = reject_unusual(inspector, attempts)
    page = None
    if report or pdf:
        page = reporting.begin_report(inspector, file, reporting.lot_of(lot, paths), operator)
    counts = Counter()
    with lock_files(watch, coco, coco_results, sheet.path if sheet else None), progress() as notify:
        monitor = DriftMonitor(inspector, watch) if watch else None
        results = inspect_stream(inspector, attempts, batch)
        for done, (picture, result) in enumerate(results, start=1):
            notify("inspect", done, len(pictures))
            name, facts = pictures.names[done - 1], count_picture(intake, picture)
            if isinstance(result, Inspection):
                result = region_options.drop_small(result)
                annotations.add(result)
                if monitor and picture:
                    facts["scene"] = monitor.update(picture, result)
            print_result(result, name, limits, json, region_options, facts)
            counts[verdict_of(result)] += 1
            if page:
                reporting.add_to_page(page, name, picture, result)
            if sheet:
                add_row(sheet, name, result, limits)
        annotations.finish()
        finish(monitor, sheet)
    print_intake(tell_intake(intake), json, of_each=("few_levels",))
    reporting.write_reports(page, report, pdf)
    tell_sum(counts, json, output)
    exit_with(counts["error"], fail_on_defect and counts["defect"])


def finish(monitor: DriftMonitor | None, sheet: VerdictSheet | None) -> None:
    """Save what was learned of the stream, and the sheet, where they are asked for."""
    if monitor:
        monitor.save()
    if sheet:
        sheet.write()


def check_limits(limits: Threshold | None, fail_on_defect: bool, file: Path) -> None:
    """Refuse to fail on defects where nothing can be called one."""
    if fail_on_defect and limits is None:
        text = gettext("--fail-on-defect must have a threshold; %(file)s has none; add --threshold")
        raise ValueError(text % {"file": file})


def exit_with(failures: int, defects: int) -> None:
    """Exit with 2 after failures, with 1 after defects; else return."""
    if failures:
        raise typer.Exit(2)
    if defects:
        raise typer.Exit(1)


def print_result(
    result: Inspection | ImageError,
    name: str,
    threshold: Threshold | None,
    json: bool,
    options: RegionOptions = PLAIN,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Print the result of one picture, readable or not, on a line of its own."""
    if isinstance(result, ImageError):
        if json:
            print_json({"picture": name, "error": str(result)})
        else:
            say(f"{verdict_cell('error')}{'-':>9}  {name}  {translated(str(result))}")
    elif json:
        print_json({**inspection_json(result, threshold, options), **facts})
    else:
        say(inspection_line(result))
        for line in explanation_lines(result, options) if options.explain else ():
            say(line)
