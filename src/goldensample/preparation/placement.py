"""The placement of a picture on the network's canvas, and the map back."""

from dataclasses import dataclass, replace

import numpy as np

from goldensample.preparation.motion import Affine, Motion
from goldensample.preparation.roi import RegionOfInterest
from goldensample.preparation.zones import Zones, zone_indices, zone_limits
from goldensample.records import Array

EDGE_RADIUS = 2
"""In cells: a patch averages 3 x 3 of them, and most of the receptive field adds about one."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The placement of a picture on the network's canvas.

    A point at `y` pixels from the picture's top lies `y * scale_hw[0] + offset_hw[0]` pixels from
    the canvas's top; the same for columns. Where the picture was aligned to a reference, this
    holds for the aligned picture: ROI, zones and all that is by axis are in its coordinates.

    Args:
        shape_hw: (H, W) of the picture.
        canvas_hw: (height, width) of the canvas.
        resized_hw: (height, width) of the resized picture.
        stretched: whether its aspect was changed.
        roi: its region of interest; None for all.
        zones: parts with limits of their own.
        motion: of its part relative to the reference's; None where it was not aligned.
        unaligned: whether alignment failed.
    """

    shape_hw: tuple[int, int]
    canvas_hw: tuple[int, int]
    resized_hw: tuple[int, int]
    stretched: bool
    roi: RegionOfInterest | None = None
    zones: Zones = ()
    motion: Motion | None = None
    unaligned: bool = False

    @property
    def scale_hw(self) -> tuple[float, float]:
        """Pixels of the canvas per pixel of the picture."""
        return self.resized_hw[0] / self.shape_hw[0], self.resized_hw[1] / self.shape_hw[1]

    @property
    def offset_hw(self) -> tuple[float, float]:
        """Whole pixels of the canvas: padding before the picture; below zero if it is cropped."""
        sides = zip(self.resized_hw, self.canvas_hw, strict=True)
        down, right = (float(-round((r - c) / 2)) for r, c in sides)  # as torchvision's crop
        return down, right

    @property
    def without_motion(self) -> "Placement":
        """The placement of the aligned picture."""
        return self if self.motion is None else replace(self, motion=None)

    def box_px(self) -> tuple[int, int, int, int]:
        """Return (top, left, height, width), the part of the picture that is on the canvas.

        Where the picture was rotated, it is the bounding box of that part.
        """
        if self.motion:
            top, left, height, width = self.without_motion.box_px()
            corners = np.array([(y, x) for y in (top, top + height) for x in (left, left + width)])
            mapped = self._apply(self.motion.forward(self.shape_hw), corners.T)  # (2, 4)
            low = np.maximum(np.floor(mapped.min(axis=1)).astype(int), 0)
            high = np.minimum(np.ceil(mapped.max(axis=1)).astype(int), self.shape_hw)
            return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])
        spans = []
        for size, canvas, resized, offset in zip(
            self.shape_hw, self.canvas_hw, self.resized_hw, self.offset_hw, strict=True
        ):
            start = max(0, round(-offset * size / resized))
            spans.append((start, min(size, round((canvas - offset) * size / resized)) - start))
        (top, height), (left, width) = spans
        return top, left, height, width

    def valid(self, grid_hw: tuple[int, int]) -> Array:
        """Return (h, w) bool: True where a cell's centre is on the picture and in the ROI.

        Of an aligned picture, cells beyond its edge are invalid, and those within EDGE_RADIUS of
        them, whose features partly come from the repeated edge.

        A picture thinner than a cell has the cell that holds its centre.

        Raises:
            ValueError: no cell is in the ROI.
        """
        sides, shares = [], []
        for axis in (0, 1):
            cell = self.canvas_hw[axis] / grid_hw[axis]
            centres = (np.arange(grid_hw[axis]) + 0.5) * cell
            start = self.offset_hw[axis]
            end = start + self.resized_hw[axis]
            inside = (centres > start) & (centres < end)
            if not inside.any():
                inside[int(np.clip((start + end) / 2 / cell, 0, grid_hw[axis] - 1))] = True
            sides.append(inside)
            shares.append((centres - start) / self.resized_hw[axis])
        valid: Array = sides[0][:, None] & sides[1][None, :]
        if self.motion:
            centres = np.stack(np.meshgrid(*shares, indexing="ij"))  # (2, h, w)
            size = np.asarray(self.shape_hw)[:, None, None]
            points = self._apply(self.motion.forward(self.shape_hw), centres * size)
            padded = valid & ~((points > 0) & (points < size)).all(axis=0)
            valid = valid & ~_dilate(padded)
        if self.roi:
            valid = valid & self.roi.contains(*shares)
        if not valid.any():
            raise ValueError(
                f"a view must leave a patch to look at; on a picture of {self.shape_hw} pixels it "
                "leaves none; look at more"
            )
        return valid

    def zones_at(self, rows: Array, columns: Array) -> Array:
        """Return the zone of each point of a grid, (k, l) int; see `zones.zone_indices`.

        Args:
            rows: (k,) as shares of the canvas.
            columns: (l,) as shares of the canvas.
        """
        shares = [
            (positions * self.canvas_hw[axis] - self.offset_hw[axis]) / self.resized_hw[axis]
            for axis, positions in enumerate((rows, columns))
        ]
        return zone_indices(self.zones, *shares)

    def limits(self, grid_hw: tuple[int, int]) -> Array | None:
        """Return (h, w) float32, the divisor of distances at each cell; None without zones."""
        if not self.zones:
            return None
        centres = ((np.arange(cells) + 0.5) / cells for cells in grid_hw)
        return zone_limits(self.zones, self.zones_at(*centres))

    def roi_mask(self) -> Array | None:
        """Return (H, W) bool, the pixels in the ROI; None for all."""
        if self.roi is None:
            return None
        return self.roi.contains(*((np.arange(side) + 0.5) / side for side in self.shape_hw))

    def canvas_px(self, picture_px: Array) -> Array:
        """Map points of the picture to the canvas.

        Args:
            picture_px: (2, ...): rows and columns in pixels, from the picture's edges.
        """
        if self.motion:
            picture_px = self._apply(self.motion.inverse(self.shape_hw), picture_px)
        axes = zip(picture_px, self.scale_hw, self.offset_hw, strict=True)
        return np.stack([position * scale + offset for position, scale, offset in axes])

    def picture_px(self, canvas_px: Array) -> Array:
        """Map points of the canvas to the picture; the inverse of `canvas_px`."""
        axes = zip(canvas_px, self.scale_hw, self.offset_hw, strict=True)
        points = np.stack([(position - offset) / scale for position, scale, offset in axes])
        return self._apply(self.motion.forward(self.shape_hw), points) if self.motion else points

    @staticmethod
    def _apply(affine: Affine, points: Array) -> Array:
        """Map points (2, ...), in pixels from the picture's edges, by an affine map."""
        matrix, offset = affine
        mapped: Array = np.tensordot(matrix, points - 0.5, 1)
        return mapped + (offset + 0.5).reshape(2, *(1,) * (points.ndim - 1))


def _dilate(cells: Array) -> Array:
    """Return a mask of cells, (h, w) bool, dilated by EDGE_RADIUS."""
    from scipy.ndimage import maximum_filter

    dilated: Array = maximum_filter(cells, 2 * EDGE_RADIUS + 1, mode="constant")
    return dilated
