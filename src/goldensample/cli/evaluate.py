"""`golden evaluate`: measure a fitted file on labelled pictures."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.cli.reporting import finish, start
from goldensample.cli.show import print_json, progress, say
from goldensample.datasets import labelled, read_dataset
from goldensample.evaluation import Evaluation, Labelled, Tally
from goldensample.inspector import Inspector
from goldensample.records import Notify, Picture
from goldensample.report import Report
from goldensample.store import load
from goldensample.writing import check_writable


def command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .golden file.")],
    dataset: Annotated[
        Path,
        typer.Argument(metavar="DATASET", help="A folder in MVTec layout (test, ground_truth)."),
    ],
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
    inspector = load(file)
    page = start(inspector, file) if report else None
    with progress() as notify:
        evaluation, seconds = measure(inspector, dataset, page, notify)
    values = {**evaluation.as_json(), "seconds_per_image": round(seconds, 4)}
    if json:
        print_json(values)
    else:
        say(in_words(values))
    if page and report:
        finish(page, report / "report.html", evaluation)


def measure(
    inspector: Inspector, dataset: Path, page: Report | None, notify: Notify
) -> tuple[Evaluation, float]:
    """Inspect the test pictures of a data set; return the figures and the seconds a picture.

    The time is from the file on disk to the heat map, and holds the reading of the mask.
    """
    data = read_dataset(dataset)
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
        tally.add(inspection, truth.defect, truth.mask)
        if page:
            page.add(truth.picture.pixels, inspection, truth.defect, truth.kind, truth.mask)
        began = perf_counter()
    return tally.result(), seconds / len(data.test)


def in_words(values: dict[str, Any]) -> str:
    """Return the figures as lines for people."""

    def number(value: float | None) -> str:
        return "no masks" if value is None else f"{value:.4f}"

    wrong = values["misclassified"]
    return "\n".join(
        [
            f"images              {values['images']}",
            f"image AUROC         {number(values['image_auroc'])}",
            f"pixel AUROC         {number(values['pixel_auroc'])}  (on the {values['pixels']})",
            f"PRO up to 30 %      {number(values['pro'])}",
            f"best F1             {number(values['f1'])}  at {values['f1_threshold']:.4f}",
            f"misclassified there {wrong['false_positive']} false alarms, "
            f"{wrong['false_negative']} misses",
            f"seconds an image    {values['seconds_per_image']:.4f}",
        ]
    )
