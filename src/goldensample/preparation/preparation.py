"""Resize and align pictures of any shape to the network's canvas."""

from dataclasses import dataclass, replace

import numpy as np

from goldensample.errors import ImageError
from goldensample.images.grey_range import GreyRange
from goldensample.preparation.alignment import Reference, small_hw
from goldensample.preparation.placement import Placement
from goldensample.preparation.resizing import resize
from goldensample.preparation.roi import RegionOfInterest
from goldensample.preparation.zones import Zones, check_names
from goldensample.records import Array

MODES = ("fit", "stretch", "shorter", "native")


@dataclass(frozen=True, slots=True)
class Preparation:
    """How pictures are resized, cropped and aligned to the network's canvas.

    Args:
        size_hw: (height, width) in pixels: the canvas ("fit", "native"), the exact size
            ("stretch"), or the length of the shorter side, given twice ("shorter", as
            torchvision's Resize).
        mode: "fit" keeps the aspect and fills the rest of the canvas with the picture's edge (never
            scored); where that would waste more than half the canvas it stretches, with a note.
            "native" resizes nothing, refuses pictures larger than the canvas, and runs the
            network in tiles.
        crop_hw: the central part that is inspected, after resizing; None crops nothing.
        grey_range: which samples of pictures of more than 8 bits become black and white; None
            where all pictures have 8 bits.
        view: the region of interest (ROI) of every picture; None for all of it.
        zones: parts of every picture with limits of their own.
        reference: what every picture is aligned to, first of all; None aligns nothing. ROI and
            zones are then in its coordinates.

    Raises:
        ValueError: a size is not positive, the mode is unknown or the crop is larger than the size.
    """

    size_hw: tuple[int, int]
    mode: str = "fit"
    crop_hw: tuple[int, int] | None = None
    grey_range: GreyRange | None = None
    view: RegionOfInterest | None = None
    zones: Zones = ()
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}; got {self.mode!r}")
        if min(self.size_hw) < 1 or max(self.size_hw) > 16384:
            raise ValueError(f"size_hw must be in 1 to 16384; got {self.size_hw}")
        if self.mode == "shorter" and self.crop_hw is None:
            raise ValueError("mode 'shorter' must have crop_hw, so that every picture has one size")
        if self.mode == "native" and self.crop_hw is not None:
            raise ValueError(f"mode 'native' must go without crop_hw; got {self.crop_hw}")
        crop = self.crop_hw or self.size_hw
        if min(crop) < 1 or crop[0] > self.size_hw[0] or crop[1] > self.size_hw[1]:
            raise ValueError(f"crop_hw must lie within size_hw {self.size_hw}; got {crop}")
        check_names(self.zones)

    @property
    def canvas_hw(self) -> tuple[int, int]:
        """(height, width) of the network's input."""
        return self.crop_hw or self.size_hw

    def placement(self, shape_hw: tuple[int, int]) -> Placement:
        """Return the placement of a picture of (H, W) pixels on the canvas.

        Raises:
            ImageError: it is larger than the canvas of mode "native".
        """
        resized, stretched = self._resized(shape_hw)
        return Placement(shape_hw, self.canvas_hw, resized, stretched, self.view, self.zones)

    def _resized(self, shape_hw: tuple[int, int]) -> tuple[tuple[int, int], bool]:
        """Return the picture's (height, width) after resizing, and whether it was stretched."""
        height, width = shape_hw
        rows, columns = self.size_hw
        if self.mode == "shorter":
            longer = rows * max(shape_hw) // min(shape_hw)
            return ((rows, longer) if height <= width else (longer, rows)), False
        if self.mode == "stretch":
            return self.size_hw, False
        if self.mode == "native":
            if height > rows or width > columns:
                raise ImageError(
                    f"a picture must have at most {rows}x{columns} pixels (height x width), as "
                    f"nothing is resized; this one has {height}x{width}; cut it, or fit anew with "
                    "pictures of this size"
                )
            return shape_hw, False
        if rows * width <= columns * height:  # the height fills the canvas
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
        placement = self.placement((pixels.shape[0], pixels.shape[1]))
        source = pixels
        if self.reference:
            source, placement = align(pixels, placement, self.reference)
        shape_hw = (source.shape[0], source.shape[1])
        source = resize(source, replace(placement, shape_hw=shape_hw))
        return np.ascontiguousarray(source.transpose(2, 0, 1)), placement


def resize_to(source: Array, size_hw: tuple[int, int]) -> Array:
    """Return a picture (H, W, k) uint8 or float32 resized to exactly (height, width)."""
    return resize(source, Placement((source.shape[0], source.shape[1]), size_hw, size_hw, False))


def small_grey(source: Array, shape_hw: tuple[int, int] | None = None) -> Array:
    """Return the small grey version of a picture that `alignment` takes, (h, w) float32.

    Args:
        source: (H, W, 3) uint8 RGB; not changed.
        shape_hw: (h, w), the reference's; None derives it from this picture.
    """
    sides = shape_hw or small_hw((source.shape[0], source.shape[1]))
    grey: Array = resize_to(source, sides).mean(axis=2)
    return grey


def align(pixels: Array, placement: Placement, reference: Reference) -> tuple[Array, Placement]:
    """Warp a picture so that its part lies as the reference's, or mark it as unaligned.

    Args:
        pixels: (H, W, 3) uint8 RGB; not changed.
        placement: of it, without a motion.
        reference: what its part is to lie as.

    Returns:
        (h, w, 3) float32, and the placement.

    A picture of more than twice its size on the canvas is first shrunk to that: warping blurs by
    half a pixel, which is invisible then, and the cost does not grow with the camera.
    """
    sides = zip(placement.shape_hw, placement.resized_hw, strict=True)
    height, width = (min(side, 2 * resized) for side, resized in sides)
    source = resize_to(pixels, (height, width))
    motion = reference.find_motion(small_grey(pixels, reference.shape_hw))
    placement = replace(placement, motion=motion, unaligned=motion is None)
    return (motion.align(source) if motion else source), placement


def choose_size(
    shapes: list[tuple[int, int]], stride: int, area_px: int = 256 * 256
) -> tuple[int, int]:
    """Choose one canvas for pictures of several shapes.

    Args:
        shapes: (H, W) of each picture; at least one.
        stride: both sides become multiples of it, two strides at least.
        area_px: the target area.

    Returns:
        (height, width) with the median aspect and about the area; shapes [(900, 900)] at stride 16
        give (256, 256).
    """
    aspect = float(np.median([height / width for height, width in shapes]))
    sides = ((area_px * aspect) ** 0.5, (area_px / aspect) ** 0.5)
    height, width = (max(2, round(side / stride)) * stride for side in sides)
    return height, width
