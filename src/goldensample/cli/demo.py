"""`golden demo`: fit, evaluate and report, on rendered parts or on a data set."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from goldensample.artifact.store import load, save
from goldensample.backbones.network import Backbone
from goldensample.cli.console import print_json, progress, say, table_lines, tell
from goldensample.cli.evaluate import evaluate_dataset
from goldensample.cli.reporting import begin_report, write_report
from goldensample.datasets import read_category
from goldensample.errors import ImageError
from goldensample.fitting.fit import fit
from goldensample.images.folder import read_images
from goldensample.locales.language import gettext, language, mark, speaking
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
    runs = [_run(folder, output, backbone, rate, json) for folder in _categories(data)]
    rows = [row for row, _ in runs]
    shown = [{gettext(head): value for head, value in row.items()} for row in rows]
    if json:
        for row in rows:
            print_json(row)
    else:
        for line in table_lines(shown, gettext("parts")):
            say(line)
    reports = {row["parts"]: (f"{row['parts']}/report.html", page) for row, page in runs}
    write_atomic(output / "report.html", overview("Golden Sample demo", shown, reports))
    tell(gettext("report: %(path)s") % {"path": output / "report.html"})


def _render(folder: Path, quick: bool) -> None:
    """Write the data sets of rendered parts."""
    from goldensample.demo import FAMILIES, write_dataset

    families = QUICK_FAMILIES if quick else list(FAMILIES)
    with progress() as notify:
        write_dataset(folder, families, notify=notify, **(QUICK if quick else FULL))


def _categories(data: Path) -> list[Path]:
    """Return the folder of the data set, or the folders of several in it."""
    if (data / "train").is_dir():
        return [data]
    folders = sorted(path.parent for path in data.glob("*/train") if path.is_dir())
    if not folders:
        raise ImageError(
            f"{data} must hold a data set in MVTec layout (train/good, test/TYPE), or folders that "
            "do; there is none"
        )
    return folders


def _run(
    folder: Path, output: Path, backbone: Backbone, false_alarms: float, json: bool
) -> tuple[dict[str, str], Report]:
    """Fit, save, load and evaluate one category; return its row of the table and its report."""
    started = perf_counter()
    file = output / f"{folder.name}.golden"
    with progress() as notify:
        pictures = read_images(folder / "train" / "good", notify=notify)
        save(fit(pictures, backbone=backbone, false_alarms=false_alarms, notify=notify), file)
        fit_seconds = perf_counter() - started
        inspector = load(file)
        page = begin_report(inspector, file)
        evaluation, seconds = evaluate_dataset(inspector, read_category(folder), page, notify)
    write_report(page, output / folder.name / "report.html", evaluation)
    with speaking("en" if json else language()):
        row = {
            mark("parts"): folder.name,
            mark("good pictures"): f"{len(pictures)}",
            mark("fit"): f"{fit_seconds:.1f} s",
            mark("tested"): f"{evaluation.images}",
            mark("image AUROC"): f"{evaluation.image_auroc:.4f}",
            mark("pixel AUROC"): "-"
            if evaluation.pixel_auroc is None
            else f"{evaluation.pixel_auroc:.4f}",
            "PRO": "-" if evaluation.pro is None else f"{evaluation.pro:.4f}",
            mark("false alarms"): page.error_count(label=False) if inspector.threshold else "-",
            mark("misses"): page.error_count(label=True) if inspector.threshold else "-",
            mark("an image"): f"{seconds * 1000:.0f} ms",
        }
    return row, page
