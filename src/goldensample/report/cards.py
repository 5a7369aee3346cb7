"""One card of the HTML report: a picture, its heat map overlay and its regions."""

from base64 import b64encode
from collections.abc import Mapping

from goldensample.records import Region
from goldensample.report.entry import Entry, Heat
from goldensample.report.outline import outline
from goldensample.report.png import encode_palette_png
from goldensample.report.reasons import (
    MAX_LISTED,
    TrainingThumbnail,
    amount_list,
    nearest_patch_text,
    patch_pair,
    region_figures,
    zone_text,
)
from goldensample.report.scale import ColourScale, palette, quantise_heat
from goldensample.report.words import escape, number, percent
from goldensample.wording.numbers import count

VERDICTS = {
    "defect": ("▲", "defect"),
    "review": ("◆", "look again"),
    "good": ("●", "good"),
    None: ("◇", "no verdict"),
}
"""Symbol and caption of each verdict: never colour alone."""
_FILLING = 'preserveAspectRatio="none" decoding="async"'


def card(
    entry: Entry,
    rank: int,
    scale: ColourScale,
    score_threshold: float | None,
    thumbnails: Mapping[str, TrainingThumbnail],
) -> str:
    """Return one picture's list item.

    Args:
        entry: the picture.
        rank: in the order of the page, from 1.
        scale: the colour scale of the run.
        score_threshold: a picture is a defect when its score is larger, or None.
        thumbnails: of training pictures that the page shows, by name.
    """
    inspection = entry.inspection
    height, width = entry.size_hw
    layout = "wide" if width > 2 * height else "tall" if height > 2 * width else ""
    attributes = f'data-called="{escape(inspection.verdict or "")}"' + (
        " data-wrong" if entry.wrong else ""
    )
    return (
        f'<li><article class="card {layout}" id="picture-{rank}" {attributes}>\n'
        f"{_head(entry, rank, score_threshold)}\n"
        f'<div class="panes">{_picture(entry, rank)}{_overlay(entry, rank, scale)}</div>\n'
        f"{_region_list(entry, rank, scale, thumbnails)}</article></li>\n"
    )


def _head(entry: Entry, rank: int, score_threshold: float | None) -> str:
    inspection = entry.inspection
    symbol, caption = VERDICTS[inspection.verdict]
    times = ""
    if score_threshold is not None and score_threshold > 0:
        times = (
            f' <span class="quiet">= {inspection.score / score_threshold:.2f} × threshold</span>'
        )
    name, verdict = escape(inspection.name), ""
    if inspection.verdict:  # else no card of the page has one
        verdict = (
            f'<span class="verdict {caption.replace(" ", "-")}">'
            f'<span aria-hidden="true">{symbol}</span> {caption}</span>'
        )
    return (
        f'<header><p class="line"><span class="rank">{rank}</span>'
        f"{verdict}"
        f'<span class="score">score <b>{number(inspection.score)}</b>{times}</span>'
        f'</p><div class="line"><h3 class="name"><bdi>{name}</bdi></h3>'
        f'<button type="button" class="enlarge scripted" aria-label="Enlarge {name}">Enlarge'
        f"</button></div>"
        f"{label_line(entry)}</header>"
    )


def label_line(entry: Entry) -> str:
    """Return the picture's label, and whether the verdict contradicts it."""
    if entry.label is None:
        return ""
    label = "defect" if entry.label else "good"
    if entry.defect_type and entry.defect_type != label:
        label += f", {entry.defect_type}"
    error = "missed defect" if entry.label else "false alarm"
    mark = f' <strong class="wrong">✕ {error}</strong>' if entry.wrong else ""
    return f'<p class="label">labelled {escape(label)}{mark}</p>'


def _picture(entry: Entry, rank: int) -> str:
    height, width = entry.size_hw
    data = b64encode(entry.thumbnail).decode("ascii")
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" aria-label="the picture">'
        f'<image id="image-{rank}" width="{width}" height="{height}" {_FILLING} '
        f'href="data:image/jpeg;base64,{data}"/></svg>'
    )


def _overlay(entry: Entry, rank: int, scale: ColourScale) -> str:
    """Return the picture by reference, overlaid with heat map, contours and boxes.

    Empty where there is nothing to overlay.
    """
    if entry.heat is None and not entry.truth and not entry.cropped:
        return ""
    height, width = entry.size_hw
    content = "its heat map" if entry.heat else "its outlines"
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="the picture with {content}">'
        f'<use href="#image-{rank}"/>{_heat(entry.heat, scale)}{_outside_roi(entry)}'
        f'<g class="lines">{_annotations(entry, rank, scale)}</g></svg>'
    )


