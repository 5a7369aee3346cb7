"""`golden evaluate`: metrics of a fitted file on labelled pictures."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.artifact.store import load
from goldensample.cli.console import print_json, progress, say, table_lines, tell
from goldensample.cli.extras import check_extra
from goldensample.cli.method_options import OwnMethod, open_own
from goldensample.cli.options import (
    CategoryName,
    GoldenFile,
    Json,
    Labels,
    Layout,
    PdfFile,
    ReportFolder,
)
from goldensample.cli.reporting import begin_report, check_reports, write_reports
from goldensample.datasets import Dataset, labelled, read_category
from goldensample.datasets.items import (
    join_names,
    require_complete,
    unmarked_text,
    unmasked_note,
)
from goldensample.datasets.marked import read_with_labels
from goldensample.evaluation.evaluate import Evaluation, Labelled, Tally
from goldensample.inspection.inspector import Inspector
from goldensample.records import Notify, Picture
from goldensample.report import Report
from goldensample.wording.numbers import count

WEAK = 0.9
"""Image AUROC below which it is said what may help."""


def command(
    file: GoldenFile,
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
    labels: Labels = None,
    json: Json = False,
    report: ReportFolder = None,
    pdf: PdfFile = None,
    method: OwnMethod = None,
) -> None:
    """Measure a fitted file on a data set with known defects.

    The F1 figures are taken at the threshold that is best on these very pictures: for comparison
    with published figures, not for use on a line.
    """
    check_reports(report, pdf)
    data = find_dataset(dataset, layout, category, labels)
    inspector = load(file, open_own(method))
    page = begin_report(inspector, file) if report or pdf else None
    with progress() as notify:
        evaluation, seconds = evaluate_dataset(inspector, data, page, notify)
    values = {**evaluation.as_json(), "seconds_per_image": round(seconds, 4)}
    if json:
        print_json(values)
    else:
        say(format_evaluation(values))
    if values["image_auroc"] < WEAK:
        tell(weak_hint(values["image_auroc"], inspector))
    write_reports(page, report, pdf, evaluation)


def weak_hint(auroc: float, inspector: Inspector) -> str:
    """Return what to try where defects score much as good parts do."""
    height, width = inspector.preparation.size_hw
    advice = (
        f"--size above {height}x{width}, or --tile, for small defects; --look-at or --ignore, "
        "where the background changes; --align, where parts lie askew; --composition on, where "
        "something is missing; another network (--backbone effnet-lite0, or timm:NAME)"
    )
    if budget := getattr(inspector.method, "budget", None):
        advice = (
            f"training longer than with --budget {budget}; --align, where parts lie askew; "
            "--method patchcore, which needs no training"
        )
    return (
        f"golden: of a defect and a good part, the defect scores higher only {auroc:.0%} of the "
        f"time. What may help, each with a new fit: {advice}. Choose by other pictures than those "
        "you report"
    )


def find_dataset(root: Path, layout: str, category: str, labels: Path | None) -> Dataset:
    """List the pictures of a data set, and tell what was left out or lacks a mask."""
    if labels:
        check_extra("labels", "--labels")
        data = require_complete(read_with_labels(root, category, layout, labels))
    else:
        data = read_category(root, category, layout)
    for note in (*data.notes, unmasked_note(data)):
        if note:
            tell(note)
    return data


def evaluate_dataset(
    inspector: Inspector, data: Dataset, page: Report | None, notify: Notify
) -> tuple[Evaluation, float]:
    """Inspect the test pictures of a data set; return the metrics and the seconds per picture.

    The time is from the file on disk to the heat map, and includes the reading of the mask.
    """
    tally, truths = Tally(), deque[Labelled]()

    def pictures() -> Iterator[Picture]:
        for truth in labelled(data, inspector.preparation.grey_range):
            truths.append(truth)
            yield truth.picture

    unmarked: list[str] = []
    seconds, started = 0.0, perf_counter()
    for done, inspection in enumerate(inspector.inspect_many(pictures()), start=1):
        seconds += perf_counter() - started
        notify("inspect", done, len(data.test))
        truth = truths.popleft()
        if truth.defect and truth.mask is not None:
            unmarked += filter(None, [unmarked_text("its mask", truth.picture.name, truth.mask)])
        tally.add(inspection, truth.defect, truth.mask, truth.kind, truth.channels)
        if page:
            page.add(truth.picture.pixels, inspection, truth.defect, truth.kind, truth.mask)
        started = perf_counter()
    if unmarked:
        tell(f"{count(len(unmarked), 'odd mask')}: {join_names(unmarked)}")
    return tally.result(), seconds / len(data.test)


def format_evaluation(values: dict[str, Any]) -> str:
    """Return the metrics as lines of text."""
    mistakes, (low, high) = values["misclassified"], values["image_auroc_interval"]
    lines = [
        f"images              {values['images']}",
        f"image AUROC         {_format_metric(values['image_auroc'])}  "
        f"(95 % interval {low:.4f} to {high:.4f})",
        f"image AP            {_format_metric(values['image_average_precision'])}",
        f"best F1             {_format_metric(values['f1'])}  at {values['f1_threshold']:.4f}",
        f"misclassified there {mistakes['false_positive']} false alarms, "
        f"{mistakes['false_negative']} misses",
        f"pixel AUROC         {_format_metric(values['pixel_auroc'])}  (on the {values['pixels']})",
        f"pixel AP            {_format_metric(values['pixel_average_precision'])}",
        f"pixel best F1       {_format_metric(values['pixel_f1'])}",
        f"PRO up to 30 %      {_format_metric(values['pro'])}",
        f"PRO up to 5 %       {_format_metric(values['pro_5'])}",
        f"seconds an image    {values['seconds_per_image']:.4f}",
    ]
    lines += _saturated_lines(values)
    if values["without_mask"]:
        lines.append(f"left out of the pixel figures, for want of a mask: {values['without_mask']}")
    if values["pixel_error"] is not None:
        lines.append(f"error of the pixel figures, at most {values['pixel_error']:.2g}")
    return "\n".join([*lines, *_type_lines(values["by_type"])])


def _saturated_lines(values: dict[str, Any]) -> list[str]:
    """Return the figures of MVTec LOCO, whose measure is not PRO; none elsewhere."""
    if values["spro_5"] is None:
        return []
    return [
        f"sPRO up to 30 %     {_format_metric(values['spro'])}",
        f"sPRO up to 5 %      {_format_metric(values['spro_5'])}",
        f"image AUROC, types  {_format_metric(values['type_auroc'])}",
        "the last three are the mean of the types of defect, as MVTec LOCO's figures are; the PRO "
        "above is of all masks of a picture in one, and no figure of theirs",
    ]


def _type_lines(by_type: dict[str, dict[str, Any]]) -> list[str]:
    """Return a table with a row for each type of defect."""
    if not by_type:
        return []
    heads = {
        "image_auroc": "image AUROC",
        "pixel_auroc": "pixel AUROC",
        "pro": "PRO up to 30 %",
    }
    if any(metrics["spro_5"] is not None for metrics in by_type.values()):
        heads |= {"spro_5": "sPRO up to 5 %"}
    rows = []
    for name, metrics in by_type.items():
        row = {"type of defect": name, "images": str(metrics["images"])}
        row |= {head: _format_metric(metrics[key], "none") for key, head in heads.items()}
        rows.append(row)
    return ["", *table_lines(rows, left="type of defect")]


def _format_metric(value: float | None, missing: str = "no masks or no heat maps") -> str:
    return missing if value is None else f"{value:.4f}"
