"""Charts of a run as inline SVG: score histogram, ROC curve, error rates against the limit."""

import math
from collections.abc import Sequence

import numpy as np

from goldensample.locales.language import counted, gettext, mark
from goldensample.records import Array
from goldensample.report.words import number

_WIDTH, _LEFT, _RIGHT = 400, 10, 390
_BINS = 36
_TOP, _LANE_HEIGHT, _LANES_HEIGHT, _AXIS_HEIGHT = 22, 130, 216, 34
_KINDS = (
    (True, "defect", mark("%(pictures)s labelled defect")),
    (False, "good", mark("%(pictures)s labelled good")),
    (None, "label", mark("%(pictures)s without label")),
)
"""Label, style of its lane, and what its pictures are called."""


def histogram(
    scores: Sequence[float], labels: Sequence[bool | None], threshold: float | None
) -> str:
    """Draw stacked histograms, one per label, on a shared axis of scores.

    Args:
        scores: of all pictures; at least one.
        labels: True for defect, False for good, None for unlabelled.
        threshold: the score threshold, or None.
    """
    values = np.asarray(scores, dtype=np.float64)
    low, high = _range(values, threshold)
    edges = np.linspace(low, high, _BINS + 1)
    lanes = [
        (style, text, values[[label is kind for label in labels]])
        for kind, style, text in _KINDS
        if any(label is kind for label in labels)
    ]
    tallest = max(int(np.histogram(lane, edges)[0].max()) for _, _, lane in lanes)
    lane_height = min(_LANE_HEIGHT, _LANES_HEIGHT // len(lanes))
    baseline = _TOP + lane_height * len(lanes)
    parts = (
        []
        if threshold is None
        else [_threshold_line(threshold, _to_x(threshold, low, high), baseline)]
    )
    for index, (style, text, lane) in enumerate(lanes):
        pictures = counted("%(num)s picture", "%(num)s pictures", len(lane))
        caption, place = gettext(text) % {"pictures": pictures}, (_TOP + lane_height * index)
        parts.append(_lane((style, caption), lane, edges, tallest, (place, lane_height)))
    parts.append(_axis(low, high, baseline))
    counts = ", ".join(gettext(text) % {"pictures": len(lane)} for _, text, lane in lanes)
    title = gettext("Histogram of scores: %(counts)s") % {"counts": counts}
    return _svg(_WIDTH, baseline + _AXIS_HEIGHT, title, "".join(parts))


def _threshold_line(threshold: float, x: float, baseline: float) -> str:
    """Draw the threshold as a line with its value at the side with more space."""
    caption = gettext("threshold %(value)s") % {"value": number(threshold)}
    label = (
        _text(x - 5, 14, caption, "end") if x > 0.6 * _WIDTH else _text(x + 5, 14, caption, "start")
    )
    return f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="{baseline}"/>{label}'


def _lane(
    style_caption: tuple[str, str],
    values: Array,
    edges: Array,
    tallest: int,
    top_height: tuple[int, int],
) -> str:
    """Draw the histogram of one label.

    Args:
        style_caption: (style, caption) of the label.
        values: scores of its pictures.
        edges: of the bins.
        tallest: the largest count in any bin of any lane.
        top_height: (top, height) of the lane.
    """
    counts = np.histogram(values, edges)[0]
    base, bar_space = sum(top_height) - 6, top_height[1] - 30
    step = (_RIGHT - _LEFT) / len(counts)
    bars = []
    for index, bin_count in enumerate(counts.tolist()):
        if bin_count:
            bar_height = max(1.5, bar_space * bin_count / tallest)
            title = gettext("score %(low)s to %(high)s: %(pictures)s") % {
                "low": number(float(edges[index])),
                "high": number(float(edges[index + 1])),
                "pictures": counted("%(num)s picture", "%(num)s pictures", bin_count),
            }
            bars.append(
                f'<rect class="bar" x="{_LEFT + index * step:.1f}" y="{base - bar_height:.1f}" '
                f'width="{step - 1:.1f}" height="{bar_height:.1f}">'
                f"<title>{title}</title></rect>"
            )
    return (
        f'<g class="{style_caption[0]}">'
        f'<text class="over" x="{_LEFT}" y="{top_height[0] + 13}">'
        f"{style_caption[1]}</text>{''.join(bars)}"
        f'<line class="base" x1="{_LEFT}" x2="{_RIGHT}" y1="{base}" y2="{base}"/></g>'
    )


def _axis(low: float, high: float, top: float) -> str:
    ticks = [_text(_to_x(tick, low, high), top + 12, number(tick)) for tick in _ticks(low, high)]
    ticks.append(_text(_RIGHT, top + 28, gettext("score"), "end"))
    return f'<g class="axis">{"".join(ticks)}</g>'


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
    extent = [*values.tolist(), *([] if threshold is None else [threshold])]
    low, high = min(extent), max(extent)
    margin = (high - low) * 0.02 or abs(high) * 0.1 or 1.0
    return low - margin, high + margin


def _to_x(value: float, low: float, high: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * (value - low) / (high - low)


def roc_curve(
    false_positives: Array, true_positives: Array, operating_point: tuple[float, float] | None
) -> str:
    """Draw the ROC curve.

    Args:
        false_positives: (n,) false positive rate at each threshold.
        true_positives: (n,) true positive rate at each threshold.
        operating_point: (false, true positive rate) of the verdicts, ringed, or None.
    """
    left, top, side = 60, 12, 236
    bottom, xs, ys = top + side, left + side * false_positives, top + side * (1 - true_positives)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs.tolist(), ys.tolist(), strict=True))
    ticks = [_text(left + side * share, bottom + 16, f"{100 * share:g} %") for share in (0, 0.5, 1)]
    ticks += [
        _text(left - 6, bottom - side * share + 4, f"{100 * share:g} %", "end")
        for share in (0, 0.5, 1)
    ]
    ring = ""
    if operating_point is not None:
        x, y = left + side * operating_point[0], bottom - side * operating_point[1]
        centre = f'cx="{x:.1f}" cy="{y:.1f}"'
        title = gettext("at the threshold")
        ring = f'<circle class="ring" {centre} r="6"><title>{title}</title></circle>'
    across, up = gettext("good pictures called defect"), gettext("defects found")
    inner = (
        f'<rect class="frame" x="{left}" y="{top}" width="{side}" height="{side}"/>'
        f'<line class="chance" x1="{left}" y1="{bottom}" x2="{left + side}" y2="{top}"/>'
        f'<polyline class="curve" points="{line}"/>{ring}<g class="axis">{"".join(ticks)}'
        f"{_text(left + side / 2, bottom + 34, across)}"
        f'<g transform="translate(12 {top + side / 2}) rotate(-90)">'
        f"{_text(0, 0, up)}</g></g>"
    )
    return _svg(320, bottom + 40, gettext("ROC curve"), inner)