def _heat(heat: Heat | None, scale: ColourScale) -> str:
    if heat is None or not (steps := quantise_heat(heat.values(), scale)).any():
        return ""
    data = b64encode(encode_palette_png(steps, palette(scale))).decode("ascii")
    height, width = (side * heat.block_px for side in steps.shape)
    return (
        f'<image class="heat" width="{width}" height="{height}" {_FILLING} '
        f'href="data:image/png;base64,{data}"/>'
    )


def _outside_roi(entry: Entry) -> str:
    """Dim the pixels outside the inspected crop."""
    (height, width), (top, left, rows, columns) = entry.size_hw, entry.inspection.box_px
    if not entry.cropped:
        return ""
    inner = f"M{left} {top}v{rows}h{columns}v{-rows}Z"
    return f'<path class="outside" fill-rule="evenodd" d="M0 0h{width}v{height}h{-width}Z{inner}"/>'


def _annotations(entry: Entry, rank: int, scale: ColourScale) -> str:
    paths = []
    if entry.truth:
        paths.append(_path_with_halo(entry.truth, f"truth-{rank}", "truth"))
    if scale.threshold is not None and entry.heat and entry.inspection.regions:
        level = entry.inspection.regions[0].limit
        path = outline(entry.heat.values(), level, entry.heat.block_px, entry.size_hw)
        if path:
            paths.append(_path_with_halo(path, f"contour-{rank}", "contour"))
    paths += [
        _box(entry, index, region) for index, region in enumerate(entry.inspection.regions, 1)
    ]
    return "".join(paths)


def _box(entry: Entry, index: int, region: Region) -> str:
    """Draw a region's box with its number at the upper left corner, within the picture."""
    top, left, rows, columns = region.box_px
    side = max(entry.size_hw)
    x, y = min(left, entry.size_hw[1] - side / 25), max(top - side / 90, side / 20)
    return (
        f'<rect class="box" x="{left}" y="{top}" width="{columns}" height="{rows}"/>'
        f'<text style="--side:{side}px" x="{x:.0f}" y="{y:.0f}">{index}</text>'
    )


def _path_with_halo(path: str, name: str, kind: str) -> str:
    """Draw a path twice, dark and wide below light and narrow, so that it shows on any picture."""
    shape = f'<path id="{name}" class="shape" d="{path}"/>'
    return f'{shape}<use class="halo" href="#{name}"/><use class="{kind}" href="#{name}"/>'


def _region_list(
    entry: Entry, rank: int, scale: ColourScale, thumbnails: Mapping[str, TrainingThumbnail]
) -> str:
    """Return the list of regions, or the heat map's peak where there is none, and the note."""
    regions = [
        region_item(
            entry,
            index,
            region,
            scale,
            patch_pair(entry, rank, region, thumbnails) if index <= MAX_LISTED else "",
        )
        for index, region in enumerate(entry.inspection.regions, 1)
    ]
    sections = [amount_list(entry, rank, thumbnails)]
    if regions:
        sections.append(f'<ol class="regions">{"".join(regions[:MAX_LISTED])}</ol>')
    if entry.regions > MAX_LISTED:
        omitted = entry.regions - len(regions)
        omission = f"<p>and {count(omitted, 'region')} with smaller peaks</p>" if omitted else ""
        sections.append(
            f"<details><summary>{count(entry.regions - MAX_LISTED, 'more region')}</summary>"
            f'<ol class="regions">{"".join(regions[MAX_LISTED:])}</ol>{omission}</details>'
        )
    if not regions and entry.heat_map_peak:
        sections.append(heat_map_peak_line(entry.heat_map_peak, scale))
    if entry.inspection.note:
        sections.append(f'<p class="note">Note: {escape(entry.inspection.note)}</p>')
    return "".join(sections)


def region_item(
    entry: Entry, index: int, region: Region, scale: ColourScale, patches: str = ""
) -> str:
    """Return the list item of a region, with crops of it and of the nearest patch where given."""
    share = region.area_px / (entry.size_hw[0] * entry.size_hw[1])
    row, column = region.peak_px
    limit = scale.threshold or 0.0
    oddness = f"{region.peak / limit:.2f} × the limit" if limit > 0 else number(region.peak)
    return (
        f"<li>Region {index}: <b>{region.area_px:,} px</b> ({percent(share)} of the picture), "
        f"oddest at row {row}, column {column}, <b>{oddness}</b>{zone_text(region)}"
        f"{nearest_patch_text(region)}{patches}{region_figures(region)}</li>"
    )


def heat_map_peak_line(peak: tuple[float, int, int], scale: ColourScale) -> str:
    """Return the value and the place of a heat map's largest value, as a paragraph."""
    value, row, column = peak
    caption = "Hottest place" if scale.threshold is None else "No region; hottest place"
    times = ""
    if scale.threshold is not None and scale.threshold > 0:
        times = f" = {value / scale.threshold:.2f} × pixel threshold"
    return f'<p class="quiet">{caption}: {number(value)}{times}, row {row}, column {column}</p>'
