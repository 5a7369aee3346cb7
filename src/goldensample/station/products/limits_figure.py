"""SVG figure of a product's limits over histograms of its held-out and its stored scores.

Drawn by the server; a script only moves the lines of the candidate limits.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.locales.language import gettext, ngettext
from goldensample.records import Array, Threshold
from goldensample.report.words import number

WIDTH, LEFT, RIGHT = 720, 12, 708
LANE_PX, TOP, BINS = 110, 44, 60


@dataclass(frozen=True, slots=True)
class Axis:
    """Linear scale from scores in [`low`, `high`] to pixels."""

    low: float
    high: float

    def position(self, score: float) -> float:
        """Return the x coordinate of a score, clipped to the drawing."""
        share = (score - self.low) / (self.high - self.low)
        return round(LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0), 1)


def score_axis(held_out: Array, history: Array, limits: Threshold | None) -> Axis:
    """Return an axis around the limits; scores far above them are clipped to its end."""
    low = float(np.concatenate([held_out, history]).min())
    largest = max(float(held_out.max()), limits.score if limits else 0.0)
    margin = 0.05 * (largest - low) or 1.0
    return Axis(low - margin, largest + 1.2 * (largest - low) + margin)


def round_ticks(scale: Axis) -> list[float]:
    """Return round numbers on an axis, four to ten of them, away from its ends.

    Example:
        >>> round_ticks(Axis(0.31, 0.87))
        [0.4, 0.5, 0.6, 0.7, 0.8]
    """
    least = (scale.high - scale.low) / 10
    power = 10.0 ** np.floor(np.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    first, last = np.floor(scale.low / step) + 1, np.ceil(scale.high / step) - 1
    return [round(float(k * step), 12) for k in np.arange(first, last + 1)]


def draw_limits(held_out: Array, history: Array, limits: Threshold | None) -> str:
    """Return the figure as SVG.

    Args:
        held_out: (n,) scores of good pictures held out of the bank, at least one.
        history: (m,) scores of the stored pictures.
        limits: current limits.
    """
    scale = score_axis(held_out, history, limits)
    bottom = TOP + 2 * LANE_PX
    kept, stored = (
        ngettext(
            "%(num)s good picture kept out of the fit",
            "%(num)s good pictures kept out of the fit",
            len(held_out),
        ),
        ngettext("%(num)s picture of the history", "%(num)s pictures of the history", len(history)),
    )
    kept, stored = kept % {"num": f"{len(held_out):,}"}, stored % {"num": f"{len(history):,}"}
    label = gettext("Scores of %(kept)s and of %(stored)s, with the limits")
    label %= {"kept": kept, "stored": stored}
    parts = [_lane("kept", kept, held_out, scale, 0), _lane("stored", stored, history, scale, 1)]
    if limits:
        lines = [("limit", gettext("defect above"), limits.score)]
        if limits.review is not None:
            lines.append(("limit review", gettext("look again above"), limits.review))
        parts += [_limit(kind, scale.position(score), text, bottom) for kind, text, score in lines]
    if (history > scale.high).any():
        parts.append(_text(RIGHT, bottom + 16, gettext("and above"), "end"))
    for name in ("proposed-review", "proposed"):
        parts.append(
            f'<line id="{name}" class="limit proposed" x1="0" x2="0" y1="{TOP - 4}" y2="{bottom}" '
            'visibility="hidden"/>'
        )
    parts += [
        _text(scale.position(tick), bottom + 16, number(tick), "middle")
        for tick in round_ticks(scale)
    ]
    return (
        f'<svg class="limits" viewBox="0 0 {WIDTH} {bottom + 24}" role="img" aria-label="{label}" '
        f'data-low="{scale.low!r}" data-high="{scale.high!r}" data-left="{LEFT}" '
        f'data-right="{RIGHT}">{"".join(parts)}</svg>'
    )


def _lane(kind: str, name: str, scores: Array, scale: Axis, index: int) -> str:
    """Draw a histogram on its base line."""
    edges = np.linspace(scale.low, scale.high, BINS + 1)
    counts = np.histogram(np.minimum(scores, scale.high), edges)[0]
    base, step = TOP + (index + 1) * LANE_PX - 4, (RIGHT - LEFT) / BINS
    largest_count = max(int(counts.max(initial=0)), 1)
    bars = []
    for bin_index, bin_count in enumerate(counts.tolist()):
        if bin_count:
            bar_height = max(2.0, (LANE_PX - 34) * bin_count / largest_count)
            bars.append(
                f'<rect x="{LEFT + bin_index * step:.1f}" y="{base - bar_height:.1f}" '
                f'width="{step - 1:.1f}" height="{bar_height:.1f}"/>'
            )
    return (
        f'<g class="{kind}">{"".join(bars)}'
        f'<line class="base" x1="{LEFT}" x2="{RIGHT}" y1="{base}" y2="{base}"/></g>'
        f"{_text(RIGHT, base - LANE_PX + 26, name, 'end')}"
    )


def _limit(kind: str, x: float, text: str, bottom: int) -> str:
    """Draw a current limit, with its label above."""
    row = TOP - 30 if "review" in kind else TOP - 12
    line = f'<line class="{kind}" x1="{x}" x2="{x}" y1="{row + 4}" y2="{bottom}"/>'
    return line + _text(x + 5, row, text, "start")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
