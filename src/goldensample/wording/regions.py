"""Regions as text and as JSON, the same for command line and station."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from goldensample.locales.language import gettext
from goldensample.preparation.zones import describe_limit
from goldensample.records import Array, Inspection, Region, Source
from goldensample.regions.contours import contours


@dataclass(frozen=True, slots=True)
class RegionOptions:
    """Which regions are reported, and with what details.

    Args:
        explain: report contours, distances and p-values as well.
        mm_per_px: millimetres of the part per pixel; None reports pixels alone.
        smallest_px: regions of fewer pixels are left out.

    Raises:
        ValueError: a number is out of its range.
    """

    explain: bool = False
    mm_per_px: float | None = None
    smallest_px: int = 1

    def __post_init__(self) -> None:
        if self.mm_per_px is not None and not 0 < self.mm_per_px < float("inf"):
            raise ValueError(f"--mm-per-px must be above 0; got {self.mm_per_px}")

    def drop_small(self, inspection: Inspection) -> Inspection:
        """Return an inspection with the regions that are large enough; its verdict stays."""
        large = tuple(r for r in inspection.regions if r.area_px >= self.smallest_px)
        return replace(inspection, regions=large)


PLAIN = RegionOptions()


def regions_json(inspection: Inspection, options: RegionOptions = PLAIN) -> list[dict[str, Any]]:
    """Return the regions of an inspection under the names of `golden inspect --json`."""
    return [
        {
            "box_px": region.box_px,
            "area_px": region.area_px,
            "peak": region.peak,
            "peak_px": region.peak_px,
            "nearest_good": source_json(region.reason),
            "zone": region.zone,
            "zone_limit": region.zone_limit,
            **_in_mm(region, options.mm_per_px),
            **(_explanation(region, inspection.heat_map) if options.explain else {}),
        }
        for region in inspection.regions
    ]


def composition_json(inspection: Inspection) -> dict[str, Any] | None:
    """Return what patches and composition say, each alone; None where patches alone are judged."""
    if inspection.opinions is None:
        return None
    names = "patches", "composition"
    return {
        "scores": dict(zip(names, inspection.opinions, strict=True)),
        "p_values": dict(zip(names, inspection.p_values or (None, None), strict=True)),
        "decided_by": names[inspection.opinions[1] >= inspection.opinions[0]],
        "amounts": [
            {
                "quarter": amount.quarter,
                "found": amount.found,
                "usual": round(amount.usual, 1),
                "like": source_json(amount.like),
            }
            for amount in inspection.amounts
        ],
    }


def _in_mm(region: Region, mm_per_px: float | None) -> dict[str, Any]:
    """Return box and area in millimetres, where the scale is known."""
    if mm_per_px is None:
        return {}
    return {
        "box_mm": [round(side * mm_per_px, 4) for side in region.box_px],
        "area_mm2": round(region.area_px * mm_per_px**2, 6),
    }


def _explanation(region: Region, heat_map: Array | None) -> dict[str, Any]:
    """Return the distance, p-value and contours of a region."""
    loops = [] if heat_map is None else contours(heat_map, region)
    return {
        "distance": region.distance,
        "p_value": region.p_value,
        "contour_px": [loop.round(2).tolist() for loop in loops],
    }


def source_json(source: Source | None) -> dict[str, Any] | None:
    """Return the picture and position of a good patch, to a tenth of a pixel."""
    if source is None:
        return None
    return {
        "picture": source.picture,
        "row_px": round(source.row_px, 1),
        "column_px": round(source.column_px, 1),
    }


def zone_text(region: Region) -> str:
    """Return the zone of a region and its limit as text; "" outside all zones."""
    if not region.zone:
        return ""
    values = {"zone": region.zone, "limit": describe_limit(region.zone_limit)}
    return gettext(", in zone %(zone)s, %(limit)s") % values


def explanation_lines(inspection: Inspection, options: RegionOptions) -> list[str]:
    """Return who decided, where patches and composition are judged, and each region, as lines."""
    lines = region_lines(inspection.regions, options)
    if inspection.opinions is None or inspection.p_values is None:
        return lines
    patches, composition = (f"{value:.3g}" for value in inspection.p_values)
    if inspection.opinions[1] >= inspection.opinions[0]:
        text = gettext(
            "its oddest place has p %(patches)s, what it is composed of has p %(composition)s: "
            "what it is composed of decided"
        )
    else:
        text = gettext(
            "its oddest place has p %(patches)s, what it is composed of has p %(composition)s: its "
            "oddest place decided"
        )
    return ["  " + text % {"patches": patches, "composition": composition}, *lines]


def region_lines(regions: Sequence[Region], options: RegionOptions) -> list[str]:
    """Return each region as a line of text."""
    return [_line(number, region, options.mm_per_px) for number, region in enumerate(regions, 1)]


def _line(number: int, region: Region, mm_per_px: float | None) -> str:
    """Return a region as a line of text."""
    top, left, height, width = region.box_px
    area = f"{region.area_px:,} px"
    if mm_per_px is not None:
        area += f" ({region.area_px * mm_per_px**2:.4g} mm²)"
    text = "  " + gettext(
        "region %(number)s: %(area)s, %(size)s px from row %(row)s, column %(column)s, peak "
        "%(peak)s"
    )
    text %= {
        "number": number,
        "area": area,
        "size": f"{height}x{width}",
        "row": top,
        "column": left,
        "peak": f"{region.peak:.4f}",
    }
    if region.p_value is not None:
        text += f" (p {region.p_value:.3g})"
    text += zone_text(region)
    if region.reason is None or region.distance is None:
        return text
    source = region.reason
    nearest = gettext(
        "; nearest good patch %(distance)s away: %(picture)s, row %(row)s, column %(column)s"
    )
    return text + nearest % {
        "distance": f"{region.distance:.4g}",
        "picture": source.picture,
        "row": f"{source.row_px:.0f}",
        "column": f"{source.column_px:.0f}",
    }
