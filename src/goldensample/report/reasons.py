"""A region's peak next to its nearest patch in the memory bank, cropped from both pictures."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldensample.inspection.inspector import TrainingPicture
from goldensample.locales.language import gettext
from goldensample.preparation.zones import describe_limit
from goldensample.records import Amount, Region
from goldensample.report.entry import Entry
from goldensample.report.words import escape, number, percent

MAX_LISTED = 4
"""Number of regions listed before the rest is collapsed."""
_MIN_CROP_SHARE = 0.2
_CROP_MARGIN = 1.4
_AMOUNT_SHARE = 0.4
"""Side of the crops of what is missing or too many, as a share of the longest side."""


@dataclass(frozen=True, slots=True)
class TrainingThumbnail:
    """A training picture with a thumbnail, and its number on the page."""

    number: int
    picture: TrainingPicture


def index_thumbnails(pictures: Sequence[TrainingPicture]) -> dict[str, TrainingThumbnail]:
    """Return the pictures that have a thumbnail, by name."""
    return {
        picture.name: TrainingThumbnail(number, picture)
        for number, picture in enumerate(pictures)
        if picture.thumbnail
    }


def training_images(entries: Sequence[Entry], thumbnails: Mapping[str, TrainingThumbnail]) -> str:
    """Return SVG definitions of the training pictures that entries refer to, or ""."""
    names = {
        source.picture
        for entry in entries
        for source in (
            *(region.reason for region in entry.inspection.regions[:MAX_LISTED]),
            *(amount.like for amount in entry.inspection.amounts),
        )
        if source
    }
    referenced = [thumbnail for name, thumbnail in thumbnails.items() if name in names]
    images = "".join(
        f'<image id="good-{thumbnail.number}" width="{thumbnail.picture.shape_hw[1]}" '
        f'height="{thumbnail.picture.shape_hw[0]}" preserveAspectRatio="none" '
        f'href="data:image/jpeg;base64,{b64encode(thumbnail.picture.thumbnail).decode("ascii")}"/>'
        for thumbnail in referenced
    )
    return (
        f'<svg class="originals" aria-hidden="true"><defs>{images}</defs></svg>'
        if referenced
        else ""
    )


def patch_pair(
    entry: Entry, rank: int, region: Region, thumbnails: Mapping[str, TrainingThumbnail]
) -> str:
    """Return crops around a region's peak and its nearest good patch, side by side.

    Empty where the training picture has no thumbnail.

    Args:
        entry: the picture.
        rank: in the order of the page.
        region: one of its regions.
        thumbnails: of training pictures, by name.
    """
    if region.reason is None or region.reason.picture not in thumbnails:
        return ""
    thumbnail, source = thumbnails[region.reason.picture], region.reason
    share = max(_MIN_CROP_SHARE, _CROP_MARGIN * max(region.box_px[2:]) / max(entry.size_hw))
    row, column = (pixel + 0.5 for pixel in region.peak_px)
    inspected = _crop_figure(
        f"image-{rank}", (row, column), share, entry.size_hw, gettext("this picture")
    )
    nearest = _crop_figure(
        f"good-{thumbnail.number}",
        (source.row_px, source.column_px),
        share,
        thumbnail.picture.shape_hw,
        gettext("nearest good patch"),
    )
    return f'<div class="pair">{inspected}{nearest}</div>'


def amount_list(entry: Entry, rank: int, thumbnails: Mapping[str, TrainingThumbnail]) -> str:
    """Return of what a picture has too few and too many, each with an example.

    Both crops are around the place where a good picture has the example. Empty where that has no
    thumbnail: the note says it, too.
    """
    items = []
    for amount in entry.inspection.amounts:
        if amount.like.picture not in thumbnails:
            continue
        text = gettext(
            "<b>%(found)s</b> places like the one ringed in the good picture in the %(quarter)s "
            "quarter; <b>%(usual)s</b> are usual"
        ) % {
            "found": amount.found,
            "quarter": gettext(amount.quarter),
            "usual": f"{amount.usual:.0f}",
        }
        items.append(f"<li>{text}{_amount_pair(entry, rank, amount, thumbnails)}</li>")
    return f'<ul class="amounts">{"".join(items)}</ul>' if items else ""


def _amount_pair(
    entry: Entry, rank: int, amount: Amount, thumbnails: Mapping[str, TrainingThumbnail]
) -> str:
    """Return crops of the picture and of a good one around the same place."""
    like, thumbnail = amount.like, thumbnails[amount.like.picture]
    good_hw, at_px = thumbnail.picture.shape_hw, (like.row_px, like.column_px)
    row, column = (
        at * own / good for at, own, good in zip(at_px, entry.size_hw, good_hw, strict=True)
    )
    here = _crop_figure(
        f"image-{rank}", (row, column), _AMOUNT_SHARE, entry.size_hw, gettext("this picture there")
    )
    name = f"good-{thumbnail.number}"
    good = _crop_figure(name, at_px, _AMOUNT_SHARE, good_hw, gettext("a good picture"))
    return f'<div class="pair">{here}{good}</div>'


def _crop_figure(
    name: str, at_px: tuple[float, float], share: float, size_hw: tuple[int, int], caption: str
) -> str:
    """Return a square crop of an image around a point, marked by a ring.

    Args:
        name: of the image on the page.
        at_px: the point's row and column.
        share: side of the crop as a share of the longest side.
        size_hw: of the picture.
        caption: below the crop.
    """
    side = min(share * max(size_hw), *size_hw)
    top, left = (
        min(max(centre - side / 2, 0.0), length - side)
        for centre, length in zip(at_px, size_hw, strict=True)
    )
    ring = f'cx="{at_px[1]:.1f}" cy="{at_px[0]:.1f}" r="{side / 8:.1f}"'
    return (
        f'<figure><svg viewBox="{left:.1f} {top:.1f} {side:.1f} {side:.1f}" role="img" '
        f'aria-label="{caption}"><use href="#{name}"/><g class="lines">'
        f'<circle class="shape halo" {ring}/><circle class="shape contour" {ring}/></g></svg>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def zone_text(region: Region) -> str:
    """Return the zone of a region and the zone's limit; "" outside all zones."""
    if region.zone is None:
        return ""
    values = {"zone": escape(region.zone), "limit": describe_limit(region.zone_limit)}
    return gettext("; zone <bdi>%(zone)s</bdi>, %(limit)s") % values


