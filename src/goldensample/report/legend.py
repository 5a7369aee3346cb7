"""What colours and lines mean: the colour scale and the key."""

from collections.abc import Sequence

from goldensample.records import Threshold
from goldensample.report.entry import Entry
from goldensample.report.scale import STEPS, Scale, palette
from goldensample.report.words import number


def legend(scale: Scale) -> str:
    """Draw the colour scale with its ends and, where there is one, the pixel threshold."""
    stops = ", ".join(
        f"rgb({red} {green} {blue} / {opacity / 255:.3f}) {100 * step / (STEPS - 1):.1f}%"
        for step, (red, green, blue, opacity) in enumerate(palette().tolist())
        if step % 3 == 0
    )
    ticks = [(scale.clear, 0.0, "first", "≤ ")]
    if scale.threshold is not None:
        place = 100 * (scale.threshold - scale.clear) / (scale.full - scale.clear)
        ticks.append((scale.threshold, min(max(place, 0.0), 100.0), "threshold", "threshold "))
    ticks.append((scale.full, 100.0, "last", "≥ " if scale.threshold is not None else ""))
    marks = "".join(
        f'<span class="tick {kind}" style="left:{place:.1f}%">{words}{number(value)}</span>'
        for value, place, kind, words in ticks
    )
    return (
        '<figure class="legend"><figcaption>Heat, one scale for all pictures</figcaption>'
        '<div class="scale"><div class="colours" '
        f'style="background-image:linear-gradient(90deg, {stops})"></div>{marks}</div></figure>'
    )


def key(entries: Sequence[Entry], threshold: Threshold | None) -> str:
    """Explain the lines that occur in the pictures."""
    line = '<path class="halo" d="M2 7H34"/><path class="{}" d="M2 7H34"/>'
    lines = []
    if threshold is not None and threshold.pixel is not None:
        lines.append((line.format("contour"), "over the threshold"))
        lines.append(('<rect class="box" x="3" y="2" width="30" height="10"/>', "box of a region"))
    if any(entry.truth for entry in entries):
        lines.append((line.format("truth"), "true mask"))
    if any(entry.cropped for entry in entries):
        lines.append(('<path class="outside" d="M0 0H36V14H0Z"/>', "not inspected"))
    inner = "".join(
        f'<li><svg viewBox="0 0 36 14" aria-hidden="true">{drawn}</svg>{words}</li>'
        for drawn, words in lines
    )
    return f'<ul class="key" aria-label="Lines in the pictures">{inner}</ul>' if lines else ""
