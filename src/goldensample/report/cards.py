"""One card of the HTML report: a picture, its heat map overlay and its regions."""

from collections.abc import Mapping

from goldensample.locales.language import counted, gettext, mark
from goldensample.records import Region
from goldensample.report.entry import Entry
from goldensample.report.overlay import overlay, plain_picture
from goldensample.report.reasons import (
    MAX_LISTED,
    TrainingThumbnail,
    amount_list,
    nearest_patch_text,
    patch_pair,
    region_figures,
    zone_text,
)
from goldensample.report.scale import ColourScale
from goldensample.report.words import escape, number, percent
from goldensample.wording.notes import told

VERDICTS = {
    "defect": ("▲", mark("defect")),
    "review": ("◆", mark("look again")),
    "good": ("●", mark("good")),
    None: ("◇", mark("no verdict")),
}
"""Symbol and caption of each verdict: never colour alone."""


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
        f'<div class="panes">{plain_picture(entry, rank)}{overlay(entry, rank, scale)}</div>\n'
        f"{_region_list(entry, rank, scale, thumbnails)}</article></li>\n"
    )


def _head(entry: Entry, rank: int, score_threshold: float | None) -> str:
    inspection = entry.inspection
    symbol, caption = VERDICTS[inspection.verdict]
    times = ""
    if score_threshold is not None and score_threshold > 0:
        ratio = {"times": f"{inspection.score / score_threshold:.2f}"}
        text = gettext("= %(times)s × threshold") % ratio
        times = f' <span class="quiet">{text}</span>'
    score = gettext("score <b>%(score)s</b>") % {"score": number(inspection.score)}
    name, verdict = escape(inspection.name), ""
    enlarge, button = gettext("Enlarge %(name)s") % {"name": name}, gettext("Enlarge")
    if inspection.verdict:  # else no card of the page has one
        verdict = (
            f'<span class="verdict {caption.replace(" ", "-")}">'
            f'<span aria-hidden="true">{symbol}</span> {gettext(caption)}</span>'
        )
    return (
        f'<header><p class="line"><span class="rank">{rank}</span>'
        f"{verdict}"
        f'<span class="score">{score}{times}</span>'
        f'</p><div class="line"><h3 class="name"><bdi>{name}</bdi></h3>'
        f'<button type="button" class="enlarge scripted" '
        f'aria-label="{enlarge}">{button}</button></div>'
        f"{label_line(entry)}</header>"
    )


def label_line(entry: Entry) -> str:
    """Return the picture's label, and whether the verdict contradicts it."""
    if entry.label is None:
        return ""
    label = "defect" if entry.label else "good"
    kind = entry.defect_type if entry.defect_type != label else ""
    text = gettext("labelled defect") if entry.label else gettext("labelled good")
    error = gettext("missed defect") if entry.label else gettext("false alarm")
    wrong = f' <strong class="wrong">✕ {error}</strong>' if entry.wrong else ""
    return f'<p class="label">{text}{escape(f", {kind}" if kind else "")}{wrong}</p>'


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
        smaller = counted(
            "and %(num)s region with smaller peaks",
            "and %(num)s regions with smaller peaks",
            omitted,
        )
        omission = f"<p>{smaller}</p>" if omitted else ""
        more = counted("%(num)s more region", "%(num)s more regions", entry.regions - MAX_LISTED)
        sections.append(
            f"<details><summary>{more}</summary>"
            f'<ol class="regions">{"".join(regions[MAX_LISTED:])}</ol>{omission}</details>'
        )
    if not regions and entry.heat_map_peak:
        sections.append(heat_map_peak_line(entry.heat_map_peak, scale))
    if entry.inspection.note:
        note = gettext("Note: %(note)s") % {"note": escape(told(entry.inspection.note))}
        sections.append(f'<p class="note">{note}</p>')
    return "".join(sections)


def region_item(
    entry: Entry, index: int, region: Region, scale: ColourScale, patches: str = ""
) -> str:
    """Return the list item of a region, with crops of it and of the nearest patch where given."""
    share = region.area_px / (entry.size_hw[0] * entry.size_hw[1])
    row, column = region.peak_px
    limit = scale.threshold or 0.0
    times = gettext("%(times)s × the limit") % {"times": f"{region.peak / (limit or 1):.2f}"}
    text = gettext(
        "Region %(index)s: <b>%(area)s px</b> (%(share)s of the picture), oddest at row %(row)s, "
        "column %(column)s, <b>%(oddness)s</b>"
    ) % {
        "index": index,
        "area": f"{region.area_px:,}",
        "share": percent(share),
        "row": row,
        "column": column,
        "oddness": times if limit > 0 else number(region.peak),
    }
    return (
        f"<li>{text}{zone_text(region)}"
        f"{nearest_patch_text(region)}{patches}{region_figures(region)}</li>"
    )


def heat_map_peak_line(peak: tuple[float, int, int], scale: ColourScale) -> str:
    """Return the value and the place of a heat map's largest value, as a paragraph."""
    value, row, column = peak
    if scale.threshold is None:
        text = gettext("Hottest place: %(value)s, row %(row)s, column %(column)s")
    else:
        text = gettext("No region; hottest place: %(value)s, row %(row)s, column %(column)s")
    heat = number(value)
    if scale.threshold is not None and scale.threshold > 0:
        ratio = {"value": heat, "times": f"{value / scale.threshold:.2f}"}
        heat = gettext("%(value)s = %(times)s × pixel threshold") % ratio
    return f'<p class="quiet">{text % {"value": heat, "row": row, "column": column}}</p>'
