"""Suites as tables: our values next to the paper's, and the reasons of empty cells."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from goldensample.bench import published
from goldensample.bench.board import ResultsTable
from goldensample.bench.data import Category
from goldensample.bench.figures import METRICS
from goldensample.bench.suites import Entry, Panel, Suite

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text.

    Args:
        title: heading.
        columns: headings of the columns, the first one that of the rows' names.
        rows: cells, as many as columns.
        notes: below the table: why cells are empty.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]

    def markdown(self) -> str:
        """Return the table in Markdown."""
        lines = [f"**{self.title}**", "", _line(self.columns)]
        lines.append("|" + "|".join(["---", *["---:"] * (len(self.columns) - 1)]) + "|")
        lines += [_line(row) for row in self.rows]
        lines += ["", *(f"{note}  " for note in self.notes)]
        return "\n".join(lines).rstrip() + "\n"

    def csv(self) -> str:
        """Return columns and rows as CSV, without the notes."""
        writer = csv.writer(file := io.StringIO(), lineterminator="\n")
        writer.writerows([self.unique_columns(), *self.rows])
        return file.getvalue()

    def unique_columns(self) -> list[str]:
        """Return unique headings: a repeated one is qualified by the metric it follows.

        In a table of AUROC and PRO, each with "paper" beside it, they are "paper, AUROC" and
        "paper, PRO".
        """
        unique = list[str]()
        for number, name in enumerate(self.columns):
            metric = next((c for c in reversed(self.columns[:number]) if ": ours" in c), "")
            unique.append(f"{name}, {metric}" if self.columns.count(name) > 1 else name)
        return unique


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@dataclass(slots=True)
class _Footnotes:
    """Footnotes of a table's empty cells, one letter for each reason."""

    reasons: dict[str, str] = field(default_factory=dict)

    def cell(self, values: Sequence[float] | str, metric: str) -> str:
        """Return a cell: the mean of the seeds with their deviation, or the letter of a reason."""
        if isinstance(values, str):
            return self.mark(values)
        content = METRICS[metric].format(float(np.mean(values)))
        if len(values) > 1:
            content += f" ± {METRICS[metric].format(float(np.std(values, ddof=1)))}"
        return content

    def mark(self, reason: str) -> str:
        index = len(self.reasons)
        letter = LETTERS[index % 26] * (1 + index // 26)
        return f"— {self.reasons.setdefault(reason, letter)}"

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{letter}: {reason}" for reason, letter in self.reasons.items())


def tables(suite: Suite, results: ResultsTable) -> list[Table]:
    """Return the tables of a suite."""
    if suite.view == "mistakes":
        return []
    result = []
    for panel in suite.panels:
        title = f"{suite.title}: {panel.title}" if panel.title else suite.title
        if suite.view == "categories":
            result.append(_by_category(title, panel, results))
        elif panel.vary:
            result += [
                _by_axis_value(suite, title, panel, metric, results) for metric in panel.metrics
            ]
        else:
            result.append(_by_method(suite, title, panel, results))
        remarks = {e.label: published.remark(e.label) for e in panel.entries + panel.shown}
        remark_lines = tuple(f"{label}: {remark}" for label, remark in remarks.items() if remark)
        result = [*result[:-1], replace(result[-1], notes=result[-1].notes + remark_lines)]
    return result


def _by_method(suite: Suite, title: str, panel: Panel, results: ResultsTable) -> Table:
    """Return a table with a row for each method, and the first metric by category."""
    notes, averaged = _Footnotes(), results.averaged_categories(panel)
    categories = {c.name for c in averaged} if panel.metrics[0] == "image_auroc" else set()
    columns, reported = ["method"], _reported(suite, panel)
    for metric in panel.metrics:
        aggregate = "total" if METRICS[metric].total else "mean"
        scope = f"{aggregate} of {len(averaged)}" if len(averaged) != 1 else averaged[0].name
        columns.append(f"{METRICS[metric].title}: ours, {scope}")
        if metric == "image_auroc" and categories & set(published.CATEGORIES):
            columns.append("paper, the same categories")
        columns += ["paper"] * (metric in reported)
    columns += [category.name for category in results.categories_of(panel)]
    rows = []
    for entry in panel.entries + panel.shown:
        row = [entry.label]
        for metric in panel.metrics:
            row.append(notes.cell(results.means(entry, averaged, metric, panel), metric))
            if metric == "image_auroc" and categories & set(published.CATEGORIES):
                row.append(_paper_mean(entry.label, categories))
            row += [_paper_cell(suite.name, entry.label, metric)] * (metric in reported)
        for category in results.categories_of(panel):
            row.append(_cell_with_interval(notes, entry, category, panel.metrics[0], results))
        rows.append(tuple(row))
    rows += _paper_only_rows(suite, panel, columns)
    return Table(title, tuple(columns), tuple(rows), notes.lines())


def _cell_with_interval(
    notes: _Footnotes, entry: Entry, category: Category, metric: str, results: ResultsTable
) -> str:
    """Return an entry's cell on one category, with the 95 % interval of an image AUROC."""
    cell = notes.cell(results.values(entry, category, metric), metric)
    raw = results.raw_results(entry, category)
    if isinstance(raw, str) or len(raw) > 1 or metric != "image_auroc":
        return cell
    low, high = (100 * end for end in raw[0]["evaluation"]["image_auroc_interval"])
    return f"{cell} ({low:.1f}–{high:.1f})"


def _paper_only_rows(suite: Suite, panel: Panel, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return rows of methods that only the paper reports."""
    our_labels = {e.label for other in suite.panels for e in other.entries + other.shown}
    rows, reported = [], _reported(suite, panel)
    for label in published.labels(suite.name, panel.metrics[0]):
        if label in our_labels:
            continue
        row = [label, *[""] * (len(columns) - 1)]
        paper_columns = [number for number, name in enumerate(columns) if name == "paper"]
        for column, metric in zip(paper_columns, reported, strict=True):
            row[column] = _paper_cell(suite.name, label, metric)
        rows.append(tuple(row))
    return rows


def _reported(suite: Suite, panel: Panel) -> list[str]:
    """Return the metrics for which the paper reports something in a suite."""
    return [metric for metric in panel.metrics if published.labels(suite.name, metric)]


def _paper_cell(suite: str, label: str, metric: str) -> str:
    value = published.lookup(suite, label, metric)
    return "" if value is None else METRICS[metric].format(value)


def _paper_mean(label: str, names: set[str]) -> str:
    """Return the paper's mean over the categories of our mean."""
    by_category = published.auroc_by_category(label)
    values = [by_category[name] for name in sorted(names) if name in by_category]
    return f"{np.mean(values):.1f}" if values and len(values) == len(names) else ""


def _by_category(title: str, panel: Panel, results: ResultsTable) -> Table:
    """Return a table with a column for each category, the paper's rows below ours."""
    notes, metric = _Footnotes(), panel.metrics[0]
    categories = {c.name: c for c in results.categories_of(panel)}
    names = [*published.CATEGORIES, *(n for n in categories if n not in published.CATEGORIES)]
    rows = []
    for entry in panel.entries + panel.shown:
        row = [f"{entry.label}, ours"]
        for name in names:
            values: list[float] | str = f"needs {published.source_of('mvtec_ad')}"
            if name in categories:
                values = results.values(entry, categories[name], metric)
            row.append(notes.cell(values, metric))
        rows.append(tuple(row))
        if reported := published.auroc_by_category(entry.label):
            rows.append(_paper_row(entry.label, reported, names))
    our_labels = {entry.label for entry in panel.entries + panel.shown}
    for label in published.methods_by_category():
        if label not in our_labels:
            rows.append(_paper_row(label, published.auroc_by_category(label), names))
    return Table(title, ("method", *names), tuple(rows), notes.lines())


def _paper_row(
    label: str, by_category: Mapping[str, float], names: Sequence[str]
) -> tuple[str, ...]:
    cells = (f"{by_category[name]:.1f}" if name in by_category else "" for name in names)
    return (f"{label}, paper", *cells)


def _by_axis_value(
    suite: Suite, title: str, panel: Panel, metric: str, results: ResultsTable
) -> Table:
    """Return a table with a row for each value of an axis."""
    notes, averaged = _Footnotes(), results.categories_of(panel)
    values: dict[object, None] = {}
    cells: dict[tuple[str, object], Entry] = {}
    for entry in panel.entries:
        for value, point in panel.points(entry):
            values[value] = None
            cells[entry.label, value] = point
    columns, rows = [panel.axis], []
    for entry in panel.entries:
        columns += [f"{entry.label}: ours, mean of {len(averaged)}", "paper"]
    for value in values:
        row = [str(value)]
        for entry in panel.entries:
            paper = published.lookup(suite.name, entry.label, metric, value)
            ours = ""
            if (entry.label, value) in cells:
                means = results.means(cells[entry.label, value], averaged, metric, panel)
                ours = notes.cell(means, metric)
            row += [ours, "" if paper is None else METRICS[metric].format(paper)]
        rows.append(tuple(row))
    return Table(f"{title}, {METRICS[metric].title}", tuple(columns), tuple(rows), notes.lines())
