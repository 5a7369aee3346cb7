"""Where a picture lies on the network's canvas, and the way back."""

from dataclasses import dataclass, replace

import numpy as np

from goldensample.preparation.motion import Affine, Motion
from goldensample.preparation.roi import View
from goldensample.preparation.zones import Zones, limits_of, numbers_at
from goldensample.records import Array

REACH = 2
"""Cells: a patch is of 3 x 3 of them, and the network sees most of what is about one more."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies on the network's canvas.

    A point at `y` pixels from the picture's top lies `y * scale_hw[0] + offset_hw[0]` pixels from
    the canvas's top; the same for columns. Where the picture was moved to lie as a reference does,
    this is said of the picture as aligned: view, zones and all that is by axis are the reference's.

    Args:
        shape_hw: (H, W) of the picture.
        canvas_hw: (height, width) of the canvas.
        resized_hw: the picture's on the canvas.
        stretched: its aspect was not kept.
        view: which part of it is looked at; None for all.
        zones: parts with limits of their own.
        motion: how its part lies against the reference's; None where it was not moved.
        unaligned: it should have been moved, and could not be.
    """

    shape_hw: tuple[int, int]
    canvas_hw: tuple[int, int]
    resized_hw: tuple[int, int]
    stretched: bool
    view: View | None = None
    zones: Zones = ()
    motion: Motion | None = None
    unaligned: bool = False

    @property
    def scale_hw(self) -> tuple[float, float]:
        """Pixels of the canvas per pixel of the picture."""
        return self.resized_hw[0] / self.shape_hw[0], self.resized_hw[1] / self.shape_hw[1]

    @property
    def offset_hw(self) -> tuple[float, float]:
        """A whole number of pixels: above zero left of the picture, below for what is cut off."""
        sides = zip(self.resized_hw, self.canvas_hw, strict=True)
        down, right = (float(-round((r - c) / 2)) for r, c in sides)  # as torchvision's crop
        return down, right

    @property
    def still(self) -> "Placement":
        """The placement of the picture as aligned."""
        return self if self.motion is None else replace(self, motion=None)

    def box_px(self) -> tuple[int, int, int, int]:
        """Return (top, left, height, width), the part of the picture that lies on the canvas.

        Where the picture was turned, it is the smallest box around that part.
        """
        if self.motion:
            top, left, height, width = self.still.box_px()
            corners = np.array([(y, x) for y in (top, top + height) for x in (left, left + width)])
            turned = self._led(corners.T, self.motion.forth(self.shape_hw))  # (2, 4)
            low = np.maximum(np.floor(turned.min(axis=1)).astype(int), 0)
            high = np.minimum(np.ceil(turned.max(axis=1)).astype(int), self.shape_hw)
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
        """Return (h, w) bool: True where a cell's centre lies on the picture, and is looked at.

        Of a picture that was moved, cells that it does not show are left out, and those within
        REACH of them, whose features are partly of the repeated edge.

        A picture thinner than a cell keeps the cell that holds its middle.

        Raises:
            ValueError: the view leaves no cell.
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
            shown = self._led(centres * size, self.motion.forth(self.shape_hw))
            filled = valid & ~((shown > 0) & (shown < size)).all(axis=0)
            valid = valid & ~_grown(filled)
        if self.view:
            valid = valid & self.view.at(*shares)
        if not valid.any():
            raise ValueError(
                f"a view must leave a patch to look at; on a picture of {self.shape_hw} pixels it "
                "leaves none; look at more"
            )
        return valid

    def zones_at(self, rows: Array, columns: Array) -> Array:
        """Return which zone each of some points lies in, (k, l) int; see `zoning.numbers_at`.

        Args:
            rows: (k,) as shares of the canvas.
            columns: (l,) as shares of the canvas.
        """
        shares = [
            (at * self.canvas_hw[axis] - self.offset_hw[axis]) / self.resized_hw[axis]
            for axis, at in enumerate((rows, columns))
        ]
        return numbers_at(self.zones, *shares)

    def limits(self, grid_hw: tuple[int, int]) -> Array | None:
        """Return (h, w) float32, what distances at the cells are divided by; None without zones."""
        if not self.zones:
            return None
        centres = ((np.arange(cells) + 0.5) / cells for cells in grid_hw)
        return limits_of(self.zones, self.zones_at(*centres))

    def looked_at(self) -> Array | None:
        """Return (H, W) bool, the pixels that are looked at; None where all are."""
        if self.view is None:
            return None
        return self.view.at(*((np.arange(side) + 0.5) / side for side in self.shape_hw))

    def canvas_px(self, picture_px: Array) -> Array:
        """Return where on the canvas points of the picture lie.

        Args:
            picture_px: (2, ...): rows and columns in pixels, from the picture's edges.
        """
        if self.motion:
            picture_px = self._led(picture_px, self.motion.back(self.shape_hw))
        ends = zip(picture_px, self.scale_hw, self.offset_hw, strict=True)
        return np.stack([at * scale + offset for at, scale, offset in ends])

    def picture_px(self, canvas_px: Array) -> Array:
        """Return where in the picture points of the canvas lie; the reverse of `canvas_px`."""
        ends = zip(canvas_px, self.scale_hw, self.offset_hw, strict=True)
        at = np.stack([(at - offset) / scale for at, scale, offset in ends])
        return self._led(at, self.motion.forth(self.shape_hw)) if self.motion else at

    @staticmethod
    def _led(points: Array, way: Affine) -> Array:
        """Return where a way leads points (2, ...), counted from the edges."""
        matrix, offset = way
        led: Array = np.tensordot(matrix, points - 0.5, 1)
        return led + (offset + 0.5).reshape(2, *(1,) * (points.ndim - 1))


def _grown(cells: Array) -> Array:
    """Return some cells, (h, w) bool, and all within REACH of them."""
    from scipy.ndimage import maximum_filter

    grown: Array = maximum_filter(cells, 2 * REACH + 1, mode="constant")
    return grown
