"""`golden demo`: the main job from pictures to report, on rendered parts or on a data set."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from goldensample.artifact.store import load, save
from goldensample.backbones.network import Backbone
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.evaluate import measure
from goldensample.cli.reporting import finish, start
from goldensample.datasets import read_dataset
from goldensample.errors import ImageError
from goldensample.fitting.fit import fit
from goldensample.images.folder import read_images
from goldensample.report import Report, overview
from goldensample.storage.atomic import write_atomic

FULL = {"train": 60, "test_good": 16, "per_defect": 4}
QUICK = {"train": 30, "test_good": 4, "per_defect": 2}
QUICK_FAMILIES = ["cap", "washer"]
RATE, QUICK_RATE = 0.05, 0.1
"""Of false alarms: fewer parts support no smaller one."""


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for pictures, files and report.")
    ] = Path("demo"),
    data: Annotated[
        Path | None,
        typer.Option(help="A data set in MVTec layout, or a folder of several, instead of parts."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer parts: half a minute.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Render a line of parts, learn from the good ones, find the defects, write a report."""
    from goldensample.graphs.open_backbone import open_backbone

    if data is None:
        data = output / ("line-quick" if quick else "line")
        _render(data, quick)
    backbone = open_backbone()
    rate = QUICK_RATE if quick else RATE
    runs = [_run(folder, output, backbone, rate) for folder in _categories(data)]
    rows = [row for row, _ in runs]
    if json:
        for row in rows:
            print_json(row)
    else:
        _print_table(rows)
    reports = {row["parts"]: (f"{row['parts']}/report.html", page) for row, page in runs}
    write_atomic(output / "report.html", overview("Golden Sample demo", rows, reports))
    tell(f"report: {output / 'report.html'}")


def _render(folder: Path, quick: bool) -> None:
    """Write the line of parts."""
    from goldensample.demo import FAMILIES, write_line

    families = QUICK_FAMILIES if quick else list(FAMILIES)
    with progress() as notify:
        write_line(folder, families, notify=notify, **(QUICK if quick else FULL))


def _categories(data: Path) -> list[Path]:
    """Return the data set, or the data sets in a folder of several."""
    if (data / "train").is_dir():
        return [data]
    found = sorted(path.parent for path in data.glob("*/train") if path.is_dir())
    if not found:
        raise ImageError(
            f"{data} must hold a data set in MVTec layout (train/good, test/TYPE), or folders that "
            "do; there is none"
        )
    return found


def _run(
    folder: Path, output: Path, backbone: Backbone, false_alarms: float
) -> tuple[dict[str, str], Report]:
    """Fit, save, load and evaluate one category; return its row of the table and its report."""
    began = perf_counter()
    file = output / f"{folder.name}.golden"
    with progress() as notify:
        pictures = read_images(folder / "train" / "good", notify=notify)
        save(fit(pictures, backbone=backbone, false_alarms=false_alarms, notify=notify), file)
        fitted = perf_counter() - began
        inspector = load(file)
        page = start(inspector, file)
        found, seconds = measure(inspector, read_dataset(folder), page, notify)
    finish(page, output / folder.name / "report.html", found)
    row = {
        "parts": folder.name,
        "good pictures": f"{len(pictures)}",
        "fit": f"{fitted:.1f} s",
        "tested": f"{found.images}",
        "image AUROC": f"{found.image_auroc:.4f}",
        "pixel AUROC": "-" if found.pixel_auroc is None else f"{found.pixel_auroc:.4f}",
        "PRO": "-" if found.pro is None else f"{found.pro:.4f}",
        "false alarms": page.mistakes(label=False) if inspector.threshold else "-",
        "misses": page.mistakes(label=True) if inspector.threshold else "-",
        "an image": f"{seconds * 1000:.0f} ms",
    }
    return row, page


def _print_table(rows: list[dict[str, str]]) -> None:
    """Print the table to stdout, whatever the width of the terminal."""
    widths = {head: max(len(head), *(len(row[head]) for row in rows)) for head in rows[0]}
    for row in [dict(zip(widths, widths, strict=True)), *rows]:
        cells = [f"{row['parts']:{widths['parts']}}"]
        cells += [f"{row[head]:>{width}}" for head, width in list(widths.items())[1:]]
        say("  ".join(cells).rstrip())
