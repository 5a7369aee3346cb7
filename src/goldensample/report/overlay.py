"""A picture as SVG, and the same overlaid with its heat map, contours and boxes."""

from base64 import b64encode

from goldensample.locales.language import gettext
from goldensample.records import Region
from goldensample.report.entry import Entry, Heat
from goldensample.report.outline import outline
from goldensample.report.png import encode_palette_png
from goldensample.report.scale import ColourScale, palette, quantise_heat

_FILLING = 'preserveAspectRatio="none" decoding="async"'


def plain_picture(entry: Entry, rank: int) -> str:
    """Return the picture as it is."""
    height, width = entry.size_hw
    data, label = b64encode(entry.thumbnail).decode("ascii"), gettext("the picture")
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}">'
        f'<image id="image-{rank}" width="{width}" height="{height}" {_FILLING} '
        f'href="data:image/jpeg;base64,{data}"/></svg>'
    )


def overlay(entry: Entry, rank: int, scale: ColourScale) -> str:
    """Return the picture by reference, overlaid with heat map, contours and boxes.

    Empty where there is nothing to overlay.
    """
    if entry.heat is None and not entry.truth and not entry.cropped:
        return ""
    height, width = entry.size_hw
    with_heat = gettext("the picture with its heat map")
    label = with_heat if entry.heat else gettext("the picture with its outlines")
    return (
        f'<svg class="pane" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{label}">'
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