def nearest_patch_text(region: Region) -> str:
    """Return the source of the nearest good patch; "" where it is not known."""
    source = region.reason
    if source is None:
        return ""
    text = gettext("nearest good patch: <bdi>%(picture)s</bdi>, row %(row)s, column %(column)s") % {
        "picture": escape(source.picture),
        "row": f"{source.row_px:.0f}",
        "column": f"{source.column_px:.0f}",
    }
    return f'<span class="reason">{text}</span>'


def region_figures(region: Region) -> str:
    """Return the exact figures of a region, collapsed: box, peak, distance and p-value."""
    top, left, rows, columns = region.box_px
    box = {"columns": columns, "rows": rows, "top": top, "left": left}
    figures = [
        gettext("box of %(columns)s × %(rows)s px from row %(top)s, column %(left)s") % box,
        gettext("heat map at its peak %(value)s") % {"value": number(region.peak)},
    ]
    if region.distance is not None:
        before = {"value": number(region.distance)}
        figures.append(gettext("the same before smoothing %(value)s") % before)
    if region.p_value is not None:
        text = gettext("%(share)s of good pictures have a peak as high (p-value %(value)s)")
        shares = {"share": percent(region.p_value), "value": f"{region.p_value:.2g}"}
        figures.append(text % shares)
    summary = gettext("exact figures")
    return f"<details><summary>{summary}</summary>{'; '.join(figures)}</details>"
