"""What pages show of a record: its picture with heat and outlines, and why each region is one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from goldensample.report.entry import HEAT_PX
from goldensample.report.words import number, percent
from goldensample.station.records.rows import Record
from goldensample.station.station import Station, learned_from

LISTED = 4
"""Regions that are told of; all others are outlined only."""
_PART = 0.2
_AROUND = 1.4


@dataclass(frozen=True, slots=True)
class Cut:
    """A square of a picture around a place.

    Args:
        address: of the whole picture.
        size_hw: of the picture, in its own pixels.
        corner_px: top and left of the square.
        side_px: of the square.
        at_px: row and column of the place.
        words: what it shows.
    """

    address: str
    size_hw: tuple[int, int]
    corner_px: tuple[float, float]
    side_px: float
    at_px: tuple[float, float]
    words: str


@dataclass(frozen=True, slots=True)
class Area:
    """A region as it is drawn and told.

    Args:
        path: its outline as the `d` of an SVG path.
        label_px: row and column of its number.
        words: how odd it is.
        source: where the nearest good patch came from, or "".
        cuts: the region, and the nearest good patch where its picture is at hand.
    """

    path: str
    label_px: tuple[float, float]
    words: str
    source: str
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A record as pages show it.

    Args:
        record: what is shown.
        picture: address of the picture, or None where it is gone.
        heat: address of the heat map, or None.
        heat_hw: what the heat map covers, in pixels of the picture.
        areas: its regions.
        gauge: where review limit, limit and score lie, as shares of a scale; None without limits.
    """

    record: Record
    picture: str | None
    heat: str | None
    heat_hw: tuple[int, int]
    areas: tuple[Area, ...]
    gauge: tuple[float, float, float] | None


def view(station: Station, record: Record) -> View:
    """Return what is shown of a record."""
    there = station.archive.path(record.picture_sha256).exists()
    has_heat = record.heat_sha256 and station.archive.path(record.heat_sha256).exists()
    block = max(1, math.ceil(max(record.height, record.width) / HEAT_PX))
    return View(
        record,
        f"/api/records/{record.id}/picture" if there else None,
        f"/api/records/{record.id}/heat" if has_heat else None,
        (block * math.ceil(record.height / block), block * math.ceil(record.width / block)),
        tuple(
            _area(station, record, region, number < LISTED)
            for number, region in enumerate(record.regions)
        ),
        _gauge(record),
    )


def _area(station: Station, record: Record, region: dict[str, Any], told: bool) -> Area:
    top, left, height, width = region["box_px"]
    loops = region.get("contour_px") or [
        [(top, left), (top, left + width), (top + height, left + width), (top + height, left)]
    ]
    side = max(record.height, record.width)
    source = region.get("nearest_good")
    where = ""
    if source and told:
        place = f"row {source['row_px']:.0f}, column {source['column_px']:.0f}"
        where = f"{_named(station, source['picture'])}, {place}"
    return Area(
        "".join(map(_path, loops)),
        (max(top - side / 90, side / 22), min(left, record.width - side / 25)),
        _words(record, region),
        where,
        _cuts(station, record, region) if told else (),
    )


def _path(points: Sequence[Sequence[float]]) -> str:
    """Write one closed loop of rows and columns."""
    return "M" + "L".join(f"{column:.1f} {row:.1f}" for row, column in points) + "Z"


def _words(record: Record, region: dict[str, Any]) -> str:
    share = percent(region["area_px"] / (record.height * record.width))
    words = f"{share} of the picture"
    if record.limit_pixel:
        words += f", {region['peak'] / record.limit_pixel:.2f} × the limit"
    else:
        words += f", peak {number(region['peak'])}"
    return words


def _cuts(station: Station, record: Record, region: dict[str, Any]) -> tuple[Cut, ...]:
    """Return the region and the good patch nearest to it, side by side."""
    size = (record.height, record.width)
    share = max(_PART, _AROUND * max(region["box_px"][2:]) / max(size))
    row, column = (place + 0.5 for place in region["peak_px"])
    here = _cut(f"/api/records/{record.id}/picture", size, (row, column), share, "this picture")
    source = region.get("nearest_good")
    found = _good(station, record.product, source["picture"]) if source else None
    if not source or not found:
        return (here,)
    at = (source["row_px"], source["column_px"])
    return (here, _cut(*found, at, share, "nearest good patch"))


def _cut(
    address: str, size_hw: tuple[int, int], at_px: tuple[float, float], share: float, words: str
) -> Cut:
    side = min(share * max(size_hw), *size_hw)
    top, left = (
        min(max(at - side / 2, 0.0), whole - side) for at, whole in zip(at_px, size_hw, strict=True)
    )
    return Cut(address, size_hw, (top, left), side, at_px, words)


def _good(station: Station, key: str, name: str) -> tuple[str, tuple[int, int]] | None:
    """Return where a good picture can be seen, and its (H, W); None where it cannot."""
    product = station.products.get(key)
    if record := learned_from(station, name):
        there = station.archive.path(record.picture_sha256).exists()
        address = f"/api/records/{record.id}/picture"
        return (address, (record.height, record.width)) if there else None
    pictures = product.state.inspector.pictures if product else ()
    one = next((one for one in pictures if one.name == name and one.thumbnail), None)
    return (f"/api/products/{key}/good?{urlencode({'name': name})}", one.shape_hw) if one else None


def _named(station: Station, name: str) -> str:
    """Return what people call a good picture."""
    record = learned_from(station, name)
    return f"{record.name} (learned from record {record.id})" if record else name


def _gauge(record: Record) -> tuple[float, float, float] | None:
    """Place limits and score on a scale from 0 to twice the limit."""
    if not record.limit_score or record.limit_score <= 0:
        return None
    full = 2 * record.limit_score
    review = record.limit_score if record.limit_review is None else record.limit_review
    return max(0.0, review / full), 0.5, min(max(record.score / full, 0.0), 1.0)
