"""Contours as one SVG path of closed loops, and the loops of such a path."""

from goldensample.records import Array
from goldensample.regions.contours import outlines


def outline(values: Array, level: float, block_px: int, size_hw: tuple[int, int]) -> str:
    """Return the contours of `values > level` as an SVG path (`d`), in pixels of the picture.

    Args:
        values: (h, w) float, each the value of a block of pixels; not changed.
        level: the outline runs where values, interpolated between block centres, reach it.
        block_px: side of a block in pixels.
        size_hw: (H, W) of the picture; what would leave it runs along its edge.

    Returns:
        One closed loop after another, or "" where nothing is above.

    Example:
        >>> outline(np.array([[2.0]]), 1.0, 4, (4, 4))
        'M2 0L0 2 2 4 4 2Z'
    """
    return "".join(map(_path, outlines(values, level, block_px, size_hw)))


def loops_of(path: str) -> list[list[tuple[float, float]]]:
    """Return the loops of an outline as corners (x, y).

    Example:
        >>> loops_of("M2 0L0 2 2 4Z")
        [[(2.0, 0.0), (0.0, 2.0), (2.0, 4.0)]]
    """
    numbers = [
        list(map(float, loop.replace("M", "").replace("L", " ").split()))
        for loop in path.split("Z")[:-1]
    ]
    return [list(zip(loop[::2], loop[1::2], strict=True)) for loop in numbers]


def _path(points: Array) -> str:
    """Write one closed loop of rows and columns."""
    start, *remaining = (
        f"{x:.1f}".removesuffix(".0") + " " + f"{y:.1f}".removesuffix(".0") for y, x in points
    )
    return f"M{start}L{' '.join(remaining)}Z"