def error_rate_chart(
    limits: Array, false_alarms: Array, missed: Array | None, current_limit: float | None
) -> str:
    """Draw the rates of false alarms and, if known, of misses as steps over the score limit.

    Args:
        limits: (k,) scores, ascending, at least one.
        false_alarms: (k,) false alarm rate at each limit.
        missed: (k,) miss rate at each limit, or None.
        current_limit: the limit in use, or None.
    """
    low, high = _range(limits, current_limit)
    top, chart_height = 24, 200
    baseline = top + chart_height
    parts = (
        []
        if current_limit is None
        else [_threshold_line(current_limit, _to_x(current_limit, low, high), baseline)]
    )
    curves = [(gettext("false alarms"), "curve", false_alarms)]
    title = gettext("false alarms against the score limit")
    if missed is not None:
        curves.append((gettext("missed defects"), "curve missed", missed))
        title = gettext("false alarms and missed defects against the score limit")
    for name, style, rates in curves:
        ends = np.append(limits[1:], high)
        points = " ".join(
            f"{_to_x(x, low, high):.1f},{baseline - chart_height * rate:.1f}"
            for start, end, rate in zip(limits.tolist(), ends.tolist(), rates, strict=True)
            for x in (start, end)
        )
        parts.append(
            f'<polyline class="{style}" points="{points}"><title>{name}</title></polyline>'
        )
    for rate in (0.25, 0.5, 0.75, 1.0):
        parts.append(_text(_LEFT, baseline - chart_height * rate + 4, f"{100 * rate:g} %", "start"))
    parts.append(f'<line class="base" x1="{_LEFT}" x2="{_RIGHT}" y1="{baseline}" y2="{baseline}"/>')
    parts.append(_axis(low, high, baseline))
    return _svg(_WIDTH, baseline + _AXIS_HEIGHT, title, "".join(parts))


def _text(x: float, y: float, content: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{content}</text>'


def _svg(width: float, height: float, title: str, content: str) -> str:
    box = f'viewBox="0 0 {width} {height}"'
    return f'<svg class="chart" {box} role="img" aria-label="{title}">{content}</svg>'
