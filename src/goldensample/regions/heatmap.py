"""The heat map (anomaly map) of a picture from patch distances, and its regions."""

from functools import lru_cache

import numpy as np

from goldensample.features.patches import linear_matrix
from goldensample.preparation.placement import Placement
from goldensample.records import Array, Region, Scores
from goldensample.regions.components import components

Centres = tuple[tuple[float, ...], tuple[float, ...]]

PEAK_SHARE = 0.9
"""See `regions_of_verdict`."""


def heat_map(
    scores: Array, valid: Array, centres: Centres, placement: Placement, sigma_px: float
) -> Array:
    """Upsample patch distances to the picture, bilinear, then blur with a Gaussian.

    The map is `rows @ scores @ columns.T`, the blur (reflected at the border, truncated at four
    sigma) included. Cells on padding are excluded: their weight goes to the others.

    Args:
        scores: (h, w) float32 distances; not changed.
        valid: (h, w) bool; not changed.
        centres: of the patches, rows then columns, as shares of the canvas.
        placement: of the picture on the canvas.
        sigma_px: of the blur, in pixels of the canvas; 0 for none.

    Returns:
        (H, W) float32 on the picture, in the unit of the scores; 0 outside `placement.box_px()`
        and outside the placement's ROI.

    Source: Roth et al. 2022, section 3.3.
    """
    if placement.motion:
        aligned = heat_map(scores, valid, centres, placement.without_motion, sigma_px)
        return placement.motion.restore(aligned)
    rows, columns = (_map_matrix(centres[axis], placement, axis, sigma_px) for axis in (0, 1))
    values = rows @ np.where(valid, scores, 0).astype(np.float32) @ columns.T  # (h, w) -> (H', W')
    if not valid.all():
        values /= np.maximum(rows @ valid.astype(np.float32) @ columns.T, 1e-6)
    top, left, height, width = placement.box_px()
    if (height, width) != placement.shape_hw:
        full = np.zeros(placement.shape_hw, np.float32)
        full[top : top + height, left : left + width] = values
        values = full
    roi_mask = placement.roi_mask()
    return values if roi_mask is None else np.where(roi_mask, values, np.float32(0))


def looked_at(placement: Placement) -> Array:
    """Return (H, W) bool, the pixels of a picture that a heat map covers."""
    one = np.ones((1, 1))
    seen: Array = heat_map(one, one > 0, ((0.5,), (0.5,)), placement, 0) > 0
    return seen


@lru_cache(maxsize=64)
def _map_matrix(
    centres: tuple[float, ...], placement: Placement, axis: int, sigma_px: float
) -> Array:
    """Return the (pixels of the box, cells) float32 matrix: upsampling, blur, resizing."""
    canvas = placement.canvas_hw[axis]
    box = placement.box_px()
    positions = np.arange(box[axis], box[axis] + box[axis + 2]) + 0.5
    canvas_px = positions * placement.scale_hw[axis] + placement.offset_hw[axis]
    back = linear_matrix(canvas, canvas_px)
    return (back @ upsampling_matrix(centres, canvas, sigma_px)).astype(np.float32)


def upsampling_matrix(centres: tuple[float, ...], canvas: int, sigma_px: float) -> Array:
    """Return the (canvas, cells) float64 matrix along an axis: upsampling, then blur.

    Args:
        centres: of the cells, as shares of the canvas.
        canvas: its pixels.
        sigma_px: of the blur, in pixels of the canvas; 0 for none.
    """
    pixels = np.arange(canvas) + 0.5
    # the cell coordinate of each canvas pixel; cell i has its centre at i + 0.5
    cells = np.interp(pixels, np.asarray(centres) * canvas, np.arange(len(centres)) + 0.5)
    matrix = linear_matrix(len(centres), cells)
    return blur(matrix, sigma_px) if sigma_px > 0 else matrix


