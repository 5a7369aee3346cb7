"""`golden inspect`: score new pictures."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from goldensample.cli.show import inspection_json, inspection_line, print_json, progress, say
from goldensample.errors import ImageError
from goldensample.inspector import BATCH, Inspector
from goldensample.records import Inspection, Picture, Threshold


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
) -> None:
    """Score pictures, find defects and say where they are."""
    from goldensample.cli.reporting import finish, start
    from goldensample.folders import open_images
    from goldensample.store import check_writable, load

    if report:
        check_writable(report / "report.html")
    inspector = load(file)
    if threshold is not None:
        inspector = replace(inspector, threshold=by_hand(inspector.threshold, threshold))
    if fail_on_defect and inspector.threshold is None:
        raise ValueError(
            f"--fail-on-defect must have a threshold; {file} has none; add --threshold"
        )
    pictures = open_images(paths, white=inspector.preparation.white)
    page = start(inspector, file) if report else None
    defects = failures = 0
    with progress() as notify:
        for done, (picture, found) in enumerate(judge(inspector, pictures.attempts()), start=1):
            notify("inspect", done, len(pictures))
            name = pictures.names[done - 1]
            show(found, name, inspector.threshold, json)
            if isinstance(found, ImageError):
                failures += 1
                if page:
                    page.add_failure(name, str(found))
            else:
                defects += found.verdict == "defect"
                if page and picture:
                    page.add(picture.pixels, found)
    if page and report:
        finish(page, report / "report.html")
    if failures:
        raise typer.Exit(2)
    if fail_on_defect and defects:
        raise typer.Exit(1)


def show(
    found: Inspection | ImageError, name: str, threshold: Threshold | None, json: bool
) -> None:
    """Print the result of one picture, readable or not, as a line of its own."""
    if isinstance(found, ImageError):
        if json:
            print_json({"picture": name, "error": str(found)})
        else:
            say(f"{'error':7}{'-':>9}  {name}  {found}")
    elif json:
        print_json(inspection_json(found, threshold))
    else:
        say(inspection_line(found))


def by_hand(fitted: Threshold | None, score: float) -> Threshold:
    """Return limits with the score limit replaced; regions keep the fitted pixel limit if any."""
    return Threshold(score, fitted.pixel if fitted else score)


def judge(
    inspector: Inspector, attempts: Iterable[Picture | ImageError]
) -> Iterator[tuple[Picture | None, Inspection | ImageError]]:
    """Inspect what could be read, in batches, and pass on the errors in their places."""
    waiting = iter(attempts)
    while batch := list(islice(waiting, BATCH)):
        readable = [attempt for attempt in batch if isinstance(attempt, Picture)]
        found = inspector.inspect_many(readable)
        for attempt in batch:
            if isinstance(attempt, Picture):
                yield attempt, next(found)
            else:
                yield None, attempt
