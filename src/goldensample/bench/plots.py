"""Reproducible figures for print: small, readable in grey as well as in colour."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from goldensample.bench import published
from goldensample.bench.board import ResultsTable
from goldensample.bench.figures import METRICS
from goldensample.bench.suites import Entry, Panel, Suite
from goldensample.errors import GoldenError

INSTALL = 'figures need matplotlib: pip install "goldensample[bench]"'
CURVE_STYLES = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#000000", "D", ":"),
)
"""Colour (Okabe and Ito's, safe for the colour-blind), marker and line of each curve."""
RC_PARAMS: dict[Any, Any] = {
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
"""Height of a curve's label, as a share of the panel's."""
CurveStyle = tuple[str, str, str]


def can_draw() -> bool:
    """Return whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw(suite: Suite, results: ResultsTable) -> dict[str, bytes]:
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

    parts = [(panel, metric) for metric in suite.panels[0].metrics for panel in suite.panels]
    columns = len(suite.panels) if len(suite.panels) > 1 else len(parts)
    rows = -(-len(parts) // columns)
    with rc_context(RC_PARAMS):
        figure = Figure((WIDTH_IN * columns, HEIGHT_IN * rows), layout="constrained")
        axes = np.ravel(figure.subplots(rows, columns, squeeze=False))
        has_points = [
            _plot_panel(suite, panel, metric, axis, results)
            for (panel, metric), axis in zip(parts, axes, strict=True)
        ]
        if not any(has_points):
            return {}
        return {suffix: _render(figure, suffix) for suffix in ("png", "svg")}


def _render(figure: Any, suffix: str) -> bytes:
    """Return a figure's file without a date or the program's version."""
    metadata = {"Date": None} if suffix == "svg" else {"Software": None}
    figure.savefig(file := io.BytesIO(), format=suffix, metadata=metadata)
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class _PanelPlot:
    """The plot of one panel: one metric along one axis."""

    suite: Suite
    panel: Panel
    metric: str
    results: ResultsTable
    axis: Any
    positions: Mapping[Any, float]

    def plot_ours(self, entry: Entry, style: CurveStyle) -> float | None:
        """Plot our values with error bars of one deviation over the seeds; return the last one."""
        xs, means, deviations = [], [], []
        for value, point in self.panel.points(entry):
            values = self.results.means(
                point, self.results.categories_of(self.panel), self.metric, self.panel
            )
            if not isinstance(values, str):
                xs.append(self.positions[value])
                means.append(float(np.mean(values)))
                deviations.append(float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)
        if not xs:
            return None
        colour, marker, line = style
        bars = deviations if any(deviations) else None
        linestyle = "none" if self.panel.scale == "names" else line
        options = {"color": colour, "marker": marker, "linestyle": linestyle}
        self.axis.errorbar(xs, means, bars, capsize=1.5, elinewidth=0.6, **options)
        return means[-1]

    def plot_paper(self, entry: Entry, style: CurveStyle) -> None:
        """Plot the paper's values as hollow markers."""
        key = (self.suite.name, entry.label, self.metric)
        values = {position: published.lookup(*key, v) for v, position in self.positions.items()}
        points = [(position, number) for position, number in values.items() if number is not None]
        if points:
            xs, ys = zip(*points, strict=True)
            options = {"color": style[0], "marker": style[1], "linestyle": "none"}
            self.axis.plot(xs, ys, fillstyle="none", markersize=5, **options)
            if "paper" not in self.axis.get_legend_handles_labels()[1]:
                legend_style = {"color": "0.3", "marker": "o", "linestyle": "none"}
                self.axis.plot(
                    [], [], fillstyle="none", markersize=5, label="paper", **legend_style
                )

    def label_curves(self, ends: Sequence[tuple[str, float, str]]) -> None:
        """Label each curve at the right edge, next to its last point, without overlaps."""
        low, high = self.axis.get_ylim()
        height = 0.0
        for label, value, colour in sorted(ends, key=lambda end: end[1]):
            height = max(height, (value - low) / (high - low))
            options = {"color": colour, "fontsize": 7, "va": "center"}
            self.axis.text(1.02, height, label, transform=self.axis.transAxes, **options)
            height += LABEL_SHARE


def _plot_panel(suite: Suite, panel: Panel, metric: str, axis: Any, results: ResultsTable) -> bool:
    """Plot one panel; return whether it has any point."""
    values: list[Any] = list(dict.fromkeys(v for e in panel.entries for v, _ in panel.points(e)))
    positions = {v: n if panel.scale == "names" else float(v) for n, v in enumerate(values)}
    plot, ends = _PanelPlot(suite, panel, metric, results, axis, positions), []
    for number, entry in enumerate(panel.entries):
        style = CURVE_STYLES[number % len(CURVE_STYLES)]
        end = plot.plot_ours(entry, style)
        plot.plot_paper(entry, style)
        if end is not None:
            ends.append((entry.label, end, style[0]))
    if panel.scale == "log":
        axis.set_xscale("log")
        axis.tick_params(axis="x", labelrotation=60)
    axis.minorticks_off()
    axis.set_xticks(list(positions.values()), [_tick_label(value) for value in values])
    axis.set_xlabel(panel.axis)
    axis.set_ylabel(METRICS[metric].title)
    axis.grid(axis="y", linewidth=0.3, color="0.85")
    if len(panel.entries) > 1:
        plot.label_curves(ends)
    if axis.get_legend_handles_labels()[1]:
        axis.legend(loc="best")
    return bool(ends)


def _tick_label(value: Any) -> str:
    """Return the tick label of a value: shares in percent."""
    if isinstance(value, float) and value <= 1:
        return f"{100 * value:g} %"
    return str(value)
