"""View model of a record: picture, heat map, outlines, and the reasons for each region."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from goldensample.errors import ArtifactError
from goldensample.locales.language import gettext
from goldensample.regions.contours import outlines
from goldensample.regions.heatmap import PEAK_SHARE
from goldensample.report.entry import HEAT_PX, Heat
from goldensample.report.words import number, percent
from goldensample.station.feedback import would_silence
from goldensample.station.records import heat_files
from goldensample.station.records.rows import ERROR, Record
from goldensample.station.station import Station, find_learned_record

MAX_DESCRIBED = 4
"""Regions that are described; all others are outlined only."""
FAR = 1.5
"""Score over limit beyond which a part that is called good is asked for twice."""
_MIN_SHARE = 0.2
_MARGIN = 1.4


@dataclass(frozen=True, slots=True)
class Crop:
    """A square crop of a picture around a position.

    Args:
        url: of the whole picture.
        size_hw: of the picture, in its own pixels.
        corner_px: top and left of the crop.
        side_px: of the crop.
        center_px: row and column of the position, which is marked.
        caption: what it shows.
    """

    url: str
    size_hw: tuple[int, int]
    corner_px: tuple[float, float]
    side_px: float
    center_px: tuple[float, float]
    caption: str


@dataclass(frozen=True, slots=True)
class RegionView:
    """A region as pages outline and describe it.

    Args:
        path: its outline as the `d` of an SVG path.
        label_px: row and column of its number.
        summary: its area and peak.
        source: where the nearest good patch came from, or "".
        crops: the region, and the nearest good patch where its picture is at hand.
    """

    path: str
    label_px: tuple[float, float]
    summary: str
    source: str
    crops: tuple[Crop, ...]


@dataclass(frozen=True, slots=True)
class RecordView:
    """A record as pages show it.

    Args:
        record: the record itself.
        picture: URL of the picture, or None where it is deleted or cannot be read.
        heat: URL of the heat map, or None.
        heat_hw: what the heat map covers, in pixels of the picture.
        outline: around all that is beyond the look-again limit as the `d` of an SVG path, or "".
        regions: its regions.
        gauge: review limit, limit and score as shares of a scale; None without limits.
        far: score over limit, where it is so far beyond that "good" is asked twice; else None.
        silences: whether learning it ends the judging of what is missing, see `would_silence`.
    """

    record: Record
    picture: str | None
    heat: str | None
    heat_hw: tuple[int, int]
    outline: str
    regions: tuple[RegionView, ...]
    gauge: tuple[float, float, float] | None
    far: float | None
    silences: bool


def record_view(station: Station, record: Record) -> RecordView:
    """Return a record as pages show it."""
    exists = station.archive.path(record.picture_sha256).exists()
    has_picture = exists and record.verdict != ERROR
    has_heat = record.heat_sha256 and station.archive.path(record.heat_sha256).exists()
    block = max(1, math.ceil(max(record.height, record.width) / HEAT_PX))
    return RecordView(
        record,
        f"/api/records/{record.id}/picture" if has_picture else None,
        f"/api/records/{record.id}/heat" if has_heat else None,
        (block * math.ceil(record.height / block), block * math.ceil(record.width / block)),
        _outline(station, record) if has_heat and record.regions else "",
        tuple(
            _region_view(station, record, region, number < MAX_DESCRIBED)
            for number, region in enumerate(record.regions)
        ),
        _gauge(record),
        far_beyond(record),
        would_silence(station, record),
    )


def _region_view(
    station: Station, record: Record, region: dict[str, Any], described: bool
) -> RegionView:
    top, left, height, width = region["box_px"]
    loops = region.get("contour_px") or [
        [(top, left), (top, left + width), (top + height, left + width), (top + height, left)]
    ]
    side = max(record.height, record.width)
    source = region.get("nearest_good")
    source_text = ""
    if source and described:
        source_text = gettext("%(picture)s, row %(row)s, column %(column)s") % {
            "picture": _display_name(station, source["picture"]),
            "row": f"{source['row_px']:.0f}",
            "column": f"{source['column_px']:.0f}",
        }
    return RegionView(
        "".join(map(_svg_path, loops)),
        (max(top - side / 90, side / 22), min(left, record.width - side / 25)),
        _summary(record, region),
        source_text,
        _crops(station, record, region) if described else (),
    )


def shown_from(record: Record, heat: Heat) -> float | None:
    """Return the heat from which a place is coloured and outlined; None without limits.

    It is the look-again limit, in the pixels' unit. Where a part is to be looked at and no place is
    beyond it, it is a little less than the hottest place.
    """
    if record.limit_pixel is None or not record.limit_score:
        return None
    review = record.limit_score if record.limit_review is None else record.limit_review
    level = record.limit_pixel * min(max(review / record.limit_score, 0.0), 1.0)
    return min(level, PEAK_SHARE * heat.largest) if record.regions else level


def _outline(station: Station, record: Record) -> str:
    """Return the outline of all that is coloured as SVG path data; "" where that cannot be told."""
    try:
        heat = heat_files.from_bytes(station.archive.path(record.heat_sha256 or "").read_bytes())
    except (OSError, ArtifactError):  # the regions are outlined then
        return ""
    level = shown_from(record, heat)
    if level is None:
        return ""
    loops = outlines(heat.values(), level, heat.block_px, (record.height, record.width))
    return "".join(_svg_path(loop.tolist()) for loop in loops)


def _svg_path(points: Sequence[Sequence[float]]) -> str:
    """Return a closed loop of rows and columns as SVG path data."""
    return "M" + "L".join(f"{column:.1f} {row:.1f}" for row, column in points) + "Z"


def _summary(record: Record, region: dict[str, Any]) -> str:
    share = percent(region["area_px"] / (record.height * record.width))
    if record.limit_pixel:
        times = f"{region['peak'] / record.limit_pixel:.2f}"
        text = gettext("%(share)s of the picture, %(times)s × the limit")
        return text % {"share": share, "times": times}
    text = gettext("%(share)s of the picture, peak %(peak)s")
    return text % {"share": share, "peak": number(region["peak"])}


def _crops(station: Station, record: Record, region: dict[str, Any]) -> tuple[Crop, ...]:
    """Return the region and the good patch nearest to it, side by side."""
    size = (record.height, record.width)
    share = max(_MIN_SHARE, _MARGIN * max(region["box_px"][2:]) / max(size))
    row, column = (index + 0.5 for index in region["peak_px"])
    region_crop = _crop(
        f"/api/records/{record.id}/picture", size, (row, column), share, gettext("this picture")
    )
    source = region.get("nearest_good")
    good_picture = _good_picture(station, record.product, source["picture"]) if source else None
    if not source or not good_picture:
        return (region_crop,)
    center = (source["row_px"], source["column_px"])
    return (region_crop, _crop(*good_picture, center, share, gettext("nearest good patch")))


def _crop(
    url: str,
    size_hw: tuple[int, int],
    center_px: tuple[float, float],
    share: float,
    caption: str,
) -> Crop:
    side = min(share * max(size_hw), *size_hw)
    top, left = (
        min(max(center - side / 2, 0.0), size - side)
        for center, size in zip(center_px, size_hw, strict=True)
    )
    return Crop(url, size_hw, (top, left), side, center_px, caption)


def _good_picture(station: Station, key: str, name: str) -> tuple[str, tuple[int, int]] | None:
    """Return the URL of a good picture and its (H, W), or None where it is not stored."""
    product = station.products.get(key)
    if record := find_learned_record(station, name):
        exists = station.archive.path(record.picture_sha256).exists()
        url = f"/api/records/{record.id}/picture"
        return (url, (record.height, record.width)) if exists else None
    pictures = product.state.inspector.pictures if product else ()
    picture = next((p for p in pictures if p.name == name and p.thumbnail), None)
    url = f"/api/products/{key}/good?{urlencode({'name': name})}"
    return (url, picture.shape_hw) if picture else None


def _display_name(station: Station, name: str) -> str:
    """Return the name of a good picture for people."""
    record = find_learned_record(station, name)
    if record is None:
        return name
    text = gettext("%(name)s (learned from record %(record)s)")
    return text % {"name": record.name, "record": record.id}


def _gauge(record: Record) -> tuple[float, float, float] | None:
    """Return limits and score as shares of a scale from 0 to twice the limit."""
    if record.score is None or not record.limit_score or record.limit_score <= 0:
        return None
    maximum = 2 * record.limit_score
    review = record.limit_score if record.limit_review is None else record.limit_review
    return max(0.0, review / maximum), 0.5, min(max(record.score / maximum, 0.0), 1.0)


def far_beyond(record: Record) -> float | None:
    """Return the score over the limit where it is beyond `FAR`."""
    if record.score is None or not record.limit_score or record.limit_score <= 0:
        return None
    ratio = record.score / record.limit_score
    return ratio if ratio > FAR else None
