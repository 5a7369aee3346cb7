"""One card of the page: a picture, its overlay, and what is said of it in words."""

from base64 import b64encode
from collections.abc import Mapping

from goldensample.records import Region
from goldensample.report.entry import Entry, Heat
from goldensample.report.outline import outline
from goldensample.report.png import encode_palette_png
from goldensample.report.reasons import LISTED, Good, pair, reason, zone
from goldensample.report.scale import Scale, palette, steps_of
from goldensample.report.words import count, number, percent, text

VERDICTS = {
    "defect": ("▲", "defect"),
    "review": ("◆", "look again"),
    "good": ("●", "good"),
    None: ("◇", "no verdict"),
}
"""Shape and words of each verdict: never colour alone."""
_FILLING = 'preserveAspectRatio="none" decoding="async"'


def card(
    entry: Entry,
    rank: int,
    scale: Scale,
    score_threshold: float | None,
    good: Mapping[str, Good],
) -> str:
    """Return one picture's list item.

    Args:
        entry: the picture.
        rank: its place in the order of the page, from 1.
        scale: the colour scale of the run.
        score_threshold: a picture is a defect when its score is larger, or None.
        good: good pictures that the page shows, by name.
    """
    said = entry.inspection
    height, width = entry.size_hw
    layout = "wide" if width > 2 * height else "tall" if height > 2 * width else ""
    marks = f'data-called="{text(said.verdict or "")}"' + (" data-wrong" if entry.wrong else "")
    return (
        f'<li><article class="card {layout}" id="picture-{rank}" {marks}>\n'
        f"{_head(entry, rank, score_threshold)}\n"
        f'<div class="panes">{_picture(entry, rank)}{_overlay(entry, rank, scale)}</div>\n'
        f"{_findings(entry, rank, scale, good)}</article></li>\n"
    )


def _head(entry: Entry, rank: int, score_threshold: float | None) -> str:
    said = entry.inspection
    shape, words = VERDICTS[said.verdict]
    times = ""
    if score_threshold is not None and score_threshold > 0:
        times = f' <span class="quiet">= {said.score / score_threshold:.2f} × threshold</span>'
    name = text(said.name)
    return (
        f'<header><p class="line"><span class="rank">{rank}</span>'
        f'<span class="verdict {words.replace(" ", "-")}">'
        f'<span aria-hidden="true">{shape}</span> {words}</span>'
        f'<span class="score">score <b>{number(said.score)}</b>{times}</span>'
        f'</p><div class="line"><h3 class="name"><bdi>{name}</bdi></h3>'
        f'<button type="button" class="enlarge scripted" aria-label="Enlarge {name}">Enlarge'
        f"</button></div>"
        f"{_label(entry)}</header>"
    )


def _label(entry: Entry) -> str:
    """Return what is known to be true of the picture, and whether the verdict missed it."""
    if entry.label is None:
        return ""
    words = "defect" if entry.label else "good"
    if entry.defect_type and entry.defect_type != words:
        words += f", {entry.defect_type}"
    wrong = "missed defect" if entry.label else "false alarm"
    mark = f' <strong class="wrong">✕ {wrong}</strong>' if entry.wrong else ""
    return f'<p class="label">labelled {text(words)}{mark}</p>'


def _picture(entry: Entry, rank: int) -> str:
    height, width = entry.size_hw
    data = b64encode(entry.thumbnail).decode("ascii")
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" aria-label="the picture">'
        f'<image id="image-{rank}" width="{width}" height="{height}" {_FILLING} '
        f'href="data:image/jpeg;base64,{data}"/></svg>'
    )


def _overlay(entry: Entry, rank: int, scale: Scale) -> str:
    """Return the picture again by reference, with heat, outlines and boxes in its pixels.

    Nothing where there would be nothing on it.
    """
    if entry.heat is None and not entry.truth and not entry.cropped:
        return ""
    height, width = entry.size_hw
    what = "its heat map" if entry.heat else "its outlines"
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="the picture with {what}">'
        f'<use href="#image-{rank}"/>{_heat(entry.heat, scale)}{_outside(entry)}'
        f'<g class="lines">{_lines(entry, rank, scale)}</g></svg>'
    )


