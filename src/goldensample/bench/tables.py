"""Suites as tables: ours beside the paper's, and why a cell is empty."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from goldensample.bench import published
from goldensample.bench.board import Board
from goldensample.bench.data import Category
from goldensample.bench.figures import FIGURES
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
        """Return columns and rows as CSV; the notes stay behind."""
        writer = csv.writer(file := io.StringIO(), lineterminator="\n")
        writer.writerows([self.keys(), *self.rows])
        return file.getvalue()

    def keys(self) -> list[str]:
        """Return headings of which none occurs twice: a repeated one tells what it stands beside.

        In a table of AUROC and PRO, each with "paper" beside it, they are "paper, AUROC" and
        "paper, PRO".
        """
        found = list[str]()
        for number, name in enumerate(self.columns):
            before = next((c for c in reversed(self.columns[:number]) if ": ours" in c), "")
            found.append(f"{name}, {before}" if self.columns.count(name) > 1 else name)
        return found


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


@dataclass(slots=True)
class _Notes:
    """Reasons of a table's empty cells, each with a letter."""

    reasons: dict[str, str] = field(default_factory=dict)

    def cell(self, values: Sequence[float] | str, figure: str) -> str:
        """Return a cell: the mean of the seeds with their deviation, or the letter of a reason."""
        if isinstance(values, str):
            return self.mark(values)
        shown = FIGURES[figure].text(float(np.mean(values)))
        if len(values) > 1:
            shown += f" ± {FIGURES[figure].text(float(np.std(values, ddof=1)))}"
        return shown

    def mark(self, reason: str) -> str:
        number = len(self.reasons)
        letter = LETTERS[number % 26] * (1 + number // 26)
        return f"— {self.reasons.setdefault(reason, letter)}"

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{letter}: {reason}" for reason, letter in self.reasons.items())


def tables(suite: Suite, board: Board) -> list[Table]:
    """Return the tables of a suite."""
    if suite.view == "mistakes":
        return []
    made = []
    for panel in suite.panels:
        title = f"{suite.title}: {panel.title}" if panel.title else suite.title
        if suite.view == "categories":
            made.append(_by_category(title, panel, board))
        elif panel.vary:
            made += [_along(suite, title, panel, figure, board) for figure in panel.figures]
        else:
            made.append(_methods(suite, title, panel, board))
        remarks = {e.label: published.remark(e.label) for e in panel.entries}
        said = tuple(f"{label}: {words}" for label, words in remarks.items() if words)
        made = [*made[:-1], replace(made[-1], notes=made[-1].notes + said)]
    return made


def _methods(suite: Suite, title: str, panel: Panel, board: Board) -> Table:
    """Return a table with a row for each method, and the first figure by category."""
    notes, averaged = _Notes(), board.averaged(panel)
    same = {c.name for c in averaged} if panel.figures[0] == "image_auroc" else set()
    columns = ["method"]
    for figure in panel.figures:
        what = "total" if FIGURES[figure].total else "mean"
        over = f"{what} of {len(averaged)}" if len(averaged) != 1 else averaged[0].name
        columns += [f"{FIGURES[figure].title}: ours, {over}", "paper"]
        if figure == "image_auroc" and same & set(published.CATEGORIES):
            columns.insert(-1, "paper, the same categories")
    columns += [category.name for category in board.of(panel)]
    rows = []
    for entry in panel.entries:
        row = [entry.label]
        for figure in panel.figures:
            row.append(notes.cell(board.means(entry, averaged, figure, panel), figure))
            if figure == "image_auroc" and same & set(published.CATEGORIES):
                row.append(_same(entry.label, same))
            row.append(_paper(suite.name, entry.label, figure))
        for category in board.of(panel):
            row.append(_with_interval(notes, entry, category, panel.figures[0], board))
        rows.append(tuple(row))
    rows += _others(suite, panel, columns)
    return Table(title, tuple(columns), tuple(rows), notes.lines())


def _with_interval(
    notes: _Notes, entry: Entry, category: Category, figure: str, board: Board
) -> str:
    """Return an entry's cell on one category, with the 95 % interval of an image AUROC."""
    cell = notes.cell(board.values(entry, category, figure), figure)
    raw = board.raw(entry, category)
    if isinstance(raw, str) or len(raw) > 1 or figure != "image_auroc":
        return cell
    low, high = (100 * end for end in raw[0]["evaluation"]["image_auroc_interval"])
    return f"{cell} ({low:.1f}–{high:.1f})"


def _others(suite: Suite, panel: Panel, columns: Sequence[str]) -> list[tuple[str, ...]]:
    """Return rows of methods that the paper compares with and we have not."""
    ours = {entry.label for other in suite.panels for entry in other.entries}
    rows = []
    for label in published.labels(suite.name, panel.figures[0]):
        if label in ours:
            continue
        row = [label, *[""] * (len(columns) - 1)]
        places = [number for number, name in enumerate(columns) if name == "paper"]
        for place, figure in zip(places, panel.figures, strict=True):
            row[place] = _paper(suite.name, label, figure)
        rows.append(tuple(row))
    return rows


def _paper(suite: str, label: str, figure: str) -> str:
    value = published.number(suite, label, figure)
    return "" if value is None else FIGURES[figure].text(value)


def _same(label: str, names: set[str]) -> str:
    """Return the paper's mean over the categories that ours is over."""
    reported = published.by_category(label)
    chosen = [reported[name] for name in sorted(names) if name in reported]
    return f"{np.mean(chosen):.1f}" if chosen and len(chosen) == len(names) else ""


def _by_category(title: str, panel: Panel, board: Board) -> Table:
    """Return a table with a column for each category, the paper's rows below ours."""
    notes, figure = _Notes(), panel.figures[0]
    found = {c.name: c for c in board.of(panel)}
    names = [*published.CATEGORIES, *(n for n in found if n not in published.CATEGORIES)]
    rows = []
    for entry in panel.entries:
        row = [f"{entry.label}, ours"]
        for name in names:
            values: list[float] | str = f"needs {published.where_to_get('mvtec_ad')}"
            if name in found:
                values = board.values(entry, found[name], figure)
            row.append(notes.cell(values, figure))
        rows.append(tuple(row))
        if reported := published.by_category(entry.label):
            rows.append(_reported(entry.label, reported, names))
    ours = {entry.label for entry in panel.entries}
    for label in published.methods_by_category():
        if label not in ours:
            rows.append(_reported(label, published.by_category(label), names))
    return Table(title, ("method", *names), tuple(rows), notes.lines())


def _reported(label: str, reported: Mapping[str, float], names: Sequence[str]) -> tuple[str, ...]:
    cells = (f"{reported[name]:.1f}" if name in reported else "" for name in names)
    return (f"{label}, paper", *cells)


def _along(suite: Suite, title: str, panel: Panel, figure: str, board: Board) -> Table:
    """Return a table with a row for each value of an axis."""
    notes, averaged = _Notes(), board.of(panel)
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
            paper = published.number(suite.name, entry.label, figure, value)
            ours = ""
            if (entry.label, value) in cells:
                means = board.means(cells[entry.label, value], averaged, figure, panel)
                ours = notes.cell(means, figure)
            row += [ours, "" if paper is None else FIGURES[figure].text(paper)]
        rows.append(tuple(row))
    return Table(f"{title}, {FIGURES[figure].title}", tuple(columns), tuple(rows), notes.lines())
