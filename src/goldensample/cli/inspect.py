"""`golden inspect`: score new pictures."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.cli.console import (
    inspection_json,
    inspection_line,
    print_json,
    progress,
    say,
    tell,
)
from goldensample.cli.drift import StrictInput, Watcher, WatchFile, strict
from goldensample.cli.options import Precision, RunnerName
from goldensample.cli.regions_options import CocoFile, Explain, Masks, MmPerPx, Smallest
from goldensample.cli.table import GoOn, HeatMaps, Output, Table, check_together, write_table
from goldensample.cli.table_part import Asked
from goldensample.errors import ImageError
from goldensample.features.extraction import BATCH
from goldensample.inspection.inspector import Inspector
from goldensample.inspection.streams import judge
from goldensample.records import Inspection, Threshold
from goldensample.wording.regions import PLAIN, RegionOptions, region_lines


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures: folders, files, globs, URLs.")
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/report.html.", metavar="DIR")
    ] = None,
    output: Output = None,
    runner: RunnerName = "here",
    resume: GoOn = False,
    heat_maps: HeatMaps = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a picture; with --output, one for all of them."
        ),
    ] = False,
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
    strict_input: StrictInput = False,
    watch: WatchFile = None,
) -> None:
    """Score pictures, find defects and say where they are.

    With --output, verdicts go to a table, each picture exactly once, whatever is lost on the way.
    """
    from goldensample.cli.reporting import finish, start
    from goldensample.images.folder import open_images
    from goldensample.masks.annotations import Annotations
    from goldensample.storage.atomic import check_writable

    began = perf_counter()
    told = RegionOptions(explain, mm_per_px, smallest)
    given: dict[str, object] = {
        "--runner": runner != "here",
        "--resume": resume,
        "--heat-maps": heat_maps,
    }
    given |= {"--report": report, "--masks": masks, "--coco": coco, "--watch": watch}
    check_together(output, given)
    table = Table(output, runner, resume, heat_maps, batch) if output else None
    if report:
        check_writable(report / "report.html")
    inspector = opened(file, precision, threshold)
    limits = inspector.threshold
    if fail_on_defect and limits is None:
        raise ValueError(
            f"--fail-on-defect must have a threshold; {file} has none; add --threshold"
        )
    pictures = open_images(paths, white=inspector.preparation.white)
    if table:
        asked = Asked(inspector.backbone.precision, limits, told, strict_input)
        counts = write_table(table, file, inspector, pictures, asked)
        tell_table(table.output, counts, perf_counter() - began, json)
        leave(counts["error"], fail_on_defect and counts["defect"])
        return
    written = Annotations(masks, coco, pictures, limits)
    attempts = strict(inspector, pictures.attempts()) if strict_input else pictures.attempts()
    watcher = Watcher(inspector, watch) if watch else None
    page = start(inspector, file) if report else None
    defects = failures = 0
    with progress() as notify:
        for done, (picture, found) in enumerate(judge(inspector, attempts, batch), start=1):
            notify("inspect", done, len(pictures))
            name = pictures.names[done - 1]
            if isinstance(found, Inspection):
                found = told.counted(found)
                written.add(found)
            scene = None
            if watcher and picture and isinstance(found, Inspection):
                scene = {"scene": watcher.see(picture, found)}
            show(found, name, limits, json, told, scene)
            if isinstance(found, ImageError):
                failures += 1
                if page:
                    page.add_failure(name, str(found))
            else:
                defects += found.verdict == "defect"
                if page and picture:
                    page.add(picture.pixels, found)
    written.finish()
    if watcher:
        watcher.finish()
    if page and report:
        finish(page, report / "report.html")
    leave(failures, fail_on_defect and defects)


def opened(file: Path, precision: str, threshold: float | None) -> Inspector:
    """Load an inspector, in another precision or with another limit where one is asked for."""
    from goldensample.artifact.store import load
    from goldensample.fitting.precision import at

    inspector = load(file)
    if precision != "auto":
        inspector = at(inspector, precision)
        if inspector.threshold is None and threshold is None:
            tell(f"no limits were set in {precision}, so no verdicts: fit in it, or --threshold")
    if threshold is None:
        return inspector
    limits = {inspector.backbone.precision: by_hand(inspector, threshold)}
    return replace(inspector, thresholds=limits)


def leave(failures: int, defects: int) -> None:
    """End with the exit code of what was found."""
    if failures:
        raise typer.Exit(2)
    if defects:
        raise typer.Exit(1)


def tell_table(output: str, counts: Counter[str], seconds: float, json: bool) -> None:
    """Print what was written, for people or as one JSON object."""
    kinds = ("good", "review", "defect", "none", "error")
    if json:
        found = {kind: counts[kind] for kind in kinds}
        print_json({"file": output, "pictures": counts.total(), **found, "seconds": seconds})
        return
    names = ("good", "to look at again", "defects", "without a verdict", "errors")
    listed = [f"{counts[k]:,} {name}" for k, name in zip(kinds, names, strict=True) if counts[k]]
    say(f"{output}: {counts.total():,} pictures, {', '.join(listed)}, in {seconds:.1f} s")


def show(
    found: Inspection | ImageError,
    name: str,
    threshold: Threshold | None,
    json: bool,
    told: RegionOptions = PLAIN,
    scene: dict[str, Any] | None = None,
) -> None:
    """Print the result of one picture, readable or not, as a line of its own."""
    if isinstance(found, ImageError):
        if json:
            print_json({"picture": name, "error": str(found)})
        else:
            say(f"{'error':7}{'-':>9}  {name}  {found}")
    elif json:
        print_json({**inspection_json(found, threshold, told), **(scene or {})})
    else:
        say(inspection_line(found))
        for line in region_lines(found.regions, told) if told.explain else ():
            say(line)


def by_hand(inspector: Inspector, score: float) -> Threshold:
    """Return limits with the score limit replaced.

    Regions keep the fitted pixel limit; without one they take the score's, where there is a map.
    """
    if inspector.threshold:
        return Threshold(score, inspector.threshold.pixel)
    blank = inspector.inspect(np.zeros((*inspector.preparation.canvas_hw, 3), np.uint8))
    return Threshold(score, None if blank.heat_map is None else score)
