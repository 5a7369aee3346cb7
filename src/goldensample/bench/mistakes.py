"""Figure S1: the pictures that the F1-optimal threshold gets wrong, as one page."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.bench.board import ResultsTable
from goldensample.bench.data import Category, load_dataset
from goldensample.bench.jobs import maps_file, raw_file
from goldensample.bench.runs import Run, make_run
from goldensample.bench.suites import Entry, Suite
from goldensample.datasets import read_mask
from goldensample.images.codec import read_image
from goldensample.records import Inspection, Threshold
from goldensample.report import Report
from goldensample.report.table_page import render_table_page
from goldensample.report.words import escape


@dataclass(frozen=True, slots=True)
class Misclassified:
    """The misclassified pictures of one category: counts and report cards."""

    category: Category
    pictures: int
    false_alarms: int
    misses: int
    cards: str


def page(suite: Suite, results: ResultsTable, output: Path) -> bytes | None:
    """Return the page, which holds pictures of the data: not to be published with the results.

    Returns:
        UTF-8, one file with everything in it; None where nothing has been run with its maps.
    """
    groups: list[Misclassified] = []
    for panel in suite.panels:
        for entry in panel.entries:
            for category in results.categories_of(panel):
                run = make_run(entry, category, entry.seeds[0], results.networks)
                if isinstance(run, Run) and category.location and _has_results(run, output):
                    rank = 1 + sum(m.false_alarms + m.misses for m in groups)
                    groups.append(_collect_misclassified(entry, run, output, rank))
    return _page(suite.title, groups, results.networks.name) if groups else None


def _has_results(run: Run, output: Path) -> bool:
    return raw_file(output, run.name).is_file() and maps_file(output, run.name).is_file()


def _collect_misclassified(entry: Entry, run: Run, output: Path, first_rank: int) -> Misclassified:
    """Collect the misclassified pictures of a run."""
    raw = json.loads(raw_file(output, run.name).read_bytes())
    f1_threshold, pictures = raw["evaluation"]["f1_threshold"], raw["pictures"]
    # the best F1 counts its own threshold as a defect, a `Threshold` only what lies above it
    below = float(np.nextafter(np.float32(f1_threshold), np.float32(-np.inf)))
    report = Report(entry.label, {}, Threshold(score=below, pixel=below))
    labels: list[bool] = []
    items = {item.name: item for item in load_dataset(run.category).test}
    with np.load(maps_file(output, run.name)) as maps:
        for name, defect, score in zip(
            pictures["name"], pictures["defect"], pictures["score"], strict=True
        ):
            predicted = np.float32(score) >= np.float32(f1_threshold)
            if predicted == defect or name not in maps:
                continue
            pixels, heat_map = read_image(items[name].path), maps[name].astype(np.float32)
            shape = (pixels.shape[0], pixels.shape[1])
            inspection = Inspection(
                name, score, "defect" if predicted else "good", heat_map,
                run.preparation.placement(shape).box_px(),
            )  # fmt: skip
            mask = read_mask(items[name], shape) if items[name].is_marked or not defect else None
            report.add(pixels, inspection, defect, items[name].defect_type, mask)
            labels.append(bool(defect))
    counts = Counter(labels)
    cards = report.top_cards(len(labels), first_rank)
    return Misclassified(run.category, len(pictures["name"]), counts[False], counts[True], cards)


def _page(title: str, groups: Sequence[Misclassified], network: str) -> bytes:
    headings = ("category", "pictures", "false alarms", "misses")
    rows: list[tuple[Any, ...]] = [
        (f"{m.category.data_set}/{m.category.name}", m.pictures, m.false_alarms, m.misses)
        for m in groups
    ]
    sections = [
        f"<h2>{escape(m.category.name)}</h2>\n" + (f'<ol class="cards">{m.cards}</ol>'
        if m.cards else "<p>None.</p>") for m in groups
    ]  # fmt: skip
    return render_table_page(f"{title}, {network}", headings, rows, sections)
