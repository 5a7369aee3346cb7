"""`golden evaluate`: measure a fitted file on labelled pictures."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.artifact.store import load
from goldensample.cli.console import print_json, progress, say
from goldensample.cli.options import CategoryName, Layout
from goldensample.cli.reporting import finish, start
from goldensample.datasets import Dataset, labelled, read_category, read_dataset
from goldensample.evaluation.evaluate import Evaluation, Labelled, Tally
from goldensample.inspection.inspector import Inspector
from goldensample.records import Notify, Picture
from goldensample.report import Report
from goldensample.storage.atomic import check_writable


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            help="A folder in MVTec layout (test, ground_truth), or in another that golden data "
            "list names, or a CSV file.",
        ),
    ],
    layout: Layout = "",
    category: CategoryName = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/report.html.", metavar="DIR")
    ] = None,
) -> None:
    """Measure a fitted file on a data set with known defects.

    The F1 figures are taken at the threshold that is best on these very pictures: for comparison
    with published figures, not for use on a line.
    """
    if report:
        check_writable(report / "report.html")
    data = find(dataset, layout, category)
    inspector = load(file)
    page = start(inspector, file) if report else None
    with progress() as notify:
        evaluation, seconds = measure(inspector, data, page, notify)
    values = {**evaluation.as_json(), "seconds_per_image": round(seconds, 4)}
    if json:
        print_json(values)
    else:
        say(in_words(values))
    if page and report:
        finish(page, report / "report.html", evaluation)


def find(root: Path, layout: str, category: str) -> Dataset:
    """List the pictures of a data set."""
    if layout or category or not (root / "test").is_dir():
        return read_category(root, category, layout)
    return read_dataset(root)


def measure(
    inspector: Inspector, data: Dataset, page: Report | None, notify: Notify
) -> tuple[Evaluation, float]:
    """Inspect the test pictures of a data set; return the figures and the seconds a picture.

    The time is from the file on disk to the heat map, and holds the reading of the mask.
    """
    tally, truths = Tally(), deque[Labelled]()

    def pictures() -> Iterator[Picture]:
        for truth in labelled(data, inspector.preparation.white):
            truths.append(truth)
            yield truth.picture

    seconds, began = 0.0, perf_counter()
    for done, inspection in enumerate(inspector.inspect_many(pictures()), start=1):
        seconds += perf_counter() - began
        notify("inspect", done, len(data.test))
        truth = truths.popleft()
        tally.add(inspection, truth.defect, truth.mask, truth.kind)
        if page:
            page.add(truth.picture.pixels, inspection, truth.defect, truth.kind, truth.mask)
        began = perf_counter()
    return tally.result(), seconds / len(data.test)


def in_words(values: dict[str, Any]) -> str:
    """Return the figures as lines for people."""
    wrong, (low, high) = values["misclassified"], values["image_auroc_interval"]
    lines = [
        f"images              {values['images']}",
        f"image AUROC         {_number(values['image_auroc'])}  "
        f"(95 % interval {low:.4f} to {high:.4f})",
        f"image AP            {_number(values['image_average_precision'])}",
        f"best F1             {_number(values['f1'])}  at {values['f1_threshold']:.4f}",
        f"misclassified there {wrong['false_positive']} false alarms, "
        f"{wrong['false_negative']} misses",
        f"pixel AUROC         {_number(values['pixel_auroc'])}  (on the {values['pixels']})",
        f"pixel AP            {_number(values['pixel_average_precision'])}",
        f"pixel best F1       {_number(values['pixel_f1'])}",
        f"PRO up to 30 %      {_number(values['pro'])}",
        f"PRO up to 5 %       {_number(values['pro_5'])}",
        f"seconds an image    {values['seconds_per_image']:.4f}",
    ]
    if values["pixel_error"] is not None:
        lines.append(f"error of the pixel figures, at most {values['pixel_error']:.2g}")
    return "\n".join([*lines, *_type_lines(values["by_type"])])


def _type_lines(by_type: dict[str, dict[str, Any]]) -> list[str]:
    """Return a table with a row for each type of defect."""
    if not by_type:
        return []
    width = max(len(name) for name in (*by_type, "type of defect"))
    heads = {
        "image_auroc": "image AUROC",
        "pixel_auroc": "pixel AUROC",
        "pro": "PRO up to 30 %",
    }
    lines = ["", f"{'type of defect':{width}}  images  {'  '.join(heads.values())}"]
    for name, figures in by_type.items():
        cells = [f"{_number(figures[key], 'none'):>{len(head)}}" for key, head in heads.items()]
        lines.append("  ".join([f"{name:{width}}", f"{figures['images']:>6}", *cells]))
    return lines


def _number(value: float | None, missing: str = "no masks or no heat maps") -> str:
    return missing if value is None else f"{value:.4f}"
