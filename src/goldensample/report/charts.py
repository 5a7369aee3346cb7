"""Drawings of the whole run as inline SVG: histogram of scores, ROC curve."""

import math
from collections.abc import Sequence

import numpy as np

from goldensample.records import Array
from goldensample.report.words import count, number

_WIDTH, _LEFT, _RIGHT = 400, 10, 390
_BINS = 36
_TOP, _LANE, _LANES, _BELOW = 22, 130, 216, 34
_KINDS = ((True, "labelled defect"), (False, "labelled good"), (None, "without label"))


def histogram(
    scores: Sequence[float], labels: Sequence[bool | None], threshold: float | None
) -> str:
    """Draw one lane of bars per kind of picture, one above the other on one axis of scores.

    Args:
        scores: of all pictures; at least one.
        labels: True for defect, False for good, None where unknown.
        threshold: the score threshold, or None.
    """
    values = np.asarray(scores, dtype=np.float64)
    low, high = _range(values, threshold)
    edges = np.linspace(low, high, _BINS + 1)
    lanes = [
        (name, values[[known is label for known in labels]])
        for label, name in _KINDS
        if any(known is label for known in labels)
    ]
    tallest = max(int(np.histogram(lane, edges)[0].max()) for _, lane in lanes)
    tall = min(_LANE, _LANES // len(lanes))
    floor = _TOP + tall * len(lanes)
    parts = [] if threshold is None else [_limit(threshold, _place(threshold, low, high), floor)]
    for index, (name, lane) in enumerate(lanes):
        parts.append(_lane(name, lane, edges, tallest, (_TOP + tall * index, tall)))
    parts.append(_axis(low, high, floor))
    title = "Histogram of scores: " + ", ".join(f"{len(lane)} {name}" for name, lane in lanes)
    return _drawing(_WIDTH, floor + _BELOW, title, "".join(parts))


def _limit(threshold: float, x: float, floor: float) -> str:
    """Draw the threshold as a line with its value on the side that has room."""
    words = f"threshold {number(threshold)}"
    label = _text(x - 5, 14, words, "end") if x > 0.6 * _WIDTH else _text(x + 5, 14, words, "start")
    return f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{floor}"/>{label}'


def _lane(name: str, values: Array, edges: Array, tallest: int, room: tuple[int, int]) -> str:
    """Draw the bars of one kind of picture.

    Args:
        name: kind of picture.
        values: their scores.
        edges: ends of the bins.
        tallest: the largest number in any bin of any lane.
        room: (top, height) of the lane.
    """
    numbers = np.histogram(values, edges)[0]
    base, high = sum(room) - 6, room[1] - 30
    step = (_RIGHT - _LEFT) / len(numbers)
    bars = []
    for index, amount in enumerate(numbers.tolist()):
        if amount:
            tall = max(1.5, high * amount / tallest)
            between = f"{number(float(edges[index]))} to {number(float(edges[index + 1]))}"
            bars.append(
                f'<rect class="bar" x="{_LEFT + index * step:.1f}" y="{base - tall:.1f}" '
                f'width="{step - 1:.1f}" height="{tall:.1f}">'
                f"<title>score {between}: {count(amount, 'picture')}</title></rect>"
            )
    return (
        f'<g class="{name.split()[-1]}">'
        f'<text class="over" x="{_LEFT}" y="{room[0] + 13}">'
        f"{count(len(values), 'picture')} {name}</text>{''.join(bars)}"
        f'<line class="base" x1="{_LEFT}" x2="{_RIGHT}" y1="{base}" y2="{base}"/></g>'
    )


def _axis(low: float, high: float, top: float) -> str:
    ticks = [_text(_place(tick, low, high), top + 12, number(tick)) for tick in _ticks(low, high)]
    return f'<g class="axis">{"".join(ticks)}{_text(_RIGHT, top + 28, "score", "end")}</g>'


def _ticks(low: float, high: float) -> list[float]:
    """Return about six round numbers between `low` and `high`."""
    rough = (high - low) / 6
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(times for times in (1, 2, 5, 10) if times * unit >= rough * 0.999)
    margin = (high - low) * 0.03
    first = math.ceil((low + margin) / step)
    return [index * step for index in range(first, math.floor((high - margin) / step) + 1)]


def _range(values: Array, threshold: float | None) -> tuple[float, float]:
    """Return the ends of the score axis; never an empty range."""
    among = [*values.tolist(), *([] if threshold is None else [threshold])]
    low, high = min(among), max(among)
    margin = (high - low) * 0.02 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _place(value: float, low: float, high: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)


def roc_curve(alarms: Array, found: Array, at: tuple[float, float] | None) -> str:
    """Draw the ROC curve.

    Args:
        alarms: (n,) share of good pictures above each limit.
        found: (n,) share of defects above each limit.
        at: (alarms, found) of the verdicts, marked by a ring, or None.
    """
    left, top, side = 60, 12, 236
    bottom, xs, ys = top + side, left + side * alarms, top + side * (1 - found)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs.tolist(), ys.tolist(), strict=True))
    ticks = [_text(left + side * part, bottom + 16, f"{100 * part:g} %") for part in (0, 0.5, 1)]
    ticks += [
        _text(left - 6, bottom - side * part + 4, f"{100 * part:g} %", "end")
        for part in (0, 0.5, 1)
    ]
    ring = ""
    if at is not None:
        place = f'cx="{left + side * at[0]:.1f}" cy="{bottom - side * at[1]:.1f}"'
        ring = f'<circle class="ring" {place} r="6"><title>at the threshold</title></circle>'
    inner = (
        f'<rect class="frame" x="{left}" y="{top}" width="{side}" height="{side}"/>'
        f'<line class="chance" x1="{left}" y1="{bottom}" x2="{left + side}" y2="{top}"/>'
        f'<polyline class="curve" points="{line}"/>{ring}<g class="axis">{"".join(ticks)}'
        f"{_text(left + side / 2, bottom + 34, 'good pictures called defect')}"
        f'<g transform="translate(12 {top + side / 2}) rotate(-90)">'
        f"{_text(0, 0, 'defects found')}</g></g>"
    )
    return _drawing(320, bottom + 40, "ROC curve", inner)


