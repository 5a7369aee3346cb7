"""How the part in a picture lies against that of a reference, and the way there and back."""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

Affine = tuple[Array, Array]
"""A (2, 2) matrix and a (2,) offset: a position goes to `matrix @ position + offset`. Positions are
(row, column) in pixels, a pixel's centre being its number."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A turn about the middle of the picture, then a shift.

    It holds for the picture in every size.

    Args:
        degrees: of the turn, counterclockwise as the eye sees it.
        down: of the shift, as a share of the picture's height.
        across: the same of its width.

    Raises:
        ValueError: it is more than half a turn, or than the picture.
    """

    degrees: float
    down: float
    across: float

    def __post_init__(self) -> None:
        if not (abs(self.degrees) <= 180 and abs(self.down) <= 1 and abs(self.across) <= 1):
            raise ValueError(f"a motion must be at most half a turn and the picture; got {self}")

    def forth(self, shape_hw: tuple[int, int]) -> Affine:
        """Return where in a picture of (H, W) pixels the places of the aligned one are."""
        angle, middle = np.deg2rad(self.degrees), (np.asarray(shape_hw) - 1) / 2
        sine, cosine = np.sin(angle), np.cos(angle)
        matrix = np.array([[cosine, -sine], [sine, cosine]])
        return matrix, middle - matrix @ middle + np.array([self.down, self.across]) * shape_hw

    def back(self, shape_hw: tuple[int, int]) -> Affine:
        """Return where in the aligned picture the places of the picture are."""
        matrix, offset = self.forth(shape_hw)
        return matrix.T, -matrix.T @ offset

    def aligned(self, pixels: Array) -> Array:
        """Return a picture as if its part lay as the reference's: bilinear, the edge repeated.

        Args:
            pixels: (H, W, 3) float32; not changed.
        """
        way = self.forth((pixels.shape[0], pixels.shape[1]))
        return np.stack([sampled(pixels[..., k], way) for k in range(3)], axis=-1)

    def returned(self, values: Array) -> Array:
        """Return what belongs to an aligned picture as it lies on the picture; 0 beyond it.

        Args:
            values: (H, W) float32; not changed.
        """
        return sampled(values, self.back((values.shape[0], values.shape[1])), "constant")


def sampled(values: Array, way: Affine, beyond: str = "nearest") -> Array:
    """Return (H, W) float32: at each place what lies where the way leads, bilinear."""
    from scipy.ndimage import affine_transform

    found: Array = affine_transform(
        values, *way, output=np.float32, order=1, mode=beyond, prefilter=False
    )
    return found


def inside(way: Affine, shape_hw: tuple[int, int]) -> Array:
    """Return (H, W) bool, True at the places that the way leads to a place of the picture."""
    (matrix, offset), (height, width) = way, shape_hw
    rows, columns = np.arange(height)[:, None], np.arange(width)
    down, across = (matrix[k, 0] * rows + matrix[k, 1] * columns + offset[k] for k in (0, 1))
    within: Array = (down >= 0) & (down <= height - 1) & (across >= 0) & (across <= width - 1)
    return within
