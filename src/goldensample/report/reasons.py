"""A region beside the good patch nearest to it, cut out of pictures that the page has already."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from goldensample.inspection.inspector import TrainingPicture
from goldensample.preparation.zones import times
from goldensample.records import Region
from goldensample.report.entry import Entry
from goldensample.report.words import number, text

LISTED = 4
"""Regions of a picture that are shown before the others are unfolded."""
_PART = 0.2
_AROUND = 1.4


@dataclass(frozen=True, slots=True)
class Good:
    """A good picture that can be shown: its number on the page, and the picture of the fit."""

    number: int
    picture: TrainingPicture


def shown(pictures: Sequence[TrainingPicture]) -> dict[str, Good]:
    """Return the pictures that have a thumbnail, by name."""
    return {one.name: Good(k, one) for k, one in enumerate(pictures) if one.thumbnail}


def originals(entries: Sequence[Entry], good: Mapping[str, Good]) -> str:
    """Return, once for the page, each good picture that a region refers to; else nothing."""
    named = {
        region.reason.picture
        for entry in entries
        for region in entry.inspection.regions[:LISTED]
        if region.reason
    }
    used = [one for name, one in good.items() if name in named]
    images = "".join(
        f'<image id="good-{one.number}" width="{one.picture.shape_hw[1]}" '
        f'height="{one.picture.shape_hw[0]}" preserveAspectRatio="none" '
        f'href="data:image/jpeg;base64,{b64encode(one.picture.thumbnail).decode("ascii")}"/>'
        for one in used
    )
    return f'<svg class="originals" aria-hidden="true"><defs>{images}</defs></svg>' if used else ""


def pair(entry: Entry, rank: int, region: Region, good: Mapping[str, Good]) -> str:
    """Return the place of a region's peak and the good patch nearest to it, side by side.

    Nothing where the good picture has no thumbnail.

    Args:
        entry: the picture.
        rank: its place in the order of the page.
        region: one of its regions.
        good: the good pictures that can be shown, by name.
    """
    if region.reason is None or region.reason.picture not in good:
        return ""
    one, source = good[region.reason.picture], region.reason
    share = max(_PART, _AROUND * max(region.box_px[2:]) / max(entry.size_hw))
    row, column = (place + 0.5 for place in region.peak_px)
    here = _cut(f"image-{rank}", (row, column), share, entry.size_hw, "this picture")
    there = _cut(
        f"good-{one.number}",
        (source.row_px, source.column_px),
        share,
        one.picture.shape_hw,
        "nearest good patch",
    )
    return f'<div class="pair">{here}{there}</div>'


def _cut(
    name: str, at_px: tuple[float, float], share: float, size_hw: tuple[int, int], words: str
) -> str:
    """Return a square of an image around a point, which a ring marks.

    Args:
        name: of the image on the page.
        at_px: the point's row and column.
        share: of the longest side.
        size_hw: of the picture.
        words: the caption.
    """
    side = min(share * max(size_hw), *size_hw)
    top, left = (
        min(max(at - side / 2, 0.0), whole - side) for at, whole in zip(at_px, size_hw, strict=True)
    )
    ring = f'cx="{at_px[1]:.1f}" cy="{at_px[0]:.1f}" r="{side / 8:.1f}"'
    return (
        f'<figure><svg viewBox="{left:.1f} {top:.1f} {side:.1f} {side:.1f}" role="img" '
        f'aria-label="{words}"><use href="#{name}"/><g class="lines">'
        f'<circle class="shape halo" {ring}/><circle class="shape contour" {ring}/></g></svg>'
        f"<figcaption>{words}</figcaption></figure>"
    )


def zone(region: Region) -> str:
    """Return which zone a region is in, and the limit there; nothing outside all zones."""
    if region.zone is None:
        return ""
    return f"; zone <bdi>{text(region.zone)}</bdi>, {times(region.zone_limit)}"


def reason(region: Region) -> str:
    """Return in words where the nearest good patch came from, and how far away it is."""
    source = region.reason
    if source is None:
        return ""
    apart = "" if region.distance is None else f", distance <b>{number(region.distance)}</b>"
    rare = "" if region.p_value is None else f", p-value of the peak <b>{region.p_value:.2g}</b>"
    return (
        f'<span class="reason">nearest good patch: <bdi>{text(source.picture)}</bdi>, '
        f"row {source.row_px:.0f}, column {source.column_px:.0f}{apart}{rare}</span>"
    )
