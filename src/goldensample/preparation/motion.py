"""The rigid motion of a part relative to a reference picture, and warping by it."""

from dataclasses import dataclass

import numpy as np

from goldensample.native.library import library
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
        return warp(pixels, self.forward((pixels.shape[0], pixels.shape[1])))

    def restore(self, values: Array) -> Array:
        """Warp a map of the aligned picture back onto the picture; 0 beyond it.

        Args:
            values: (H, W) float32; not changed.
        """
        return warp(values, self.inverse((values.shape[0], values.shape[1])), zero_beyond=True)


def warp(values: Array, affine: Affine, zero_beyond: bool = False) -> Array:
    """Return float32: each pixel sampled where the affine map sends it, bilinear.

    Args:
        values: (H, W) or (H, W, k) float32; not changed.
        affine: from a point of the result to a point of `values`.
        zero_beyond: whether what lies beyond `values` is 0; else their edge is repeated.
    """
    compiled = library()
    if compiled is None:
        return _warp_plain(values, affine, zero_beyond)
    source = np.ascontiguousarray(values, np.float32)
    numbers = np.concatenate([affine[0].ravel(), affine[1]]).astype(np.float64)
    warped = np.empty(source.shape, np.float32)
    height, width = source.shape[:2]
    depth = source.size // max(height * width, 1)
    compiled.warp(
        source.ctypes.data,
        height,
        width,
        depth,
        numbers.ctypes.data,
        zero_beyond,
        warped.ctypes.data,
    )
    return warped


def _warp_plain(values: Array, affine: Affine, zero_beyond: bool) -> Array:
    """Return what `warp` does, by SciPy, where there is no compiled code."""
    from scipy.ndimage import affine_transform

    mode = "constant" if zero_beyond else "nearest"
    warped = np.empty(values.shape, np.float32)
    for source, result in zip(_planes(values), _planes(warped), strict=True):
        affine_transform(source, *affine, output=result, order=1, mode=mode, prefilter=False)
    return warped


def _planes(values: Array) -> list[Array]:
    """Return views of the (H, W) planes of (H, W) or (H, W, k)."""
    return [values] if values.ndim == 2 else [values[..., k] for k in range(values.shape[2])]


def inside_mask(affine: Affine, shape_hw: tuple[int, int]) -> Array:
    """Return (H, W) bool, True at pixels that the affine map sends into the picture."""
    (matrix, offset), (height, width) = affine, shape_hw
    rows, columns = np.arange(height)[:, None], np.arange(width)
    down, across = (matrix[k, 0] * rows + matrix[k, 1] * columns + offset[k] for k in (0, 1))
    inside: Array = (down >= 0) & (down <= height - 1) & (across >= 0) & (across <= width - 1)
    return inside
