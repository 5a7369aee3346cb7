"""`golden demo`: the main job from pictures to report, on rendered parts or on a data set."""

from html import escape
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.cli.show import progress, tell
from goldensample.errors import ImageError

FULL = {"train": 60, "test_good": 16, "per_defect": 8}
QUICK = {"train": 20, "test_good": 4, "per_defect": 2}
QUICK_FAMILIES = 2


def command(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for pictures, files and report.")
    ] = Path("demo"),
    data: Annotated[
        Path | None,
        typer.Option(help="A data set in MVTec layout, or a folder of several, instead of parts."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer parts: half a minute.")] = False,
) -> None:
    """Render a line of parts, learn from the good ones, find the defects, write a report."""
    from goldensample.weights import open_backbone

    if data is None:
        data = output / "line"
        _render(data, quick)
    backbone = open_backbone()
    rows = [
        _run(folder, output, backbone, 0.05 if not quick else 0.1) for folder in _categories(data)
    ]
    _print_table(rows)
    _write_overview(rows, output / "report.html")
    tell(f"report: {output / 'report.html'}")


def _render(folder: Path, quick: bool) -> None:
    """Write the line of parts."""
    from goldensample.demo import FAMILIES, write_line

    families = list(FAMILIES)[: QUICK_FAMILIES if quick else None]
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


def _run(folder: Path, output: Path, backbone: Any, false_alarms: float) -> dict[str, Any]:
    """Fit, save, load and evaluate one category; return its row of the table."""
    from goldensample.cli.evaluate import measure
    from goldensample.cli.reporting import finish, start
    from goldensample.folders import read_images
    from goldensample.inspector import fit
    from goldensample.store import load, save

    began = perf_counter()
    file = output / f"{folder.name}.golden"
    with progress() as notify:
        pictures = read_images(folder / "train" / "good")
        save(fit(pictures, backbone=backbone, false_alarms=false_alarms, notify=notify), file)
        fitted = perf_counter() - began
        inspector = load(file)
        page = start(inspector, file)
        evaluation, seconds = measure(inspector, folder, page, notify)
    finish(page, output / folder.name / "report.html", evaluation)
    return {
        "category": folder.name,
        "good": len(pictures),
        "fit_s": fitted,
        **evaluation.as_json(),
        "ms": seconds * 1000,
        "calls": page.counts(),
    }


COLUMNS = {
    "category": "parts",
    "good": "good pictures",
    "fit_s": "fit, s",
    "images": "tested",
    "image_auroc": "image AUROC",
    "pixel_auroc": "pixel AUROC",
    "pro": "PRO",
    "f1": "best F1",
    "ms": "ms an image",
}


def _cell(value: Any) -> str:
    """Return a figure as people read it."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}" if value <= 1 else f"{value:.1f}"
    return str(value)


def _print_table(rows: list[dict[str, Any]]) -> None:
    """Print the table to stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name, title in COLUMNS.items():
        table.add_column(title, justify="left" if name == "category" else "right")
    for row in rows:
        table.add_row(*(_cell(row[name]) for name in COLUMNS))
    Console(width=None).print(table)


def _write_overview(rows: list[dict[str, Any]], path: Path) -> None:
    """Write the page that leads to the reports of the categories."""
