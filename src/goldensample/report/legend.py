"""The legend: the colour scale and the line styles."""

from collections.abc import Sequence

from goldensample.locales.language import gettext
from goldensample.records import Threshold
from goldensample.report.entry import Entry
from goldensample.report.scale import STEPS, ColourScale, palette
from goldensample.report.words import number


def legend(scale: ColourScale) -> str:
    """Draw the colour scale with its end points and, if set, the pixel threshold."""
    stops = ", ".join(
        f"rgb({red} {green} {blue} / {opacity / 255:.3f}) {100 * step / (STEPS - 1):.1f}%"
        for step, (red, green, blue, opacity) in enumerate(palette(scale).tolist())
        if step % 3 == 0
    )
    if scale.clear == scale.threshold:
        ticks = [(scale.clear, 0.0, "first", gettext("limit %(value)s"))]
    else:
        ticks = [(scale.clear, 0.0, "first", "≤ %(value)s")]
    if scale.threshold is not None and scale.clear != scale.threshold:
        position = 100 * (scale.threshold - scale.clear) / (scale.full - scale.clear)
        caption = gettext("threshold %(value)s")
        ticks.append((scale.threshold, min(max(position, 0.0), 100.0), "threshold", caption))
    last = "%(value)s" if scale.threshold is None else "≥ %(value)s"
    ticks.append((scale.full, 100.0, "last", last))
    caption = gettext("Heat, one scale for all pictures")
    marks = "".join(
        f'<span class="tick {style}" style="left:{position:.1f}%">'
        f"{text % {'value': number(value)}}</span>"
        for value, position, style, text in ticks
    )
    return (
        f'<figure class="legend"><figcaption>{caption}</figcaption>'
        '<div class="scale"><div class="colours" '
        f'style="background-image:linear-gradient(90deg, {stops})"></div>{marks}</div></figure>'
    )


def line_legend(entries: Sequence[Entry], threshold: Threshold | None) -> str:
    """Return the legend of the line styles used in the overlays."""
    path = '<path class="halo" d="M2 7H34"/><path class="{}" d="M2 7H34"/>'
    items = []
    if threshold is not None and threshold.pixel is not None:
        items.append((path.format("contour"), gettext("over the threshold")))
        box = '<rect class="box" x="3" y="2" width="30" height="10"/>'
        items.append((box, gettext("box of a region")))
    if any(entry.truth for entry in entries):
        items.append((path.format("truth"), gettext("true mask")))
    if any(entry.cropped for entry in entries):
        items.append(('<path class="outside" d="M0 0H36V14H0Z"/>', gettext("not inspected")))
    items_html = "".join(
        f'<li><svg viewBox="0 0 36 14" aria-hidden="true">{symbol}</svg>{caption}</li>'
        for symbol, caption in items
    )
    label = gettext("Lines in the pictures")
    return f'<ul class="key" aria-label="{label}">{items_html}</ul>' if items else ""
