"""Figures for print: small, in grey as well as in colour, the same bytes for the same results."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from goldensample.bench import published
from goldensample.bench.board import Board
from goldensample.bench.figures import FIGURES
from goldensample.bench.suites import Entry, Panel, Suite
from goldensample.errors import GoldenError

INSTALL = "figures need matplotlib: pip install 'goldensample[bench]'"
LOOKS = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#000000", "D", ":"),
)
"""Colour (Okabe and Ito's, safe for the colour-blind), marker and line of each curve."""
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "font.family": "sans-serif",
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "svg.hashsalt": "golden bench",
    "savefig.dpi": 300,
}
WIDTH_IN, HEIGHT_IN = 2.6, 2.1
LABEL_SHARE = 0.09
"""Height of a curve's name, as a share of the panel's."""
Look = tuple[str, str, str]


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(suite: Suite, board: Board) -> dict[str, bytes]:
    """Draw the curves of a suite.

    Returns:
        The figure's files by ending, "png" and "svg"; none where there is no point to draw.

    Raises:
        GoldenError: matplotlib is not installed.
    """
    if not can_draw():
        raise GoldenError(INSTALL)
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    parts = [(panel, figure) for figure in suite.panels[0].figures for panel in suite.panels]
    columns = len(suite.panels) if len(suite.panels) > 1 else len(parts)
    rows = -(-len(parts) // columns)
    with rc_context(STYLE):
        sheet = Figure((WIDTH_IN * columns, HEIGHT_IN * rows), layout="constrained")
        axes = np.ravel(sheet.subplots(rows, columns, squeeze=False))
        drawn = [
            _curves(suite, panel, figure, axis, board)
            for (panel, figure), axis in zip(parts, axes, strict=True)
        ]
        if not any(drawn):
            return {}
        return {ending: _saved(sheet, ending) for ending in ("png", "svg")}


def _saved(sheet: Any, ending: str) -> bytes:
    """Return a figure's file without a date or the program's version."""
    metadata = {"Date": None} if ending == "svg" else {"Software": None}
    sheet.savefig(file := io.BytesIO(), format=ending, metadata=metadata)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One panel being drawn: one figure of merit along one axis."""

    suite: Suite
    panel: Panel
    figure: str
    board: Board
    axis: Any
    places: Mapping[Any, float]

    def ours(self, entry: Entry, look: Look) -> float | None:
        """Draw our points, with a bar of one deviation over the seeds; return the last one."""
        xs, means, deviations = [], [], []
        for value, point in self.panel.points(entry):
            found = self.board.means(point, self.board.of(self.panel), self.figure, self.panel)
            if not isinstance(found, str):
                xs.append(self.places[value])
                means.append(float(np.mean(found)))
                deviations.append(float(np.std(found, ddof=1)) if len(found) > 1 else 0.0)
        if not xs:
            return None
        colour, marker, line = look
        bars = deviations if any(deviations) else None
        joined = "none" if self.panel.scale == "names" else line
        shape = {"color": colour, "marker": marker, "linestyle": joined}
        self.axis.errorbar(xs, means, bars, capsize=1.5, elinewidth=0.6, **shape)
        return means[-1]

    def theirs(self, entry: Entry, look: Look) -> None:
        """Draw the paper's points, hollow and not joined."""
        known = (self.suite.name, entry.label, self.figure)
        found = {place: published.number(*known, v) for v, place in self.places.items()}
        points = [(place, number) for place, number in found.items() if number is not None]
        if points:
            xs, ys = zip(*points, strict=True)
            shape = {"color": look[0], "marker": look[1], "linestyle": "none"}
            self.axis.plot(xs, ys, fillstyle="none", markersize=5, **shape)
            if "paper" not in self.axis.get_legend_handles_labels()[1]:
                grey = {"color": "0.3", "marker": "o", "linestyle": "none"}
                self.axis.plot([], [], fillstyle="none", markersize=5, label="paper", **grey)

    def name(self, ends: Sequence[tuple[str, float, str]]) -> None:
        """Write each curve's name at the right edge, by its last point, moved apart where near."""
        low, high = self.axis.get_ylim()
        at = 0.0
        for name, value, colour in sorted(ends, key=lambda end: end[1]):
            at = max(at, (value - low) / (high - low))
            words = {"color": colour, "fontsize": 7, "va": "center"}
            self.axis.text(1.02, at, name, transform=self.axis.transAxes, **words)
            at += LABEL_SHARE


def _curves(suite: Suite, panel: Panel, figure: str, axis: Any, board: Board) -> bool:
    """Draw one panel; return whether any point was there."""
    values: list[Any] = list(dict.fromkeys(v for e in panel.entries for v, _ in panel.points(e)))
    places = {v: n if panel.scale == "names" else float(v) for n, v in enumerate(values)}
    drawing, ends = _Drawing(suite, panel, figure, board, axis, places), []
    for number, entry in enumerate(panel.entries):
        look = LOOKS[number % len(LOOKS)]
        last = drawing.ours(entry, look)
        drawing.theirs(entry, look)
        if last is not None:
            ends.append((entry.label, last, look[0]))
    if panel.scale == "log":
        axis.set_xscale("log")
        axis.tick_params(axis="x", labelrotation=60)
    axis.minorticks_off()
    axis.set_xticks(list(places.values()), [_short(value) for value in values])
    axis.set_xlabel(panel.axis)
    axis.set_ylabel(FIGURES[figure].title)
    axis.grid(axis="y", linewidth=0.3, color="0.85")
    if len(panel.entries) > 1:
        drawing.name(ends)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="best")
    return bool(ends)


def _short(value: Any) -> str:
    """Return a value as an axis shows it: shares in percent."""
    if isinstance(value, float) and value <= 1:
        return f"{100 * value:g} %"
    return str(value)