def against_limit(limits: Array, alarms: Array, missed: Array | None, used: float | None) -> str:
    """Draw false alarms, and misses where they are known, as steps against the score limit.

    Args:
        limits: (k,) scores, ascending, at least one.
        alarms: (k,) rate of good pictures called defect at each limit.
        missed: (k,) share of defects called good, or None.
        used: the limit in use, or None.
    """
    low, high = _range(limits, used)
    top, tall = 24, 200
    floor = top + tall
    parts = [] if used is None else [_limit(used, _place(used, low, high), floor)]
    curves = [("false alarms", "curve", alarms)]
    curves += [] if missed is None else [("missed defects", "curve missed", missed)]
    for name, kind, shares in curves:
        ends = np.append(limits[1:], high)
        points = " ".join(
            f"{_place(x, low, high):.1f},{floor - tall * share:.1f}"
            for start, end, share in zip(limits.tolist(), ends.tolist(), shares, strict=True)
            for x in (start, end)
        )
        title = f"<title>{name}</title>"
        parts.append(f'<polyline class="{kind}" points="{points}">{title}</polyline>')
    for share in (0.25, 0.5, 0.75, 1.0):
        parts.append(_text(_LEFT, floor - tall * share + 4, f"{100 * share:g} %", "start"))
    parts.append(f'<line class="base" x1="{_LEFT}" x2="{_RIGHT}" y1="{floor}" y2="{floor}"/>')
    parts.append(_axis(low, high, floor))
    title = " and ".join(name for name, _, _ in curves) + " against the score limit"
    return _drawing(_WIDTH, floor + _BELOW, title, "".join(parts))


def _text(x: float, y: float, words: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _drawing(width: float, height: float, title: str, inner: str) -> str:
    box = f'viewBox="0 0 {width} {height}"'
    return f'<svg class="chart" {box} role="img" aria-label="{title}">{inner}</svg>'
