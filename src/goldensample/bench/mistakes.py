"""Figure S1: the pictures that the F1-optimal threshold gets wrong, as one page."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from goldensample.bench.board import Board
from goldensample.bench.data import Category, read
from goldensample.bench.jobs import maps_file, raw_file
from goldensample.bench.runs import Run, run_of
from goldensample.bench.suites import Entry, Suite
from goldensample.datasets import read_mask
from goldensample.images.codec import read_image
from goldensample.records import Inspection, Threshold
from goldensample.report import Report
from goldensample.report.words import text


@dataclass(frozen=True, slots=True)
class Mistakes:
    """The misclassified pictures of one category: how many of how many, and their cards."""

    category: Category
    pictures: int
    false_alarms: int
    misses: int
    cards: str


def page(suite: Suite, board: Board, output: Path) -> bytes | None:
    """Return the page, which holds pictures of the data: not to be published with the results.

    Returns:
        UTF-8, one file with everything in it; None where nothing has been run with its maps.
    """
    found: list[Mistakes] = []
    for panel in suite.panels:
        for entry in panel.entries:
            for category in board.of(panel):
                run = run_of(entry, category, entry.seeds[0], board.networks)
                if isinstance(run, Run) and category.place and _is_there(run, output):
                    rank = 1 + sum(m.false_alarms + m.misses for m in found)
                    found.append(_mistakes(entry, run, output, rank))
    return _page(suite.title, found, board.networks.name) if found else None


def _is_there(run: Run, output: Path) -> bool:
    return raw_file(output, run.name).is_file() and maps_file(output, run.name).is_file()


def _mistakes(entry: Entry, run: Run, output: Path, first_rank: int) -> Mistakes:
    """Collect what a run got wrong."""
    raw = json.loads(raw_file(output, run.name).read_bytes())
    limit, said = raw["evaluation"]["f1_threshold"], raw["pictures"]
    # the best F1 counts its own threshold as a defect, a `Threshold` only what lies above it
    below = float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    report = Report(entry.label, {}, Threshold(score=below, pixel=below))
    wrong: list[bool] = []
    items = {item.name: item for item in read(run.category).test}
    with np.load(maps_file(output, run.name)) as maps:
        for name, defect, score in zip(said["name"], said["defect"], said["score"], strict=True):
            called = np.float32(score) >= np.float32(limit)
            if called == defect or name not in maps:
                continue
            pixels, heat_map = read_image(items[name].path), maps[name].astype(np.float32)
            shape = (pixels.shape[0], pixels.shape[1])
            found = Inspection(
                name, score, "defect" if called else "good", heat_map,
                run.preparation.place(shape).box_px(),
            )  # fmt: skip
            mask = read_mask(items[name], shape) if items[name].masks or not defect else None
            report.add(pixels, found, defect, items[name].defect_type, mask)
            wrong.append(bool(defect))
    counts = Counter(wrong)
    cards = report.oddest(len(wrong), first_rank)
    return Mistakes(run.category, len(said["name"]), counts[False], counts[True], cards)


def _page(title: str, found: Sequence[Mistakes], network: str) -> bytes:
    places = files("goldensample.report")
    heads = ("category", "pictures", "false alarms", "misses")
    rows: list[tuple[Any, ...]] = [
        (f"{m.category.data_set}/{m.category.name}", m.pictures, m.false_alarms, m.misses)
        for m in found
    ]
    sections = [
        f"<h2>{text(m.category.name)}</h2>\n" + (f'<ol class="cards">{m.cards}</ol>'
        if m.cards else "<p>None.</p>") for m in found
    ]  # fmt: skip
    page = Template((places / "overview.html").read_text(encoding="utf-8")).substitute(
        title=text(f"{title}, {network}"),
        style=(places / "page.css").read_text(encoding="utf-8"),
        heads="".join(f"<th>{head}</th>" for head in heads),
        rows="\n".join(
            "<tr>" + "".join(f"<td>{text(str(cell))}</td>" for cell in row) + "</tr>"
            for row in rows
        ),
        sections="\n".join(sections),
    )
    return page.encode("utf-8")
