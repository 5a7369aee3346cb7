"""Bring a picture of any shape to the one size that the network sees, and find the way back.

Everything here is separable and linear: one sparse matrix for the rows, one for the columns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from goldensample.records import Array
from goldensample.viewing import View

MODES = ("fit", "stretch", "shorter")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a picture lies on the network's canvas.

    A point at `y` pixels from the picture's top lies `y * scale_hw[0] + offset_hw[0]` pixels from
    the canvas's top; the same for columns.
    """

    shape_hw: tuple[int, int]
    canvas_hw: tuple[int, int]
    resized_hw: tuple[int, int]
    stretched: bool
    view: View | None = None

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

    def box_px(self) -> tuple[int, int, int, int]:
        """Return (top, left, height, width), the part of the picture that lies on the canvas."""
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
        if self.view:
            valid = valid & self.view.at(*shares)
        if not valid.any():
            raise ValueError(
                f"a view must leave a patch to look at; on a picture of {self.shape_hw} pixels it "
                "leaves none; look at more"
            )
        return valid

    def looked_at(self) -> Array | None:
        """Return (H, W) bool, the pixels that are looked at; None where all are."""
        if self.view is None:
            return None
        return self.view.at(*((np.arange(side) + 0.5) / side for side in self.shape_hw))

    def picture_px(self, canvas_px: Array, axis: int) -> Array:
        """Return, for positions on the canvas along an axis, the positions in the picture."""
        return (canvas_px - self.offset_hw[axis]) / self.scale_hw[axis]


@dataclass(frozen=True, slots=True)
class Preparation:
    """How pictures are brought to the network's size.

    Args:
        size_hw: (height, width) in pixels: the canvas ("fit"), the exact size ("stretch"), or the
            length of the shorter side, given twice ("shorter", as torchvision's Resize).
        mode: "fit" keeps the aspect and fills the rest of the canvas with the picture's edge (never
            scored); where that would waste more than half the canvas it stretches and says so.
        crop_hw: the central part that is looked at, after resizing; None looks at everything.
        white: grey value of deep pictures that becomes 255; None where all pictures have 8 bits.
        view: which part of every picture is looked at; None looks at everything.

    Raises:
        ValueError: a size is not positive, the mode is unknown or the crop is larger than the size.
    """

    size_hw: tuple[int, int]
    mode: str = "fit"
    crop_hw: tuple[int, int] | None = None
    white: int | None = None
    view: View | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}")
        if min(self.size_hw) < 1 or max(self.size_hw) > 16384:
            raise ValueError(f"size_hw must be in 1 to 16384; got {self.size_hw}")
        if self.white is not None and not 1 <= self.white <= 65535:
            raise ValueError(f"white must be in 1 to 65535; got {self.white}")
        if self.mode == "shorter" and self.crop_hw is None:
            raise ValueError("mode 'shorter' must have crop_hw, so that every picture has one size")
        crop = self.crop_hw or self.size_hw
        if min(crop) < 1 or crop[0] > self.size_hw[0] or crop[1] > self.size_hw[1]:
            raise ValueError(f"crop_hw must lie within size_hw {self.size_hw}; got {crop}")

    @property
    def canvas_hw(self) -> tuple[int, int]:
        """(height, width) of what the network sees."""
        return self.crop_hw or self.size_hw

    def place(self, shape_hw: tuple[int, int]) -> Placement:
        """Return where a picture of (H, W) pixels comes to lie."""
        resized, stretched = self._resized(shape_hw)
        return Placement(shape_hw, self.canvas_hw, resized, stretched, self.view)

    def _resized(self, shape_hw: tuple[int, int]) -> tuple[tuple[int, int], bool]:
        """Return the picture's (height, width) after resizing, and whether it was stretched."""
        height, width = shape_hw
        rows, columns = self.size_hw
        if self.mode == "shorter":
            longer = rows * max(shape_hw) // min(shape_hw)
            return ((rows, longer) if height <= width else (longer, rows)), False
        if self.mode == "stretch":
            return self.size_hw, False
        if rows * width <= columns * height:  # the height is what fills the canvas
            columns = max(1, (2 * width * rows + height) // (2 * height))  # rounded, halves up
        else:
            rows = max(1, (2 * height * columns + width) // (2 * width))
        if rows * columns * 2 < self.size_hw[0] * self.size_hw[1]:
            return self.size_hw, True
        return (rows, columns), False

    def apply(self, pixels: Array) -> tuple[Array, Placement]:
        """Bring a picture to the canvas.

        Args:
            pixels: (H, W, 3) uint8 RGB; not changed.

        Returns:
            (3, height, width) float32 in [0, 255], and the placement.
        """
        placement = self.place((pixels.shape[0], pixels.shape[1]))
        height, width = placement.canvas_hw
        source = pixels.astype(np.float32)
        if placement.scale_hw != (1.0, 1.0) or placement.shape_hw != placement.canvas_hw:
            rows, columns = (resizing_matrix(placement, axis) for axis in (0, 1))
            source = rows @ source.reshape(len(source), -1)  # (H, W·3) -> (height, W·3)
            source = source.reshape(height, -1, 3).transpose(1, 0, 2)  # -> (W, height, 3)
            source = columns @ source.reshape(len(source), -1)  # -> (width, height·3)
            source = source.reshape(width, height, 3).transpose(1, 0, 2)
        return np.ascontiguousarray(source.transpose(2, 0, 1)), placement


def choose_size(
    shapes: list[tuple[int, int]], stride: int, area_px: int = 256 * 256
) -> tuple[int, int]:
    """Choose one canvas for pictures of several shapes.

    Args:
        shapes: (H, W) of each picture; at least one.
        stride: both sides become multiples of it, two strides at least.
        area_px: the area aimed at.

    Returns:
        (height, width) with the median aspect and about the area; shapes [(900, 900)] at stride 16
        give (256, 256).
    """
    aspect = float(np.median([height / width for height, width in shapes]))
    sides = ((area_px * aspect) ** 0.5, (area_px / aspect) ** 0.5)
    height, width = (max(2, round(side / stride)) * stride for side in sides)
    return height, width


def resizing_matrix(placement: Placement, axis: int) -> Any:
    """Return the sparse (canvas, size) matrix that resizes along an axis.

    A triangle filter, widened when shrinking (antialiased bilinear, as Pillow's), without rounding
    between the passes. Canvas pixels beyond the picture repeat its edge.
    """
    from scipy.sparse import csr_array

    size, canvas = placement.shape_hw[axis], placement.canvas_hw[axis]
    scale, offset = placement.scale_hw[axis], placement.offset_hw[axis]
    support = max(1.0, 1.0 / scale)
    centres = np.clip((np.arange(canvas) + 0.5 - offset) / scale, 0.5 * min(1.0, 1 / scale), None)
    centres = np.minimum(centres, size - 0.5 * min(1.0, 1 / scale))
    reach = int(np.ceil(support)) + 1
    taps = np.floor(centres).astype(int)[:, None] + np.arange(-reach, reach + 1)  # (canvas, taps)
    weights = np.maximum(0.0, 1.0 - np.abs(taps + 0.5 - centres[:, None]) / support)
    weights[(taps < 0) | (taps >= size)] = 0.0
    weights /= weights.sum(axis=1, keepdims=True)
    used = weights > 0
    rows = np.broadcast_to(np.arange(canvas)[:, None], taps.shape)[used]
    values = weights[used].astype(np.float32)
    return csr_array((values, (rows, taps[used])), shape=(canvas, size))