def _heat(heat: Heat | None, scale: Scale) -> str:
    if heat is None or not (steps := steps_of(heat.values(), scale)).any():
        return ""
    data = b64encode(encode_palette_png(steps, palette())).decode("ascii")
    height, width = (side * heat.block_px for side in steps.shape)
    return (
        f'<image class="heat" width="{width}" height="{height}" {_FILLING} '
        f'href="data:image/png;base64,{data}"/>'
    )


def _outside(entry: Entry) -> str:
    """Dim what was not inspected, after a crop."""
    (height, width), (top, left, rows, columns) = entry.size_hw, entry.inspection.box_px
    if not entry.cropped:
        return ""
    inner = f"M{left} {top}v{rows}h{columns}v{-rows}Z"
    return f'<path class="outside" fill-rule="evenodd" d="M0 0h{width}v{height}h{-width}Z{inner}"/>'


def _lines(entry: Entry, rank: int, scale: Scale) -> str:
    lines = []
    if entry.truth:
        lines.append(_haloed(entry.truth, f"truth-{rank}", "truth"))
    if scale.threshold is not None and entry.heat:
        path = outline(entry.heat.values(), scale.threshold, entry.heat.block_px, entry.size_hw)
        if path:
            lines.append(_haloed(path, f"contour-{rank}", "contour"))
    lines += [
        _box(entry, index, region) for index, region in enumerate(entry.inspection.regions, 1)
    ]
    return "".join(lines)


def _box(entry: Entry, index: int, region: Region) -> str:
    """Draw a region's box with its number above the upper left corner, or as near as fits."""
    top, left, rows, columns = region.box_px
    side = max(entry.size_hw)
    x, y = min(left, entry.size_hw[1] - side / 25), max(top - side / 90, side / 20)
    return (
        f'<rect class="box" x="{left}" y="{top}" width="{columns}" height="{rows}"/>'
        f'<text style="--side:{side}px" x="{x:.0f}" y="{y:.0f}">{index}</text>'
    )


def _haloed(path: str, name: str, kind: str) -> str:
    """Draw a path twice, dark and wide below light and narrow, so that it shows on any picture."""
    shape = f'<path id="{name}" class="shape" d="{path}"/>'
    return f'{shape}<use class="halo" href="#{name}"/><use class="{kind}" href="#{name}"/>'


def _findings(entry: Entry, rank: int, scale: Scale, good: Mapping[str, Good]) -> str:
    """Return the regions in words, or the hottest place where there is none, and the note."""
    regions = [
        _region(entry, index, region, pair(entry, rank, region, good) if index <= LISTED else "")
        for index, region in enumerate(entry.inspection.regions, 1)
    ]
    parts = []
    if regions:
        parts.append(f'<ol class="regions">{"".join(regions[:LISTED])}</ol>')
    if entry.regions > LISTED:
        left_out = entry.regions - len(regions)
        last = f"<p>and {count(left_out, 'region')} with smaller peaks</p>" if left_out else ""
        parts.append(
            f"<details><summary>{count(entry.regions - LISTED, 'more region')}</summary>"
            f'<ol class="regions">{"".join(regions[LISTED:])}</ol>{last}</details>'
        )
    if not regions and entry.hottest:
        parts.append(_hottest(entry.hottest, scale))
    if entry.inspection.note:
        parts.append(f'<p class="note">Note: {text(entry.inspection.note)}</p>')
    return "".join(parts)


def _region(entry: Entry, index: int, region: Region, pictures: str) -> str:
    top, left, rows, columns = region.box_px
    share = region.area_px / (entry.size_hw[0] * entry.size_hw[1])
    row, column = region.peak_px
    return (
        f"<li>Region {index}: <b>{region.area_px:,} px</b> ({percent(share)} of the picture), "
        f"peak <b>{number(region.peak)}</b> at row {row}, column {column}{zone(region)}; "
        f'<span class="quiet">box {columns} × {rows} px from row {top}, column {left}</span>'
        f"{reason(region)}{pictures}</li>"
    )


def _hottest(hottest: tuple[float, int, int], scale: Scale) -> str:
    value, row, column = hottest
    words = "Hottest place" if scale.threshold is None else "No region; hottest place"
    times = ""
    if scale.threshold is not None and scale.threshold > 0:
        times = f" = {value / scale.threshold:.2f} × pixel threshold"
    return f'<p class="quiet">{words}: {number(value)}{times}, row {row}, column {column}</p>'
