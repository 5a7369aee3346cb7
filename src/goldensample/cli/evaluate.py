"""`golden evaluate`: metrics of a fitted file on labelled pictures."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.artifact.store import load
from goldensample.cli.console import padded, print_json, progress, say, table_lines, tell, width_of
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
from goldensample.locales.language import counted, gettext
from goldensample.records import Notify, Picture
from goldensample.report import Report

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
    advice = gettext(
        "--size above %(size)s, or --tile, for small defects; --look-at or --ignore, where the "
        "background changes; --align, where parts lie askew; --composition on, where something is "
        "missing; another network (--backbone effnet-lite0, or timm:NAME)"
    ) % {"size": f"{height}x{width}"}
    if budget := getattr(inspector.method, "budget", None):
        advice = gettext(
            "training longer than with --budget %(budget)s; --align, where parts lie askew; "
            "--method patchcore, which needs no training"
        ) % {"budget": budget}
    text = gettext(
        "golden: of a defect and a good part, the defect scores higher only %(share)s of the time. "
        "What may help, each with a new fit: %(advice)s. Choose by other pictures than those you "
        "report"
    )
    return text % {"share": f"{auroc:.0%}", "advice": advice}


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
            unmarked += filter(
                None, [unmarked_text(gettext("its mask"), truth.picture.name, truth.mask)]
            )
        tally.add(inspection, truth.defect, truth.mask, truth.kind, truth.channels, truth.view)
        if page:
            page.add(truth.picture.pixels, inspection, truth.defect, truth.kind, truth.mask)
        started = perf_counter()
    if unmarked:
        odd = counted("%(num)s odd mask", "%(num)s odd masks", len(unmarked))
        tell(f"{odd}: {join_names(unmarked)}")
    return tally.result(), seconds / len(data.test)


def format_evaluation(values: dict[str, Any]) -> str:
    """Return the metrics as lines of text."""
    mistakes, (low, high) = values["misclassified"], values["image_auroc_interval"]
    interval = gettext("(95 %% interval %(low)s to %(high)s)")
    interval %= {"low": f"{low:.4f}", "high": f"{high:.4f}"}
    pixels = gettext("(on the %(pixels)s)") % {"pixels": gettext(values["pixels"])}
    at = gettext("at %(score)s") % {"score": f"{values['f1_threshold']:.4f}"}
    missed = gettext("%(alarms)s false alarms, %(misses)s misses")
    missed %= {"alarms": mistakes["false_positive"], "misses": mistakes["false_negative"]}
    facts = {
        gettext("images"): values["images"],
        gettext("image AUROC"): f"{_format_metric(values['image_auroc'])}  {interval}",
        gettext("image AP"): _format_metric(values["image_average_precision"]),
        gettext("best F1"): f"{_format_metric(values['f1'])}  {at}",
        gettext("misclassified there"): missed,
        gettext("pixel AUROC"): f"{_format_metric(values['pixel_auroc'])}  {pixels}",
        gettext("pixel AP"): _format_metric(values["pixel_average_precision"]),
        gettext("pixel best F1"): _format_metric(values["pixel_f1"]),
        gettext("PRO up to %(share)s %%") % {"share": 30}: _format_metric(values["pro"]),
        gettext("PRO up to %(share)s %%") % {"share": 5}: _format_metric(values["pro_5"]),
        gettext("seconds an image"): f"{values['seconds_per_image']:.4f}",
    }
    facts |= _saturated_facts(values) | _view_facts(values)
    width = max(map(width_of, facts)) + 1
    lines = [f"{padded(name, width)}{value}" for name, value in facts.items()]
    return "\n".join([*lines, *_remarks(values), *_type_lines(values["by_type"])])


def _remarks(values: dict[str, Any]) -> list[str]:
    """Return sentences on what the figures are of."""
    lines: list[str] = []
    if values["spro_5"] is not None:
        text = gettext(
            "the last three are the mean of the types of defect, as MVTec LOCO's figures are; the "
            "PRO above is of all masks of a picture in one, and no figure of theirs"
        )
        lines.append(text)
    if values["without_mask"]:
        text = gettext("left out of the pixel figures, for want of a mask: %(count)s")
        lines.append(text % {"count": values["without_mask"]})
    if values["pixel_error"] is not None:
        text = gettext("error of the pixel figures, at most %(error)s")
        lines.append(text % {"error": f"{values['pixel_error']:.2g}"})
    if values["image_auroc_by_view"]:
        text = gettext(
            "a part has the largest score of its views, and is a defect where one of them shows it"
        )
        lines.append(text)
    return lines


def _saturated_facts(values: dict[str, Any]) -> dict[str, str]:
    """Return the figures of MVTec LOCO, whose measure is not PRO; none elsewhere."""
    if values["spro_5"] is None:
        return {}
    text = gettext("sPRO up to %(share)s %%")
    return {
        text % {"share": 30}: _format_metric(values["spro"]),
        text % {"share": 5}: _format_metric(values["spro_5"]),
        gettext("image AUROC, types"): _format_metric(values["type_auroc"]),
    }


def _view_facts(values: dict[str, Any]) -> dict[str, str]:
    """Return the image AUROC of each view and of whole parts, where parts have views."""
    by_view, text = values["image_auroc_by_view"], gettext("image AUROC, view %(view)s")
    if not by_view:
        return {}
    one_kind = gettext("pictures of one kind alone")
    return {
        **{text % {"view": name}: _format_metric(v, one_kind) for name, v in by_view.items()},
        gettext("image AUROC, parts"): _format_metric(values["image_auroc_per_part"], one_kind),
    }


def _type_lines(by_type: dict[str, dict[str, Any]]) -> list[str]:
    """Return a table with a row for each type of defect."""
    if not by_type:
        return []
    heads = {
        "image_auroc": gettext("image AUROC"),
        "pixel_auroc": gettext("pixel AUROC"),
        "pro": gettext("PRO up to %(share)s %%") % {"share": 30},
    }
    if any(metrics["spro_5"] is not None for metrics in by_type.values()):
        heads |= {"spro_5": gettext("sPRO up to %(share)s %%") % {"share": 5}}
    rows, kind, none = [], gettext("type of defect"), gettext("none")
    for name, metrics in by_type.items():
        row = {kind: name, gettext("images"): str(metrics["images"])}
        row |= {head: _format_metric(metrics[key], none) for key, head in heads.items()}
        rows.append(row)
    return ["", *table_lines(rows, kind)]


def _format_metric(value: float | None, missing: str | None = None) -> str:
    if value is None:
        return missing or gettext("no masks or no heat maps")
    return f"{value:.4f}"
