"""The rigid motion of a part relative to a reference picture, and warping by it."""

from dataclasses import dataclass

import numpy as np

from goldensample.records import Array

Affine = tuple[Array, Array]
"""A (2, 2) matrix and a (2,) offset: a point maps to `matrix @ point + offset`. Points are
(row, column) in pixels, with integer pixel centres."""


@dataclass(frozen=True, slots=True)
class Motion:
    """A rotation about the centre of the picture, then a translation.

    It is independent of the picture's resolution.

    Args:
        degrees: of rotation, counterclockwise.
        down: translation along the rows, as a share of the picture's height.
        across: along the columns, as a share of its width.

    Raises:
        ValueError: it rotates by more than half a turn, or translates by more than the picture.
    """

    degrees: float
    down: float
    across: float

    def __post_init__(self) -> None:
        if not (abs(self.degrees) <= 180 and abs(self.down) <= 1 and abs(self.across) <= 1):
            raise ValueError(f"a motion must be at most half a turn and the picture; got {self}")

    def forward(self, shape_hw: tuple[int, int]) -> Affine:
        """Return the map from points of the aligned picture to a picture of (H, W) pixels."""
        angle, centre = np.deg2rad(self.degrees), (np.asarray(shape_hw) - 1) / 2
        sine, cosine = np.sin(angle), np.cos(angle)
        matrix = np.array([[cosine, -sine], [sine, cosine]])
        return matrix, centre - matrix @ centre + np.array([self.down, self.across]) * shape_hw

    def inverse(self, shape_hw: tuple[int, int]) -> Affine:
        """Return the map from points of the picture to the aligned one."""
        matrix, offset = self.forward(shape_hw)
        return matrix.T, -matrix.T @ offset

    def align(self, pixels: Array) -> Array:
        """Warp a picture so that its part lies as the reference's: bilinear, the edge repeated.

        Args:
            pixels: (H, W, 3) float32; not changed.
        """
        affine = self.forward((pixels.shape[0], pixels.shape[1]))
        return np.stack([warp(pixels[..., k], affine) for k in range(3)], axis=-1)

    def restore(self, values: Array) -> Array:
        """Warp a map of the aligned picture back onto the picture; 0 beyond it.

        Args:
            values: (H, W) float32; not changed.
        """
        return warp(values, self.inverse((values.shape[0], values.shape[1])), "constant")


def warp(values: Array, affine: Affine, mode: str = "nearest") -> Array:
    """Return (H, W) float32: each pixel sampled where the affine map sends it, bilinear."""
    from scipy.ndimage import affine_transform

    warped: Array = affine_transform(
        values, *affine, output=np.float32, order=1, mode=mode, prefilter=False
    )
    return warped


def inside_mask(affine: Affine, shape_hw: tuple[int, int]) -> Array:
    """Return (H, W) bool, True at pixels that the affine map sends into the picture."""
    (matrix, offset), (height, width) = affine, shape_hw
    rows, columns = np.arange(height)[:, None], np.arange(width)
    down, across = (matrix[k, 0] * rows + matrix[k, 1] * columns + offset[k] for k in (0, 1))
    inside: Array = (down >= 0) & (down <= height - 1) & (across >= 0) & (across <= width - 1)
    return inside
