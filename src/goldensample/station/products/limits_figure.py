"""The figure of a product's limits: scores of good pictures kept out, of the history, the limits.

Drawn by the server; a script only moves the line of the limits that are proposed.
"""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array, Threshold
from goldensample.report.words import count, number

WIDTH, LEFT, RIGHT = 720, 12, 708
LANE, TOP, BINS = 110, 44, 60


@dataclass(frozen=True, slots=True)
class Axis:
    """The score axis: from `low` to `high`."""

    low: float
    high: float

    def place(self, score: float) -> float:
        """Return where a score lies, in units of the drawing, never outside it."""
        share = (score - self.low) / (self.high - self.low)
        return round(LEFT + (RIGHT - LEFT) * min(max(share, 0.0), 1.0), 1)


def axis(known: Array, stored: Array, used: Threshold | None) -> Axis:
    """Return an axis around the limits: scores far above them share its last place."""
    low = float(np.concatenate([known, stored]).min())
    most = max(float(known.max()), used.score if used else 0.0)
    room = 0.05 * (most - low) or 1.0
    return Axis(low - room, most + 1.2 * (most - low) + room)


def drawn(known: Array, stored: Array, used: Threshold | None) -> str:
    """Return the drawing as SVG.

    Args:
        known: (n,) scores of good pictures kept out of the bank, at least one.
        stored: (m,) scores of the history.
        used: the limits in use.
    """
    scale = axis(known, stored, used)
    floor = TOP + 2 * LANE
    words = (
        f"Scores of {count(len(known), 'good picture')} kept out of the fit and of "
        f"{count(len(stored), 'picture')} of the history, with the limits"
    )
    parts = [
        _lane("kept", f"{count(len(known), 'good picture')} kept out of the fit", known, scale, 0),
        _lane("stored", f"{count(len(stored), 'picture')} of the history", stored, scale, 1),
    ]
    if used:
        lines = [("limit", "defect above", used.score)]
        lines += [] if used.review is None else [("limit review", "look again above", used.review)]
        parts += [_limit(kind, scale.place(score), said, floor) for kind, said, score in lines]
    if (stored > scale.high).any():
        parts.append(_text(RIGHT, floor + 16, "and above", "end"))
    for name in ("proposed-review", "proposed"):
        parts.append(
            f'<line id="{name}" class="limit proposed" x1="0" x2="0" y1="{TOP - 4}" y2="{floor}" '
            'visibility="hidden"/>'
        )
    ticks = np.linspace(scale.low, scale.high, 8)[1:-1].tolist()
    parts += [_text(scale.place(tick), floor + 16, number(tick), "middle") for tick in ticks]
    return (
        f'<svg class="limits" viewBox="0 0 {WIDTH} {floor + 24}" role="img" aria-label="{words}" '
        f'data-low="{scale.low!r}" data-high="{scale.high!r}" data-left="{LEFT}" '
        f'data-right="{RIGHT}">{"".join(parts)}</svg>'
    )


def _lane(kind: str, name: str, scores: Array, scale: Axis, index: int) -> str:
    """Draw a histogram above its base."""
    edges = np.linspace(scale.low, scale.high, BINS + 1)
    numbers = np.histogram(np.minimum(scores, scale.high), edges)[0]
    base, step = TOP + (index + 1) * LANE - 4, (RIGHT - LEFT) / BINS
    tallest = max(int(numbers.max(initial=0)), 1)
    bars = []
    for place, amount in enumerate(numbers.tolist()):
        if amount:
            tall = max(2.0, (LANE - 34) * amount / tallest)
            bars.append(
                f'<rect x="{LEFT + place * step:.1f}" y="{base - tall:.1f}" '
                f'width="{step - 1:.1f}" height="{tall:.1f}"/>'
            )
    return (
        f'<g class="{kind}">{"".join(bars)}'
        f'<line class="base" x1="{LEFT}" x2="{RIGHT}" y1="{base}" y2="{base}"/></g>'
        f"{_text(RIGHT, base - LANE + 26, name, 'end')}"
    )


def _limit(kind: str, x: float, words: str, floor: int) -> str:
    """Draw a limit in use, with its words above."""
    row = TOP - 30 if "review" in kind else TOP - 12
    line = f'<line class="{kind}" x1="{x}" x2="{x}" y1="{row + 4}" y2="{floor}"/>'
    return line + _text(x + 5, row, words, "start")


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
