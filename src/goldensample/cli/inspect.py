"""`golden inspect`: score new pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.cli.options import Precision
from goldensample.cli.regions import (
    PLAIN,
    CocoFile,
    Explain,
    Masks,
    MmPerPx,
    Smallest,
    Told,
    region_lines,
)
from goldensample.cli.show import inspection_json, inspection_line, print_json, progress, say, tell
from goldensample.cli.watching import StrictInput, Watcher, WatchFile, strict
from goldensample.errors import ImageError
from goldensample.extracting import BATCH
from goldensample.inspector import Inspector
from goldensample.judging import judge
from goldensample.records import Inspection, Threshold


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures: folders, files, globs.")
    ],
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/report.html.", metavar="DIR")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a picture.")] = False,
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
    """Score pictures, find defects and say where they are."""
    from goldensample.annotating import Annotations
    from goldensample.cli.reporting import finish, start
    from goldensample.folders import open_images
    from goldensample.precisions import at
    from goldensample.store import load
    from goldensample.writing import check_writable

    told = Told(explain, mm_per_px, smallest)
    if report:
        check_writable(report / "report.html")
    inspector = load(file)
    if precision != "auto":
        inspector = at(inspector, precision)
        if inspector.threshold is None and threshold is None:
            tell(f"no limits were set in {precision}, so no verdicts: fit in it, or --threshold")
    if threshold is not None:
        limits = {inspector.backbone.precision: by_hand(inspector, threshold)}
        inspector = replace(inspector, thresholds=limits)
    if fail_on_defect and inspector.threshold is None:
        raise ValueError(
            f"--fail-on-defect must have a threshold; {file} has none; add --threshold"
        )
    pictures = open_images(paths, white=inspector.preparation.white)
    written = Annotations(masks, coco, pictures, inspector.threshold)
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
            show(found, name, inspector.threshold, json, told, scene)
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
    if failures:
        raise typer.Exit(2)
    if fail_on_defect and defects:
        raise typer.Exit(1)


def show(
    found: Inspection | ImageError,
    name: str,
    threshold: Threshold | None,
    json: bool,
    told: Told = PLAIN,
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