def blur(columns: Array, sigma: float) -> Array:
    """Blur columns with a Gaussian: SciPy's `gaussian_filter1d` along axis 0, bit for bit.

    Importing SciPy's filters takes as long as the network takes for ten pictures.

    Args:
        columns: (n, k) float64; reflected at both ends; not changed.
        sigma: in rows, above 0; the Gaussian is truncated at four of them.
    """
    radius, count = int(4 * sigma + 0.5), len(columns)
    weights = np.exp(-0.5 / (sigma * sigma) * np.arange(-radius, radius + 1) ** 2)
    weights = weights / weights.sum()
    padded = np.pad(columns, ((radius, radius), (0, 0)), mode="symmetric")
    blurred: Array = columns * weights[radius]
    for away in range(radius, 0, -1):  # from the outermost pair inwards, as SciPy adds them
        before, after = (padded[radius + shift :][:count] for shift in (-away, away))
        blurred += (before + after) * weights[radius - away]
    return blurred


def regions(values: Array, limit: float) -> list[Region]:
    """Find the connected components of a map above a limit (8-connected), largest peak first.

    Args:
        values: (H, W) float32; not changed.
        limit: in the unit of the map.
    """
    above = values > limit
    down, across = (np.flatnonzero(above.any(axis=axis)) for axis in (1, 0))
    if not len(down):
        return []
    first_row, first_column = down[0], across[0]
    window = (slice(first_row, down[-1] + 1), slice(first_column, across[-1] + 1))
    labels, boxes = components(above[window])
    cropped = values[window]
    found = []
    for number, box in enumerate(boxes, start=1):
        inside = labels[box] == number
        part = np.where(inside, cropped[box], -np.inf)
        row, column = divmod(int(part.argmax()), part.shape[1])
        top, left = int(first_row) + box[0].start, int(first_column) + box[1].start
        found.append(
            Region(
                box_px=(top, left, part.shape[0], part.shape[1]),
                area_px=int(inside.sum()),
                peak=float(part[row, column]),
                peak_px=(top + row, left + column),
                limit=limit,
            )
        )
    return sorted(found, key=lambda region: -region.peak)


def regions_of_verdict(
    values: Array, limit: float, verdict: str, by_place: bool = True
) -> list[Region]:
    """Find the regions that go with a verdict: none on a good picture, at least one on another.

    Where the verdict is not good and nothing is above the limit, the place of the largest value is
    marked, down to `PEAK_SHARE` of that value, if a place is what decided.

    Args:
        values: (H, W) float32 heat map; not changed.
        limit: for pixels, in the unit of the map.
        verdict: of the picture: "good", "review" or "defect".
        by_place: whether the oddest place decided, and not what the picture is composed of.
    """
    peak = float(values.max())
    if verdict == "good" or not (by_place or peak > limit):
        return []
    return regions(values, limit if peak > limit else PEAK_SHARE * peak)


def worst_patch(peak_px: tuple[int, int], placement: Placement, scores: Scores) -> tuple[int, int]:
    """Return the row and column, in the grid, of the highest patch score around a peak of the map.

    The blur moves a peak a little, so the 3 x 3 patches around it are searched.

    Args:
        peak_px: (row, column) in the picture.
        placement: of the picture on the canvas.
        scores: of the picture alone; not changed.
    """
    peak = placement.canvas_px(np.asarray(peak_px) + 0.5) / placement.canvas_hw
    cell = [int(np.argmin(np.abs(np.asarray(scores.centres[k]) - peak[k]))) for k in (0, 1)]
    window = tuple(slice(max(0, c - 1), c + 2) for c in cell)
    patches = scores.grid[0][window]
    row, column = divmod(int(patches.argmax()), patches.shape[1])
    return window[0].start + row, window[1].start + column


def region_mask(values: Array, region: Region) -> Array:
    """Return the mask of a region in its box.

    Args:
        values: (H, W) float32, the map in which `regions` found it; not changed.
        region: one that `regions` returned.

    Returns:
        (height, width) bool, of the region's box.
    """
    top, left, height, width = region.box_px
    above: Array = values[top : top + height, left : left + width] > region.limit
    if np.count_nonzero(above) == region.area_px:
        return above  # nothing else is in its box
    labels, _ = components(above)
    row, column = region.peak_px
    mask: Array = labels == labels[row - top, column - left]
    return mask
